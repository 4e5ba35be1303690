"""The vocabulary: everything that can happen in a room.

A room is an ordered log, and these are its entries as members see them. Each
has ``seq``, its number in the room (1, 2, 3 … without a hole), and ``at``, when
it happened (RFC 3339, UTC, milliseconds). In what is stored of a room, times
never run backwards. Encoded as JSON they are exactly what travels on the v1
wire and what the store keeps; only the times that a wrong clock gave are
corrected where they are stored.

This module knows nothing: no I/O, no server, no client.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from msgspec import Struct

__all__ = [
    "LAST_MOMENT",
    "Event",
    "Happening",
    "LeaveReason",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "Moderated",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantRenamed",
    "Reaction",
    "RoomClosed",
    "StreamPosition",
    "TopicChanged",
    "milliseconds",
    "rfc3339",
]

LeaveReason = Literal["left", "lost", "kicked"]
"""Why a participant is gone: it said so, its connection broke for good, or it was sent away."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StreamPosition(NamedTuple):
    """A place in a room's log: right after event ``seq``, or at the beginning with ``seq`` 0.

    Numbers mean something only within one ``epoch``, the random word that a
    room has until a backup of it is restored. An empty one stands for
    whichever the room has.
    """

    epoch: str
    seq: int


class Event(Struct, frozen=True, gc=False, tag_field="event_type"):
    """Something durable that happened in a room.

    Events with a ``participant`` may be ``verified``: on this server the name is
    reserved for the one who used it, and nobody else could have. For
    `ParticipantRenamed` that is the new name. In JSON it is only there if true.
    """

    seq: int
    at: str

    @property
    def time(self) -> datetime:
        """``at`` as an aware datetime in UTC."""
        return datetime.fromisoformat(self.at)


class Message(Event, frozen=True, gc=False, tag="message", omit_defaults=True):
    """``participant`` said ``text``; with ``action``, it did what ``text`` says. ``reply_to`` is the answered message.

    ``automatic`` is 0 for a person's message, and 1 for a program's, said of its
    own accord or in answer to a person. In answer to an automatic message it is
    that message's ``automatic`` + 1, so that programs notice when they talk
    among themselves.

    History has a message as it is now: ``edited`` and ``deleted`` are the
    events that changed it last (a deleted one's text is empty), and
    ``reactions`` tells how many participants reacted, and how, as of the event
    ``reacted``. Numbers are events', 0 for none.
    """

    participant: str
    text: str
    reply_to: int = 0
    action: bool = False
    edited: int = 0
    deleted: int = 0
    reactions: dict[str, int] = {}
    reacted: int = 0
    automatic: int = 0
    verified: bool = False


class MessageEdited(Event, frozen=True, gc=False, tag="message_edited", omit_defaults=True):
    """``participant`` changed its message ``of`` to ``text``: empty where that was changed again or deleted since."""

    participant: str
    of: int
    text: str
    verified: bool = False


class MessageDeleted(Event, frozen=True, gc=False, tag="message_deleted", omit_defaults=True):
    """``participant`` deleted the message ``of``: its text is gone everywhere.

    It was its own, unless there is an ``author``: then ``participant`` is a
    moderator, or empty if that one has no name here.
    """

    participant: str
    of: int
    author: str = ""
    verified: bool = False


class Reaction(Event, frozen=True, gc=False, tag="reaction", omit_defaults=True):
    """``participant`` reacted to the message ``of``, or with ``removed`` took that back."""

    participant: str
    of: int
    reaction: str
    removed: bool = False
    verified: bool = False


class TopicChanged(Event, frozen=True, gc=False, tag="topic_changed", omit_defaults=True):
    """``participant`` set the room's topic; an empty ``topic`` removes it."""

    participant: str
    topic: str
    verified: bool = False


class ParticipantRenamed(Event, frozen=True, gc=False, tag="participant_renamed", omit_defaults=True):
    """``participant`` is called ``name`` from here on."""

    participant: str
    name: str
    verified: bool = False


class ParticipantJoined(Event, frozen=True, gc=False, tag="participant_joined", omit_defaults=True):
    """``participant`` is in the room from here on."""

    participant: str
    verified: bool = False


class ParticipantLeft(Event, frozen=True, gc=False, tag="participant_left", omit_defaults=True):
    """``participant`` is no longer in the room."""

    participant: str
    reason: LeaveReason
    verified: bool = False


class Moderated(Event, frozen=True, gc=False, tag="moderated", omit_defaults=True):
    """``by``, who is a moderator or owner, changed what somebody may do; ``by`` is empty for one without a name here.

    ``act`` is kick, ban, unban, mute, unmute or delete (of all that somebody
    wrote), which are about ``participant`` if that one has a name; or lock,
    unlock, slow or everyone, which are about all. ``until`` is when it ends by
    itself, if it does. ``slow`` is how many seconds there have to be between
    two messages of one person from now on, and ``role`` the role of everyone.
    """

    act: str
    by: str = ""
    participant: str = ""
    until: str | None = None
    reason: str = ""
    slow: float = 0
    role: str = ""


class RoomClosed(Event, frozen=True, gc=False, tag="room_closed"):
    """The room's last event: nothing follows it."""


Happening = (
    Message | MessageEdited | MessageDeleted | Reaction | TopicChanged
    | ParticipantJoined | ParticipantLeft | ParticipantRenamed | Moderated | RoomClosed
)  # fmt: skip
"""Every kind of `Event`, so that a ``match`` can be checked for leaving none out."""


LAST_MOMENT: Final = 253_402_300_799_999
"""The end of the year 9999, in milliseconds. Later times have a longer form, which would not order as text."""


@lru_cache(maxsize=256)  # messages come in bursts within one millisecond
def rfc3339(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, with milliseconds: ``2026-11-23T12:00:00.123Z``."""
    return f"{_to_the_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=16)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def milliseconds(text: str) -> int:
    """The reverse of `rfc3339`, for any ISO 8601 time with an offset. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
