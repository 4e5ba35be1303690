"""The rules of a room. ``decide(room, entry)`` gives the facts that an entry leads to, and changes nothing.

``evolve`` in state.py then applies these facts to the room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chatty.events import RoomClosed
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, refusal, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.messages import CHANGES, change, post
from chatty.server.business.nodes import EndNode, StartNode
from chatty.server.business.outcomes import NOTHING, Facts, Outcome, now_in
from chatty.server.business.participants import connect, disconnect, end_grace, end_incarnations
from chatty.server.business.rights import OWNER, Trust
from chatty.server.business.state import Room


def decide(room: Room, entry: entries.Entry) -> Outcome:
    """The outcome of ``entry`` in ``room``: facts in order, a refusal, or that the message is already stored."""
    if not room.exists and type(entry) is not entries.CreateRoom:
        who = getattr(entry, "who", None)
        return standing(room, who).nothing_here() if who else Rejection("room_not_found")
    return _DECIDE[type(entry)](room, entry)


def _create(room: Room, entry: entries.CreateRoom) -> Outcome:
    if room.exists:
        return Rejection("internal", "A room with this id exists already.")
    creator = entry.creator
    refused = refusal(room.server, creator, Action.CREATE, entry.at)
    if refused is not None:
        return refused
    created = facts.Created(entry.room, entry.name, entry.topic, entry.epoch, entry.owner, entry.at, entry.expires_at)
    if creator.trust < Trust.KEY or creator.trust is Trust.OPERATOR:
        return (created,)
    return (created, facts.Granted(creator.identity, OWNER, 0, creator.name, "created"))


def _close(room: Room, entry: entries.CloseRoom) -> Outcome:
    refused = refusal(room, entry.who, Action.RULE, entry.at)
    if refused is not None:
        return refused
    if room.closed_at:
        return Rejection("room_closed")
    return _end(room, entry.at)


def _expire(room: Room, entry: entries.ExpireRoom) -> Outcome:
    if room.closed_at or not room.expires_at or entry.at < room.expires_at:
        return NOTHING
    return _end(room, entry.at)


def _end(room: Room, at: int) -> Facts:
    return (RoomClosed(room.last + 1, now_in(room, at)), facts.Closed(at))


def _purge(room: Room, entry: entries.PurgeRoom) -> Outcome:
    return (facts.Purged(),) if room.closed_at and room.closed_at <= entry.closed_by else NOTHING


def _trim(room: Room, entry: entries.TrimRoom) -> Outcome:
    first = min(entry.first, room.last + 1)
    return (facts.Trimmed(first),) if first > room.first else NOTHING


def _correct_times(room: Room, entry: entries.CorrectTimes) -> Outcome:
    return (facts.Retimed(entry.since, entry.by, room.settled_at, entry.at),)


_DECIDE: Final[dict[type[entries.Entry], Callable[[Room, Any], Outcome]]] = {
    entries.CreateRoom: _create,
    entries.CloseRoom: _close,
    entries.ExpireRoom: _expire,
    entries.PurgeRoom: _purge,
    entries.TrimRoom: _trim,
    entries.CorrectTimes: _correct_times,
    entries.Connect: connect,
    entries.Disconnect: disconnect,
    entries.EndGrace: end_grace,
    entries.Post: post,
    **dict.fromkeys(CHANGES, change),
    StartNode: end_incarnations,
    EndNode: end_incarnations,
}
