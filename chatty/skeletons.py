"""Which names look alike: a name's skeleton, which it shares with all that people could take for it.

It follows Unicode's Technical Standard 39, with three changes. Names are compared in any case and without signs. Marks
count where a script writes its vowels with them. And ``0`` and ``O``, ``1`` and ``l``, ``m`` and ``rn`` stay apart,
as they do on a terminal. No I/O, but for the table that it comes with.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from chatty.names import compare_key, unshaped

__all__ = ["skeleton"]

_STROKE: Final = re.compile("(?<=[a-z])I|(?<=[A-Z])I(?=[a-z])")
"""A capital I inside a word, which looks like a small l: AIice, CarI."""

_FIRST_WITH_VOWEL_MARKS: Final = "\u0590"
"""Where the scripts begin in which a mark may be a vowel. Before are Latin, Greek, Cyrillic and Armenian."""


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """The form in which names that look alike are equal. It is empty for an empty name only.

    Capital and small letters may look like different letters of another script: Greek Ν like N, and ν like v. So a name
    that looks like Latin is taken as it is spelled, and every other one in small letters. Two spellings that compare as
    the same name may therefore have different skeletons.
    """
    spelled = unicodedata.normalize("NFKC", unshaped(name))
    looks = _looks(spelled)
    if not looks.isascii():
        looks = _looks(_without_accents(spelled).casefold())
    if looks.startswith("i"):
        looks = f"l{looks[1:]}"  # at the beginning it may be capital, and then nothing tells it from a small l
    return looks or compare_key(name)


def _looks(text: str) -> str:
    """What ``text`` looks like in any case: its letters, digits and vowels."""
    if not text.isascii():
        # Looks have accents, too: that of đ is d with a stroke.
        text = _without_accents(_without_accents(text).translate(_table()))
    folded = _STROKE.sub("l", text).casefold()
    return "".join(character for character in folded if character.isalnum() or _is_mark(character))


def _without_accents(text: str) -> str:
    kept = []
    has_vowel_marks = False
    for character in unicodedata.normalize("NFD", text):
        if not _is_mark(character):
            has_vowel_marks = character >= _FIRST_WITH_VOWEL_MARKS
        elif not has_vowel_marks or _is_accent(character):
            continue
        kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _is_accent(mark: str) -> bool:
    """Whether a mark lies over, around or beside any letter, or is a vowel sign of Hebrew or Arabic, which may be left
    out. Vowels of other scripts, and what changes a letter into another (ハ, バ and パ), have other classes.
    """
    placed = unicodedata.combining(mark)
    return placed == 1 or 10 <= placed <= 36 or placed >= 202 or unicodedata.category(mark) == "Me"


@cache
def _table() -> dict[int, str]:
    """The look of each character that looks like others. ``make confusables`` writes the table that this reads."""
    lines = Path(__file__).with_name("confusables.txt").read_text("utf-8").splitlines()
    return {ord(character): look for look, _, characters in (line.partition(" ") for line in lines)
            for character in characters}  # fmt: skip
