"""Text of other people, made safe to show.

A terminal obeys the text that it is sent. `clean` keeps only characters that can
be read, and shows the others instead of sending them: a control character by its
picture (ESC is ``␛``), an invisible one by its number (``<U+202E>``). Characters
that shape the letters and emoji beside them stay. Cleaning is for the screen
alone: a text is sent and stored as it was typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from chatty.characters import hidden
from chatty.names import mistakable

__all__ = [
    "VERIFIED",
    "as_utf8",
    "clean",
    "clean_name",
    "clean_names",
    "one_line",
    "room_title",
    "shown",
    "uncolored",
]

VERIFIED: Final = "✓"
"""The sign before a verified name. No name has it: servers refuse that, and `clean_name` shows its number."""
MARKS: Final = 4
"""Combining marks kept on one character; more of them climb over the lines above."""
NESTED: Final = 4
"""Pairs of directions that may be open at once in a line. No sentence needs more."""

_PICTURES: Final = {code: chr(0x2400 + code) for code in range(0x20) if code != 0x09} | {0x7F: "␡"}
_PICTURES_OF_TEXT: Final = {code: picture for code, picture in _PICTURES.items() if code != 0x0A}

COLORS: Final = r"(?:\x1b\[|\x9b)[0-9:;]{0,64}m"
"""A sequence that gives a text colours, and has no sense but in a terminal."""

_EMOJI: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Scripts that are written with joiners (Arabic, Syriac, N'Ko, Indic ones, Mongolian), but for what is hidden in them.
_JOINING: Final = "\u0600-\u061b\u061d-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
# Thai, Lao, Burmese and Khmer are written without blanks, and some writers mark where a word ends.
_UNSPACED: Final = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1950-\u1aad\ua9e0-\ua9ff\uaa60-\uaadf"
_IDEOGRAPHS: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BLANKS: Final = "[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+"
# Patterns are compiled when they are first needed: most commands never show a text that needs one.
_SHAPING: Final = (
    rf"(?<=[{_EMOJI}])[\ufe0e\ufe0f](?:\u200d(?=[{_EMOJI}]))?"
    rf"|(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])"
    r"|(?<=[#*0-9])\ufe0f(?=\u20e3)"
    # A flag with the code of a region, in letters that nobody sees: Scotland is gbsct.
    "|(?<=\U0001f3f4)[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,4}\U000e007f"
    rf"|(?<=[{_IDEOGRAPHS}])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
    rf"|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
    rf"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"
    # Marks of direction are like a letter that isn't seen; one after the other they would be a place to hide in.
    "|(?<![\u061c\u200e\u200f])[\u061c\u200e\u200f]"
)
"""Invisible characters where they have their place."""

# They give a part of a line a direction of its own.
_ISOLATES, _EMBEDDINGS, _OVERRIDES = "\u2066\u2067\u2068", "\u202a\u202b", "\u202d\u202e"
_BEGINNINGS: Final = _ISOLATES + _EMBEDDINGS + _OVERRIDES
_END_OF_ISOLATE: Final = "\u2069"
_ENDS: Final = f"{_END_OF_ISOLATE}\u202c"

_LONE: Final = "[\ud800-\udc7f\udd00-\udfff]"
"""Surrogates that stand for no byte."""

# Characters without a mark of their own whose category does not say so.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_SUSPICIOUS: Final = (
    f"[{''.join(sorted(_BLANK))}\ufe00-\ufe0f\U000e0100-\U000e01ef]"
    rf"|[^\w\s!-~]{{{MARKS + 1}}}"  # perhaps too many marks
)
"""Characters that Python calls printable, and that may have to be shown by their number, or left out."""
# Format characters that are seen: Arabic number signs, Syriac, Kaithi.
_SEEN: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MARKS: Final = frozenset({"Mn", "Me"})


def uncolored(text: str) -> str:
    """``text`` without the colours that a program gave it for its own terminal, and without a CR at a row's end.

    Both stand in many texts that come from pipes. Everything else that a terminal obeys stays.
    """
    if "\x1b" in text or "\x9b" in text:
        text = re.sub(COLORS, "", text)
    return re.sub(r"\r(?=\n|\Z)", "", text) if "\r" in text else text


def clean(text: str, *, newlines: bool = True) -> str:
    """``text`` with everything shown that a terminal would obey or hide.

    Tabs stay, and so do line feeds unless ``newlines`` is false. Emoji keep
    their joiners, selectors and tags, ideographs their variants, and scripts
    that need joiners and marks of direction keep those. With ``newlines``, so
    do parts of a line that have a direction of their own. Beyond four
    combining marks on one character the rest is left out. Cleaning twice is
    cleaning once.
    """
    if text.isascii():
        return text.translate(_PICTURES_OF_TEXT if newlines else _PICTURES)
    # Most texts need no look at each character: they have nothing but letters, single marks and signs.
    if (text.replace("\n", "") if newlines else text).isprintable() and not re.search(_SUSPICIOUS, text):
        return text
    return "".join(shown(text, newlines=newlines))


def shown(text: str, *, newlines: bool = True) -> list[str]:
    """For each character of ``text``, the text that `clean` shows in its place."""
    text = text.translate(_PICTURES_OF_TEXT if newlines else _PICTURES)
    kept = _without_many_marks(text)
    thinned = "".join(text[place] for place in kept)
    shaping = {place for found in re.finditer(_SHAPING, thinned) for place in range(*found.span())}
    if newlines:
        shaping.update(_paired(thinned))
    pieces = [""] * len(text)
    for place, (owner, character) in enumerate(zip(kept, thinned, strict=True)):
        hidden = _is_invisible(character) and place not in shaping
        pieces[owner] = _number(character) if hidden else character
    return pieces


@lru_cache(1024)
def clean_name(name: str) -> str:
    """``name`` on one line, and so that it can be taken for nothing but a name.

    Hidden characters are shown by their numbers, and so are those that divide
    names from texts or begin a line of chatty's own. Servers refuse such names,
    but older rooms have them.
    """
    name = re.sub(_BLANKS, " ", name).strip(" ")
    marks = (found.start() for found in re.finditer(r"(?<!\S)\S", name) if unicodedata.category(found[0]) in _MARKS)
    places = {*mistakable(name), *hidden(name), *marks}
    return clean(
        "".join(
            _number(character) if place in places and ord(character) not in _PICTURES else character
            for place, character in enumerate(name)
        ),
        newlines=False,
    )


def clean_names(names: Iterable[str]) -> str:
    """``names``, each clean, as a list in one line that shows how many they are."""
    return ", ".join(clean_name(name).replace(",", _number(",")) for name in names)


def room_title(name: str) -> str:
    """The room called ``name``, as it is spoken of: ``#deploys``."""
    return f"#{clean(name, newlines=False)}"


def one_line(text: str, characters: int) -> str:
    """The first so many ``characters`` of ``text``, clean and on one line, however it was broken."""
    return clean(" ".join(text[:characters].split()), newlines=False)


def as_utf8(text: str) -> str:
    """``text`` as it was typed or given, with U+FFFD for bytes that were not UTF-8: Python has surrogates for them."""
    text = re.sub(_LONE, "\ufffd", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _number(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def _without_many_marks(text: str) -> list[int]:
    """The places in ``text`` of all but the marks that are too many for one character."""
    kept = []
    marks = 0
    for place, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if marks <= MARKS:
            kept.append(place)
    return kept


def _paired(text: str) -> Iterator[int]:
    """The places in ``text`` of characters that begin and end a direction within a line, paired as in UAX 9."""
    begun: list[int] = []
    for place, character in enumerate(text):
        if character == "\n":
            begun.clear()
        elif character in _BEGINNINGS:
            begun.append(place)
        elif character in _ENDS:
            # The end of an isolate ends what was begun within it; that of an embedding never reaches beyond it.
            while begun and character == _END_OF_ISOLATE and text[begun[-1]] not in _ISOLATES:
                begun.pop()
            if begun and (text[begun[-1]] in _ISOLATES) == (character == _END_OF_ISOLATE):
                beginning = begun.pop()
                if text[beginning] not in _OVERRIDES and len(begun) < NESTED:
                    yield from (beginning, place)


def _is_invisible(character: str) -> bool:
    if unicodedata.category(character) in _HIDDEN:
        return character not in _SEEN and character not in "\n\t"
    return character in _BLANK or "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
