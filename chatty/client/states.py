"""The states of a `Room`'s connection: ``join(on_state=…)`` is called with one at each change.

Connecting ─► Connected ─► Reconnecting ─► Connecting ─► Connected … ─► Offline
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Connected", "Connecting", "Offline", "Reconnecting", "State"]


class Connecting(Struct, frozen=True):
    """A connection is being opened."""


class Connected(Struct, frozen=True):
    """The server has said welcome."""


class Reconnecting(Struct, frozen=True):
    """The connection is lost: the next attempt, number ``attempt`` since then, begins in ``in_seconds``."""

    in_seconds: float
    attempt: int
    reason: str


class Offline(Struct, frozen=True):
    """The connection has ended for good: left, the room closed, refused, or given up. ``reason`` is for people."""

    reason: str


State = Connecting | Connected | Reconnecting | Offline
