"""Writes chatty/confusables.txt, which characters look like which, from the package `confusable-homoglyphs`.

``make confusables`` runs it. Chatty itself doesn't need that package. Characters that normal forms (NFKC) already make
the same are left out, by the Unicode version that every Python has, so that the table doesn't depend on who makes it.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from importlib.resources import files
from string import ascii_uppercase
from typing import Any, Final

from tests.support.server import ROOT

FILE = ROOT / "chatty/confusables.txt"

_SMALL_CAPITAL: Final = "LATIN LETTER SMALL CAPITAL "
_INSTEAD: Final = {"rn": "m", "l": "I", "ĸ": "k", "ʍ": "m", "ՙ": "'"}
"""Looks that become others: skeletons.py tells m from rn, and I, which all other upright strokes look like, from l.
Small κ and м look like K and M, as в looks like B, and half a ring is an apostrophe.
"""
_MORE: Final = {
    "ՙ": "'",
    "ӏ": "I",  # as in аррӏе, which is all Cyrillic
    **{chr(first + place): letter for first in (0x1F150, 0x1F170) for place, letter in enumerate(ascii_uppercase)},
}
"""Characters that the package has no look for, or another: among them letters in black circles and squares."""


def table() -> str:
    """A line for each look: it, a space, and all characters that look so."""
    looks: dict[str, list[str]] = defaultdict(list)
    for character, look in sorted(_looks().items()):
        looks[look].append(character)
    return "".join(f"{look} {''.join(characters)}\n" for look, characters in sorted(looks.items()))


def _looks() -> dict[str, str]:
    data: dict[str, list[dict[str, Any]]] = json.loads(
        files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    )
    order = {_plain(text): place for place, text in enumerate(data)}
    found: dict[str, str] = {}
    for text, others in data.items():
        character = _plain(text)
        if len(others) > 1 or len(character) != 1 or character.isascii() or not _is_normal(character):
            continue  # it has many that look like it, or can't be in a normalized name
        if unicodedata.category(character).startswith("M"):
            continue  # marks are dropped, or belong to their letters
        other = others[0]["c"]
        look = _plain(other)
        is_pair = len(data[other]) == 1
        if is_pair and (look.isspace() or (not look.isascii() and order[look] < order[character])):
            continue  # of two that only look like each other, the later one is the look
        found[character] = _letter(_INSTEAD.get(look, look))
    found |= _MORE
    found |= {chr(point): look for point in range(0x10000) if (look := _letter(chr(point))) != chr(point)}
    return found


def _plain(text: str) -> str:
    """Without the marks of direction that the package puts around some characters."""
    return text.replace("\u200e", "")


def _letter(look: str) -> str:
    """Small capitals look like the letters that they are: through them, в looks like B as В does."""
    name = unicodedata.name(look, "") if len(look) == 1 else ""
    letter = name.removeprefix(_SMALL_CAPITAL)
    return letter.lower() if name.startswith(_SMALL_CAPITAL) and len(letter) == 1 else look


def _is_normal(character: str) -> bool:
    return unicodedata.ucd_3_2_0.normalize("NFKC", character) == character


if __name__ == "__main__":
    FILE.write_text(table(), "utf-8")
