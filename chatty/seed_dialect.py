"""The dialect of the original service, which never changes: its frames for a room's events. No I/O."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
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
    """An event as the seed dialect's JSON texts: none, one or several. The one table between the dialects."""
    match event:
        case Message(participant=name):
            return (encode(SeedMessage(_as_text(event), name)),)
        case ParticipantJoined(participant=name):
            return (encode(SeedJoined(name)),)
        case ParticipantLeft(participant=name):
            return (encode(SeedLeft(name)),)
        case ParticipantRenamed(participant=before, name=name):
            return (encode(SeedLeft(before)), encode(SeedJoined(name)))
        case RoomClosed():
            return (encode(SeedClosed()),)
        case MessageEdited() | MessageDeleted() | Reaction() | TopicChanged():
            return ()
        case _:
            assert_never(event)


def _as_text(message: Message) -> str:
    """An action as it reads where there is no such thing: ``* dave waves``."""
    return f"* {message.participant} {message.text}" if message.action else message.text
