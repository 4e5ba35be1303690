"""Names that people could take for others' (attack 2), and names that people all over the world really have."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

HELD: Final = ("Ada", "Alice", "Bob", "Nina Ross", "Иван")
"""Those that are imitated."""

OF_EACH: Final = 40

_LATIN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SCRIPTS: Final = (
    # Each letter of a whole script that has one that looks like it; spaces where there is none.
    ("Cyrillic", "ABCEHIKMOPSTXYacdeghijlnopqsvwxy", "АВСЕНІКМОРЅТХУасԁеԍһіјӏոорԛѕѵԝху"),
    ("Greek", "ABEZHIKMNOPTYXaiopuvy", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιορυνγ"),
    ("Lisu", "ABCDEFGHIJKLMNOPRSTUVWXYZ", "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ"),
    ("Cherokee", "ABCDEGHJKLMPRSTVWZ", "ᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ"),
    ("small capitals", "abcdeghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ"),
    ("modifier letters", "abdeghijklmnoprstuvwxy", "ᵃᵇᵈᵉᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸ"),
    ("Latin for Cyrillic", "АВЕКМНОРСТХавеиокнн", "ABEKMHOPCTXaBeᴎokHʜ"),
    ("more Latin for Cyrillic", "Иван", "ИвaH"),
)
_ALPHABETS: Final = (
    "FULLWIDTH LATIN {case} LETTER {letter}",
    "MATHEMATICAL BOLD {case} {letter}",
    "MATHEMATICAL BOLD ITALIC {case} {letter}",
    "MATHEMATICAL SANS-SERIF {case} {letter}",
    "MATHEMATICAL SANS-SERIF BOLD {case} {letter}",
    "MATHEMATICAL MONOSPACE {case} {letter}",
    "MATHEMATICAL DOUBLE-STRUCK {case} {letter}",
    "MATHEMATICAL BOLD FRAKTUR {case} {letter}",
    "MATHEMATICAL BOLD SCRIPT {case} {letter}",
    "CIRCLED LATIN {case} LETTER {letter}",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER {letter}",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER {letter}",
)
_DECORATED: Final = (
    "{} ✓", "✓ {}", "{}✔", "{} ☑️", "{} ✅", "{} 🛡", "🛡️ {}", "{}⛨", "{} √", "{} ⭐", "{} 👑",
    "{}.", ".{}", "_{}_", "'{}'", "({})", "{}!", "~{}", "{}·", "{}’", "‹{}›", "{}ʼ", "{}ˈ", "« {} »",
    "{}\u0301", "{}\u0332", "{}\u0338", "{}\u20dd", "{}\u0323", "{}\u0489", "{}\u0345",
    "{}\u200b", "{}\u202e", "\u2060{}", "{}\ufe0f", "{}\u034f", "{}\u115f", "{}\u00ad",
)  # fmt: skip
_INSIDE: Final = (".", "-", " ", "_", "·", "\u0301", "\u0332", "\u0338", "\u093c", "\u200d", "\u00a0", "ʼ", "✓", "⭐")


def spoofs_of(name: str) -> list[str]:
    """As many names that look like this one, or like it with something beside it."""
    found = dict.fromkeys(one for one in _made(name) if one != name)
    assert len(found) >= OF_EACH, f"only {len(found)} of {name}"
    return list(found)


def _made(name: str) -> Iterator[str]:
    for _, letters, alike in _SCRIPTS:
        table = dict(zip(letters, alike, strict=True))
        for spelled in (name, name.upper(), name.lower()):
            if changed := [place for place, letter in enumerate(spelled) if letter in table]:
                yield "".join(table.get(letter, letter) for letter in spelled)
                yield spelled[: changed[0]] + table[spelled[changed[0]]] + spelled[changed[0] + 1 :]
                yield spelled[: changed[-1]] + table[spelled[changed[-1]]] + spelled[changed[-1] + 1 :]
    for alphabet in _ALPHABETS:
        if all(letter in _LATIN + " " for letter in name):
            yield "".join(_letter(alphabet, letter) for letter in name)
    yield from (decoration.format(name) for decoration in _DECORATED)
    yield from (name[:1] + sign + name[1:] for sign in _INSIDE)
    yield from (name.swapcase(), f" {name} ", name.replace("l", "I").replace("i", "і"))


def _letter(alphabet: str, letter: str) -> str:
    if letter == " ":
        return letter
    case = "CAPITAL" if letter.isupper() else "SMALL"
    try:
        return unicodedata.lookup(alphabet.format(case=case, letter=letter.upper()))
    except KeyError:  # some letters of some alphabets are elsewhere: ℕ
        return letter


LEGITIMATE: Final = (
    # Arabic, Persian, Urdu, Hebrew
    "محمد", "محمود", "أحمد", "فاطمة", "علی رضا", "زهرا", "می‌خواهم", "پروین", "عائشہ", "דוד", "שרה", "אברהם",
    # Hindi, Bengali, Tamil, Telugu, Malayalam, Sinhala
    "राम", "रमा", "मोहन", "महेन", "अंश", "आशा", "सुनील", "सुनीला", "ज़ैनब", "নাম", "রবীন্দ্রনাথ", "தமிழ்செல்வி", "శ్రీనివాస్",
    "മോഹൻ", "නිමල්",
    # Thai, Lao, Burmese, Khmer
    "สมชาย", "สมหญิง", "สุดา", "ณัฐวุฒิ", "ສົມພອນ", "အောင်ဆန်း", "សុខា",
    # Chinese, Japanese, Korean
    "李明", "王芳", "張偉", "山田 太郎", "佐々木", "サーシャ", "ハナ", "バナ", "パナ", "はるか",
    "김민수", "김민서", "박지훈",
    # Greek, Cyrillic, Armenian, Georgian
    "Γιώργος", "Μαρία", "Νίκος", "Ελένη", "Иван", "Анна", "Мария", "Сергей", "Олексій", "Дем’яна", "Дарʼя", "Ғалия",
    "Արմեն", "გიორგი",
    # Latin, with what languages need
    "Zoë", "José", "Mª Luisa", "Bjørn", "Łukasz", "Əli", "Kɔfi", "Kaʻiulani", "Ñusta", "Nguyễn Văn Hòa", "O'Brien",
    "Jean-Luc", "d’Artagnan", "Ian", "Ella", "Elia", "Aida", "Alda", "Maia", "Mala", "user1", "userl", "m", "rn", "0x0",
    "oxo",
    # emoji of 2024 and 2025, and older ones
    "\U0001fae9", "\U0001fac6", "\U0001fabe", "\U0001fadf", "\U0001fa89", "\U0001fa8e", "\U0001facd", "\U0001fac8",
    "\U0001faea", "😀", "Ada 🚀 Lovelace", "👩🏽‍💻", "🇸🇪", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    # scripts of 2024
    "\U00010d4a\U00010d4b", "\U00011bc1\U00011bc2",
)  # fmt: skip
"""Names that must be allowed, each beside all others."""
