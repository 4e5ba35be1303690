"""The dialect of the original service, which never changes: what its clients are told of what happens. No I/O."""

from __future__ import annotations

from msgspec import Struct

from chatty.events import Event, Message, ParticipantJoined, ParticipantLeft, ParticipantRenamed, RoomClosed
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


def seed_frames(event: Event) -> tuple[bytes, ...]:
    """An event as the seed dialect's JSON texts: none, one or several. The one table between the dialects."""
    kind = type(event)
    if kind is Message:
        return (encode(SeedMessage(_as_text(event), event.participant)),)  # type: ignore[arg-type,attr-defined]
    if kind is ParticipantRenamed:
        return (encode(SeedLeft(event.participant)), encode(SeedJoined(event.name)))  # type: ignore[attr-defined]
    if kind is ParticipantJoined:
        return (encode(SeedJoined(event.participant)),)  # type: ignore[attr-defined]
    if kind is ParticipantLeft:
        return (encode(SeedLeft(event.participant)),)  # type: ignore[attr-defined]
    if kind is RoomClosed:
        return (encode(SeedClosed()),)
    return ()


def _as_text(message: Message) -> str:
    """An action as it reads where there is no such thing: ``* dave waves``."""
    return f"* {message.participant} {message.text}" if message.action else message.text
