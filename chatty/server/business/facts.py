"""What an accepted entry changes: events that members see, and facts that only the state keeps."""

from __future__ import annotations

from msgspec import Struct

from chatty.events import Event, Message


class Created(Struct, frozen=True, gc=False):
    """The room exists."""

    id: str
    name: str
    topic: str
    epoch: str
    owner: bytes
    created_at: int
    expires_at: int


class Connected(Struct, frozen=True, gc=False):
    """A connection is one of the participant's, which is here. ``name`` is as the room has it."""

    connection: str
    name: str
    name_key: str
    identity: bytes
    resumable: bool


class Disconnected(Struct, frozen=True, gc=False):
    """A connection is gone."""

    name_key: str
    connection: str


class WentAway(Struct, frozen=True, gc=False):
    """A participant lost its last connection and may come back. ``away`` tells this absence from another."""

    name_key: str
    away: int


class Departed(Struct, frozen=True, gc=False):
    """A participant is no longer one."""

    name_key: str


class Closed(Struct, frozen=True, gc=False):
    """The room takes no more."""

    at: int


class Produced(Struct, frozen=True, gc=False):
    """``n`` is the last number that the room accepted from this producer."""

    identity: bytes
    producer: str
    n: int
    at: int


class IdempotencyKeyUsed(Struct, frozen=True, gc=False):
    """An idempotency key was used for the message ``seq``."""

    identity: bytes
    key: str
    digest: bytes
    seq: int
    at: int


class Amended(Struct, frozen=True, gc=False):
    """The message with this number is ``message`` from now on, wherever it is read."""

    message: Message


class Edited(Struct, frozen=True, gc=False):
    """The event ``seq`` has the wording of the message ``of``, and no event before it has one any more."""

    of: int
    seq: int


class Erased(Struct, frozen=True, gc=False):
    """No wording of the message ``of`` is kept."""

    of: int


class Reacted(Struct, frozen=True, gc=False):
    """A participant has the ``reaction`` to the message ``of``, or ``removed`` it."""

    of: int
    identity: bytes
    reaction: str
    removed: bool


class Retitled(Struct, frozen=True, gc=False):
    """The room has another topic."""

    topic: str


class Renamed(Struct, frozen=True, gc=False):
    """The participant ``name_key`` is ``name`` now, which compares as ``new_key``."""

    name_key: str
    new_key: str
    name: str


class Trimmed(Struct, frozen=True, gc=False):
    """Events below ``first`` are forgotten."""

    first: int


class Purged(Struct, frozen=True, gc=False):
    """The room is forgotten."""


Fact = (
    Event
    | Created
    | Connected
    | Disconnected
    | WentAway
    | Departed
    | Closed
    | Produced
    | IdempotencyKeyUsed
    | Amended
    | Edited
    | Erased
    | Reacted
    | Retitled
    | Renamed
    | Trimmed
    | Purged
)
