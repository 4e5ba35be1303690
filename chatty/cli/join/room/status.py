"""The status line: the connection, the room, and how much waits. A glyph and a word, never colour alone."""

from __future__ import annotations

from math import ceil
from typing import Literal

from msgspec import Struct

from chatty.cli.terminal.cleaning import clean

__all__ = ["Connection", "Status", "fragments"]

Connection = Literal["connecting", "connected", "reconnecting", "offline"]
"""How the connection is: ``offline`` means that it won't be tried again."""

_GLYPHS: dict[Connection, tuple[str, str]] = {
    "connected": ("ansigreen", "●"),
    "connecting": ("ansiyellow", "◐"),
    "reconnecting": ("ansiyellow", "○"),
    "offline": ("ansired", "✕"),
}


class Status(Struct, frozen=True):
    """The contents of the status line.

    ``attempt`` counts tries since the connection was lost, ``retry_at`` is
    when the next one comes, in seconds of the same clock as `fragments`'
    ``now``. ``waiting`` messages are not acked yet, ``mentions`` were not seen
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


def fragments(status: Status, now: float) -> list[tuple[str, str]]:
    """The line as pairs of style and text, made safe to show. ``now`` is in seconds."""
    style, glyph = _GLYPHS[status.connection]
    words: str = status.connection
    if status.connection == "reconnecting":
        seconds = ceil(status.retry_at - now)
        words += f" in {seconds} s" if seconds > 0 else " now"
        words += f" ({status.attempt})"
    if status.waiting and status.connection != "connected":
        words += f", {status.waiting:,} waiting"
    rest = [f"#{clean(status.room, newlines=False)}" if status.room else ""]
    if status.online is not None and status.connection == "connected":
        rest.append(f"{status.online:,} online")
    if status.mentions:
        rest.append("1 mention" if status.mentions == 1 else f"{status.mentions:,} mentions")
    if status.waiting and status.connection == "connected" and status.slow_until > now:
        rest.append(f"slow mode: {ceil(status.slow_until - now):,} s")
    rest += [status.typing, status.hint or "/help"]
    tail = "".join(f" · {part}" for part in rest if part)
    return [("", " "), (style, glyph), ("", f" {words}"), ("ansibrightblack", tail)]
