"""Which names are names, and when two are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

from chatty.server.business.entries import Rejection

RESERVED: Final = frozenset({"server", "system"})
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
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


def compare_key(name: str) -> str:
    """The form in which two names that people take for the same are equal (NFKC and case folding, Unicode 3.13).

    White space that nobody sees or counts makes no difference either.
    """
    seen = unicodedata.normalize("NFKC", name.translate(_NO_SELECTORS)).casefold()
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def check_name(name: str, *, points: int) -> str | Rejection:
    """A participant's name, trimmed, or why it is none. ``points`` is the limit in code points."""
    return _check(name, points, f"Choose a name of 1 to {points} visible characters, without control characters.")


def check_room_name(name: str, *, points: int) -> str | Rejection:
    """A room's name, trimmed, or why it is none."""
    return _check(name, points, f"Give the room a name of 1 to {points} visible characters.", reserved=frozenset())


def _check(name: str, points: int, advice: str, reserved: frozenset[str] = RESERVED) -> str | Rejection:
    trimmed = name.strip()
    # The length first: to normalize many combining marks takes time that grows with the square of their number.
    if len(trimmed) > points or any(_is_invisible(c) for c in trimmed) or not (key := compare_key(trimmed)):
        return Rejection("name_invalid", advice)
    if key in reserved:
        return Rejection("name_invalid", f"The name {trimmed!r} is reserved; choose another one.")
    return trimmed


def _is_invisible(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) in _INVISIBLE


def check_reaction(reaction: str, *, points: int) -> Rejection | None:
    """Why something cannot be a reaction, or None. ``points`` is the limit in code points."""
    kinds = {unicodedata.category(c) for c in reaction[: points + 1]}
    # Cf and Mn are let in beside others: emoji are joined and varied by what is itself invisible.
    if len(reaction) <= points and kinds - {"Cf", "Mn"} and not kinds & (_INVISIBLE - {"Cf"} | {"Zs"}):
        return None
    return Rejection("bad_request", f"A reaction has 1 to {points} visible characters, and no space.")


def check_text(text: str, *, size: int) -> Rejection | None:
    """Why a message cannot be accepted, or None. ``size`` is the limit in bytes of UTF-8."""
    if not text or text.isspace():
        return Rejection("message_empty")
    # A code point takes at most 4 bytes: most texts need no encoding to be measured.
    if len(text) * 4 > size and len(text.encode("utf-8", "surrogatepass")) > size:
        return Rejection("message_too_long", f"A message holds at most {size:,} bytes; send it in parts.")
    return None
