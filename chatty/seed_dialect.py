"""The dialect of the original service, which never changes: its frames for a room's events. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    Moderated,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import encode


class SeedRoom(Struct, frozen=True):
    """The answer to ``POST /chat``: exactly these keys."""

    id: str
    name: str


class SeedMessage(Struct, frozen=True):
    """A message as the original service sent it."""

    text: str
    participant: str


class SeedJoined(Struct, frozen=True, tag_field="event_type", tag="participant_joined"):
    """The original's ``participant_joined``."""

    participant: str


class SeedLeft(Struct, frozen=True, tag_field="event_type", tag="participant_left"):
    """The original's ``participant_left``."""

    participant: str


class SeedClosed(Struct, frozen=True, tag_field="event_type", tag="room_closed"):
    """The room's end, then close 4510."""


def seed_frames(event: Happening) -> tuple[bytes, ...]:
    """An event as the seed dialect's JSON texts: none, one or several."""
    return _FRAMES[type(event)](event)


def _message(event: Message) -> tuple[bytes, ...]:
    return (encode(SeedMessage(_as_text(event), event.participant)),)


def _as_text(message: Message) -> str:
    """An action as it reads where there is no such thing: ``* dave waves``."""
    return f"* {message.participant} {message.text}" if message.action else message.text


def _joined(event: ParticipantJoined) -> tuple[bytes, ...]:
    return (encode(SeedJoined(event.participant)),)


def _left(event: ParticipantLeft) -> tuple[bytes, ...]:
    return (encode(SeedLeft(event.participant)),)


def _renamed(event: ParticipantRenamed) -> tuple[bytes, ...]:
    return (encode(SeedLeft(event.participant)), encode(SeedJoined(event.name)))


def _closed(event: RoomClosed) -> tuple[bytes, ...]:
    return (encode(SeedClosed()),)


def _unknown(event: Happening) -> tuple[bytes, ...]:
    return ()


# By type, because every message comes here, and `isinstance`, by which `match` compares, is slow for msgspec's structs.
_FRAMES: Final[dict[type, Callable[[Any], tuple[bytes, ...]]]] = {
    Message: _message,
    ParticipantJoined: _joined,
    ParticipantLeft: _left,
    ParticipantRenamed: _renamed,
    RoomClosed: _closed,
    **dict.fromkeys((MessageEdited, MessageDeleted, Reaction, TopicChanged, Moderated), _unknown),
}
"""The one table between the dialects."""
