"""A room's working state, and how facts change it.

The state is what ``decide`` needs to know, and no more: events are in the
store. ``evolve`` is total, so a fact never fails, whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from chatty.events import Message
from chatty.server.business.facts import (
    Amended,
    Closed,
    Connected,
    Created,
    Departed,
    Disconnected,
    Edited,
    Erased,
    Fact,
    IdempotencyKeyUsed,
    Produced,
    Purged,
    Reacted,
    Renamed,
    Retimed,
    Retitled,
    Trimmed,
    WentAway,
)


class Participant(Struct):
    """An identity in a room, under a name. ``away`` is the time since when it has been away, or 0 while it is here."""

    name: str
    identity: bytes
    resumable: bool
    connections: set[str]
    away: int = 0


class TargetMessage(Struct, frozen=True):
    """The message that an entry is about: as it is now, its author, and the reactions that the entry's author has."""

    message: Message
    author: bytes
    reactions: frozenset[str] = frozenset()


class Room(Struct):
    """A room's working state. ``key`` is the store's number for it.

    Times are milliseconds since 1970, or 0 for never. Two are in the form in
    which they are sent, RFC 3339 in UTC, which orders as text: ``at`` is the
    last event's, ``trimmed_at`` is what that was when events were last
    forgotten, and ``settled_at`` is the newest that a `CorrectTimes` leaves: the
    store looks it up for such an entry.
    """

    key: int
    id: str
    name: str = ""
    topic: str = ""
    epoch: str = ""
    owner: bytes = b""
    created_at: int = 0
    expires_at: int = 0
    closed_at: int = 0
    exists: bool = False
    first: int = 1
    last: int = 0
    at: str = ""
    settled_at: str = ""
    trimmed_at: str = ""
    participants: dict[str, Participant] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    producers: dict[tuple[bytes, str], Produced] = field(default_factory=dict)
    idempotency_keys: dict[tuple[bytes, str], tuple[bytes, int]] = field(default_factory=dict)
    targets: dict[int, TargetMessage] = field(default_factory=dict)


def evolve(room: Room, fact: Fact) -> None:
    """Apply ``fact`` to ``room``."""
    change = _EVOLVE.get(type(fact))
    if change is not None:
        change(room, fact)
    else:
        # Every other fact is an event, and events change nothing else.
        room.last, room.at = fact.seq, fact.at  # type: ignore[union-attr,assignment]


def _created(room: Room, fact: Created) -> None:
    room.exists = True
    room.name, room.topic, room.epoch, room.owner = fact.name, fact.topic, fact.epoch, fact.owner
    room.created_at, room.expires_at = fact.created_at, fact.expires_at


def _connected(room: Room, fact: Connected) -> None:
    participant = room.participants.get(fact.name_key)
    if participant is None:
        participant = room.participants[fact.name_key] = Participant(fact.name, fact.identity, fact.resumable, set())
    participant.connections.add(fact.connection)
    participant.away = 0
    room.connections[fact.connection] = fact.name_key


def _disconnected(room: Room, fact: Disconnected) -> None:
    room.connections.pop(fact.connection, None)
    if fact.name_key in room.participants:
        room.participants[fact.name_key].connections.discard(fact.connection)


def _went_away(room: Room, fact: WentAway) -> None:
    if fact.name_key in room.participants:
        room.participants[fact.name_key].away = fact.away


def _departed(room: Room, fact: Departed) -> None:
    participant = room.participants.pop(fact.name_key, None)
    for connection in participant.connections if participant else ():
        room.connections.pop(connection, None)


def _closed(room: Room, fact: Closed) -> None:
    room.closed_at = fact.at
    room.participants.clear()
    room.connections.clear()


def _produced(room: Room, fact: Produced) -> None:
    room.producers[fact.identity, fact.producer] = fact


def _idempotency_key_used(room: Room, fact: IdempotencyKeyUsed) -> None:
    room.idempotency_keys[fact.identity, fact.key] = (fact.digest, fact.seq)


def _retitled(room: Room, fact: Retitled) -> None:
    room.topic = fact.topic


def _renamed(room: Room, fact: Renamed) -> None:
    participant = room.participants.pop(fact.name_key, None)
    if participant is not None:
        participant.name = fact.name
        room.participants[fact.new_key] = participant
        room.connections.update(dict.fromkeys(participant.connections, fact.new_key))


def _of_a_message(room: Room, fact: Amended | Edited | Erased | Reacted) -> None:
    """Messages are in the store. A room only has the one that the entry is about, which is loaded for each entry."""


def _trimmed(room: Room, fact: Trimmed) -> None:
    room.first, room.trimmed_at = fact.first, room.at


def _retimed(room: Room, fact: Retimed) -> None:
    if room.expires_at and room.created_at >= fact.since:  # it was counted from there
        room.expires_at = max(1, room.expires_at - fact.by)
    room.created_at, room.closed_at = fact.moment(room.created_at), fact.moment(room.closed_at)
    room.at, room.trimmed_at = fact.text(room.at), fact.text(room.trimmed_at)


def _purged(room: Room, fact: Purged) -> None:
    room.exists = False
    room.participants.clear()
    room.connections.clear()
    room.producers.clear()
    room.idempotency_keys.clear()


_EVOLVE: Final[dict[type, Callable[[Room, Any], None]]] = {
    Created: _created,
    Connected: _connected,
    Disconnected: _disconnected,
    WentAway: _went_away,
    Departed: _departed,
    Closed: _closed,
    Produced: _produced,
    IdempotencyKeyUsed: _idempotency_key_used,
    Amended: _of_a_message,
    Edited: _of_a_message,
    Erased: _of_a_message,
    Reacted: _of_a_message,
    Retitled: _retitled,
    Renamed: _renamed,
    Trimmed: _trimmed,
    Retimed: _retimed,
    Purged: _purged,
}
