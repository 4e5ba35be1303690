"""Which names are names, and when two are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

from chatty.server.business.entries import Rejection

RESERVED: Final = frozenset({"server", "system"})
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def compare_key(name: str) -> str:
    """The form in which two names that people take for the same are equal (NFKC and case folding, Unicode 3.13)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_name(name: str, *, points: int) -> str | Rejection:
    """A participant's name, trimmed, or why it is none. ``points`` is the limit in code points."""
    return _check(name, points, f"Choose a name of 1 to {points} visible characters, without control characters.")


def check_room_name(name: str, *, points: int) -> str | Rejection:
    """A room's name, trimmed, or why it is none."""
    return _check(name, points, f"Give the room a name of 1 to {points} visible characters.", reserved=frozenset())


def _check(name: str, points: int, advice: str, reserved: frozenset[str] = RESERVED) -> str | Rejection:
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= points or any(unicodedata.category(c) in _INVISIBLE for c in trimmed):
        return Rejection("name_invalid", advice)
    if not (key := compare_key(trimmed).strip()) or key in reserved:
        return Rejection("name_invalid", f"The name {trimmed!r} is reserved; choose another one.")
    return trimmed


def check_reaction(reaction: str, *, points: int) -> Rejection | None:
    """Why something cannot be a reaction, or None. ``points`` is the limit in code points."""
    kinds = {unicodedata.category(c) for c in reaction}
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
