"""Checks of everything that people write: names, reactions and texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

from chatty import names
from chatty.characters import hides_something
from chatty.names import BadName
from chatty.server.business.entries import Rejection
from chatty.skeletons import skeleton

_MARKS: Final = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that show nothing on their own."""


def check_name(name: str, *, points: int) -> str | Rejection:
    """A participant's name, trimmed, or why it is invalid. ``points`` is the limit in code points."""
    checked = _checked(names.check_name, name, points)
    if isinstance(checked, str) and skeleton(checked) in names.RESERVED:
        return Rejection("name_invalid", f"The name {checked!r} looks like one that is reserved; choose another one.")
    return checked


def check_known_name(name: str, *, points: int) -> str | Rejection:
    """A participant's name in a search, or why it is invalid."""
    return _checked(names.check_known_name, name, points)


def check_room_name(name: str, *, points: int) -> str | Rejection:
    """A room's name, trimmed, or why it is invalid."""
    return _checked(names.check_room_name, name, points)


def _checked(check: Callable[..., str], name: str, points: int) -> str | Rejection:
    try:
        return check(name, points=points)
    except BadName as why:
        return Rejection("name_invalid", str(why))


def check_reaction(reaction: str, *, points: int) -> Rejection | None:
    """Why something cannot be a reaction, or None. ``points`` is the limit in code points."""
    if len(reaction) <= points and not hides_something(reaction):
        kinds = {unicodedata.category(character) for character in reaction}
        if kinds - _MARKS and "Zs" not in kinds:
            return None
    return Rejection("bad_request", f"A reaction has 1 to {points} visible characters, and no spaces.")


def check_text(text: str, *, size: int) -> Rejection | None:
    """Why a message cannot be accepted, or None. ``size`` is the limit in bytes of UTF-8."""
    if not text or text.isspace():
        return Rejection("message_empty")
    # A code point takes at most 4 bytes, so most texts need not be encoded to be measured.
    if len(text) * 4 > size and len(text.encode("utf-8", "surrogatepass")) > size:
        return Rejection("message_too_long", f"A message holds at most {size:,} bytes; send it in parts.")
    return None
