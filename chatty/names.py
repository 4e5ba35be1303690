"""Which names are names, and when two of them are the same: one rule for the server, the library and the commands.

This module knows nothing: no I/O, no server, no client. A command that only compares names pays for nothing else.
"""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["RESERVED", "BadName", "check_name", "check_room_name", "compare_key", "is_invisible", "same"]

RESERVED: Final = frozenset({"server", "system"})
"""Names that nobody may have, in the form of `compare_key`."""
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that nothing is seen of."""
_SELECTORS: Final = "\ufe0e\ufe0f"
"""They ask for a character as text or as an emoji, come with every ❤️, and show nothing by themselves."""
_BLANK: Final = frozenset({
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0",
    *map(chr, (*range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0))),
    "\u2800",
})  # fmt: skip
"""Letters, marks and a symbol that nothing is seen of: Unicode's Default_Ignorable_Code_Point, and Braille's blank.

Those of it that are controls, formats or unassigned are known by their categories.
"""
_NO_SELECTORS: Final = str.maketrans("", "", _SELECTORS)


class BadName(ValueError):
    """This can't be a name; the text says why, and what can."""


def compare_key(name: str) -> str:
    """The form in which two names that people take for the same are equal (NFKC and case folding, Unicode 3.13).

    White space that nobody sees or counts makes no difference either.
    """
    seen = unicodedata.normalize("NFKC", name.translate(_NO_SELECTORS)).casefold()
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def same(one: str, other: str) -> bool:
    """Whether two names are the same. Whatever else people may write in their own way is compared like that, too."""
    return one == other or compare_key(one) == compare_key(other)


def check_name(name: str, *, points: int) -> str:
    """A participant's name, trimmed. ``points`` is the limit in code points. Raises BadName."""
    trimmed = _check(name, points, f"Choose a name of 1 to {points} visible characters, without control characters.")
    if compare_key(trimmed) in RESERVED:
        raise BadName(f"The name {trimmed!r} is reserved; choose another one.")
    return trimmed


def check_room_name(name: str, *, points: int) -> str:
    """A room's name, trimmed. Raises BadName."""
    return _check(name, points, f"Give the room a name of 1 to {points} visible characters.")


def is_invisible(character: str) -> bool:
    """Whether nothing is seen of a character, or nobody can say what."""
    return character in _BLANK or unicodedata.category(character) in INVISIBLE


def _check(name: str, points: int, advice: str) -> str:
    trimmed = name.strip()
    # The length first: to normalize many combining marks takes time that grows with the square of their number.
    if len(trimmed) > points or any(map(is_invisible, trimmed)) or not compare_key(trimmed):
        raise BadName(advice)
    return trimmed
