"""The one table between the dialects: how each event reads to a client of the original service."""

from __future__ import annotations

from typing import Any, get_args

import pytest

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
from chatty.seed_dialect import seed_frames
from tests.support.scripted import AT

TABLE: list[tuple[Happening, list[bytes]]] = [
    (Message(1, AT, "Ada", "Hi", reply_to=1, edited=2), [b'{"text":"Hi","participant":"Ada"}']),
    (Message(1, AT, "Ada", "waves", action=True), [b'{"text":"* Ada waves","participant":"Ada"}']),
    (Message(1, AT, "bot", "Hi", automatic=1), [b'{"text":"Hi","participant":"bot"}']),
    (ParticipantJoined(1, AT, "Ada"), [b'{"event_type":"participant_joined","participant":"Ada"}']),
    (ParticipantLeft(1, AT, "Ada", "lost"), [b'{"event_type":"participant_left","participant":"Ada"}']),
    (
        ParticipantRenamed(1, AT, "Ada", "Bob"),
        [
            b'{"event_type":"participant_left","participant":"Ada"}',
            b'{"event_type":"participant_joined","participant":"Bob"}',
        ],
    ),
    (RoomClosed(1, AT), [b'{"event_type":"room_closed"}']),
    (MessageEdited(1, AT, "Ada", 1, "Hello"), []),
    (MessageDeleted(1, AT, "Ada", 1), []),
    (Reaction(1, AT, "Ada", 1, "+1"), []),
    (TopicChanged(1, AT, "Ada", "cats"), []),
    (Moderated(1, AT, "ban", "Ada", "Eve"), []),
]


@pytest.mark.parametrize(("event", "frames"), TABLE, ids=lambda value: type(value).__name__)
def test_an_event_reads_as_the_original_said_it_or_is_left_out(event: Any, frames: list[bytes]) -> None:
    assert list(seed_frames(event)) == frames


def test_no_kind_of_event_is_missing_from_the_table() -> None:
    assert {type(event) for event, _ in TABLE} == set(get_args(Happening))
