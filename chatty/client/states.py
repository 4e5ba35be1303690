"""The states of a `Room`'s connection: ``join(on_state=…)`` is called with one at each change.

Connecting ─► Connected ─► Reconnecting ─► Connecting ─► Connected … ─► Offline

While it is connected, there may be any number of `Slowed`.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Connected", "Connecting", "Offline", "Reconnecting", "Slowed", "State"]


class Connecting(Struct, frozen=True):
    """A connection is being opened."""


class Connected(Struct, frozen=True):
    """The server has said welcome."""


class Reconnecting(Struct, frozen=True):
    """The connection is lost: the next attempt, number ``attempt`` since then, begins in ``in_seconds``."""

    in_seconds: float
    attempt: int
    reason: str


class Slowed(Struct, frozen=True):
    """The room is in slow mode: the next message goes out in ``in_seconds``, and the others wait behind it."""

    in_seconds: float


class Offline(Struct, frozen=True):
    """The connection has ended for good: left, the room closed, refused, or given up. ``reason`` is for people."""

    reason: str


State = Connecting | Connected | Slowed | Reconnecting | Offline
