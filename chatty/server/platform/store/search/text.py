"""The form of texts for searching: texts that people consider the same are equal, in the index and in queries.

The index uses FTS5's simplest tokenizer, ``ascii``: a term consists of ASCII
letters, ASCII digits, and everything beyond ASCII. This module decides what a
letter is and which letters are equal, by Python's Unicode tables, so the result
does not depend on the version of SQLite.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

__all__ = ["TOKENIZE", "fold", "terms"]

TOKENIZE: Final = "ascii"
_TERMS: Final = re.compile("[0-9a-z\x80-\U0010ffff]+")

_ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # Latin, Greek, Cyrillic
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08ff"
    "\u0730-\u074a"  # Syriac
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"  # invisible
)
"""Marks that don't make another letter. In other scripts they do: कि is not का, ไม้ is not ไม่, ガ is not カ."""
_LETTERS: Final = {
    "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ё": "е", "ѐ": "е", "ѝ": "и", "ی": "ي", "ک": "ك",
}  # fmt: skip
"""Letters that are also written in another way, and that Unicode doesn't decompose."""
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
"""Its composed letters are letters of their own: й is not и, ї is not і."""
_LATIN: Final = re.compile("LATIN SMALL LETTER ([A-Z]) WITH ")
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u312f"
    "\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaa7f\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
"""Scripts without spaces between words. Each letter with its marks is a term, and a word is a sequence of terms."""
_SIGNS: Final = re.compile("[\u2000-\u2bff\U0001f000-\U0001faff]")
"""Blocks of signs and emoji, for those that are newer than Python."""

_LETTER_ENDS, _GOES_ON = "\x01", "\x02"
_REMEMBERED: Final = 16_384
"""Characters whose forms are kept."""
_SHORT: Final = 256
"""Characters of a text in which any number of marks in a row does no harm."""
_MARKS: Final = 8
"""Marks in a row that count in longer ones."""
_LONGEST: Final = 32_768
"""Characters that count when a text has become longer than a message can be: ﷺ becomes eighteen."""


def fold(text: str) -> str:
    """``text`` as the terms that are searched, with spaces between them.

    Case, compatibility forms and accents are gone. Signs have become spaces.
    """
    if text.isascii():
        return " ".join(terms(text.lower()))
    if len(text) > _SHORT:  # normalizing many marks in a row takes quadratic time
        text = _many_marks().sub(r"\1", text)
    composed = unicodedata.normalize("NFKC", text)[:_LONGEST]
    folded = "".join(map(_FORMS.__getitem__, composed.casefold()))
    if _LETTER_ENDS in folded or _GOES_ON in folded:
        folded = folded.replace(_LETTER_ENDS + _GOES_ON, "").replace(_LETTER_ENDS, " ").replace(_GOES_ON, " ")
    return " ".join(folded.split())


def terms(folded: str) -> list[str]:
    """The terms of a folded text, as the index's tokenizer finds them."""
    return _TERMS.findall(folded)


@cache
def _many_marks() -> re.Pattern[str]:
    marks = "".join(chr(point) for point in range(0x300, 0x1F000) if unicodedata.combining(chr(point)))
    return re.compile(f"([{marks}]{{{_MARKS}}})[{marks}]+")


class _Forms(dict[str, str]):
    """Each character's form, computed when it is first needed."""

    def __missing__(self, character: str) -> str:
        form = _form(character)
        if len(self) < _REMEMBERED:
            self[character] = form
        return form


_FORMS: Final = _Forms()


def _form(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else " "
    if character in _LETTERS:
        return _LETTERS[character]
    if _ACCENTS.match(character):
        return ""
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Cf":
            return " " if character == "\u200b" else ""
        case "Mn" | "Mc" | "Me":
            return f"{_GOES_ON}{character}{_LETTER_ENDS}" if _UNSPACED.match(character) else character
        case "Cn" if not _SIGNS.match(character):
            return character
        case "Co" | "Cs":
            return character
        case kind if kind[0] in "LN":
            return f" {character}{_LETTER_ENDS}" if _UNSPACED.match(character) else _plain(character)
        case _:
            return " "


def _plain(letter: str) -> str:
    """``letter`` without its accents, unless they make it another letter."""
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if marks:
        return letter if _CYRILLIC.match(base) or not all(map(_ACCENTS.match, marks)) else _form(base)
    latin = _LATIN.match(unicodedata.name(letter, ""))
    return latin[1].lower() if latin else letter
