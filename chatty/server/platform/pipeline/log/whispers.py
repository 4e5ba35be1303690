"""Whispers: notes that nodes pass on to each other beside the log. They may get lost, and decide nothing."""

from __future__ import annotations

from msgspec import Struct

from chatty.server.business.rights import Principal


class Typing(Struct, frozen=True, tag=True):
    """``name`` is writing in a room."""

    room: str
    name: str


class Seen(Struct, frozen=True, tag=True):
    """``who`` has come to a room, or spoken there, from ``who.address``."""

    room: str
    who: Principal


Whisper = Typing | Seen
