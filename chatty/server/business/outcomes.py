"""What an entry leads to, and what all rules share."""

from __future__ import annotations

from typing import Final

from chatty.events import rfc3339
from chatty.server.business import facts
from chatty.server.business.entries import Duplicate, Rejection
from chatty.server.business.state import Room

Facts = tuple[facts.Fact, ...]

Outcome = Facts | Rejection | Duplicate

NOTHING: Final[Facts] = ()


def now_in(room: Room, at: int) -> str:
    """The time of a new event: a room's time never runs backwards."""
    now = rfc3339(at)
    return now if now > room.at else room.at


def is_over(room: Room, at: int) -> bool:
    """Whether a room accepts nothing more: it is closed, or its time has run out and `ExpireRoom` is on its way."""
    return room.closed_at > 0 or 0 < room.expires_at <= at
