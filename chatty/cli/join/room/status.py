"""How a room is at present: the connection, who is there, how much waits. A glyph and a word, never colour alone."""

from __future__ import annotations

from math import ceil
from typing import Literal

from msgspec import Struct

__all__ = ["Connection", "Status", "connection_words", "glyph"]

Connection = Literal["connecting", "connected", "reconnecting", "offline"]
"""How the connection is: ``offline`` means that it won't be tried again."""

_GLYPHS: dict[Connection, tuple[str, str]] = {
    "connected": ("ansigreen", "●"),
    "connecting": ("ansiyellow", "◐"),
    "reconnecting": ("ansiyellow", "○"),
    "offline": ("ansired", "✕"),
}


class Status(Struct, frozen=True):
    """The state of a room.

    ``attempt`` counts tries since the connection was lost, ``retry_at`` is
    when the next one comes, in seconds of the clock. ``waiting`` messages are not acked yet, ``mentions`` were not seen
    yet. ``typing`` names the people that type. ``slow_until`` is when the next
    message may go out, in a room in slow mode.
    """

    connection: Connection = "connecting"
    attempt: int = 0
    retry_at: float = 0.0
    room: str = ""
    online: int | None = None
    waiting: int = 0
    mentions: int = 0
    typing: str = ""
    hint: str = ""
    slow_until: float = 0.0


def glyph(connection: Connection) -> tuple[str, str]:
    """The style and the sign of a connection."""
    return _GLYPHS[connection]


def connection_words(status: Status, now: float) -> str:
    """How the connection is, in words. ``now`` is in seconds."""
    words: str = status.connection
    if status.connection == "reconnecting":
        seconds = ceil(status.retry_at - now)
        words += f" in {seconds} s" if seconds > 0 else " now"
        words += f" ({status.attempt})"
    if status.waiting and status.connection != "connected":
        words += f", {status.waiting:,} waiting"
    return words
