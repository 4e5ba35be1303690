"""Slow mode: how long somebody has to wait between two messages in a room."""

from __future__ import annotations

from math import ceil
from typing import Final

from chatty.server.business import facts
from chatty.server.business.access import standing
from chatty.server.business.entries import Rejection
from chatty.server.business.outcomes import NOTHING, Facts
from chatty.server.business.rights import MODERATOR, Principal, Trust
from chatty.server.business.state import Room

CHANGE_MS: Final = 2_000
"""The wait between two changes (edits, reactions, topics, names), unless the room's is shorter. They don't count as
messages, but everybody gets each of them, so they must not become the way to flood a slow room."""


def speaker(who: Principal) -> bytes:
    """By what slow mode tells ``who`` from others.

    A connection without a key is a new identity each time, and a short key is
    as easily replaced: those share the turns of their address.
    """
    return who.identity if who.trust >= Trust.KEY else b"address " + who.address.encode()


def turn(room: Room, who: Principal, at: int, *, is_change: bool = False) -> Facts | Rejection:
    """The fact that ``who`` has said or changed something at ``at``, if slow mode wants to know; or why it must wait.

    Moderators and owners need not wait.
    """
    slow = room.access.slow
    if not slow or standing(room, who).role(at) >= MODERATOR:
        return NOTHING
    key = speaker(who)
    last = room.spoke.get(key) or facts.Spoke(key, 0, 0)
    before, wait = (last.changed_at, min(slow, CHANGE_MS)) if is_change else (last.at, slow)
    # A clock that went back must not silence anybody until it is where it was.
    if before and abs(at - before) < wait:
        left = before + wait - at
        text = f"This room is in slow mode; wait {ceil(left / 1000):,} s before you say more."
        return Rejection("too_fast", text, left)
    return (facts.Spoke(key, last.at, at) if is_change else facts.Spoke(key, at, last.changed_at),)
