"""Whom one doesn't want to see."""

from __future__ import annotations

from chatty.cli.join.room.hidden import Hidden
from chatty.events import Message, ParticipantJoined, ParticipantRenamed

AT = "2026-11-23T12:00:00.000Z"


def test_a_name_is_ignored_however_it_is_written() -> None:
    hidden = Hidden()
    hidden.ignore_only(["Ｍａｘ  Strauß"])
    assert hidden.hides(Message(1, AT, "max STRAUSS", "hello"))
    assert not hidden.hides(Message(2, AT, "max", "hello"))
    hidden.ignore_only([])
    assert not hidden.hides(Message(3, AT, "max STRAUSS", "hello"))


def test_whoever_is_ignored_stays_so_under_a_new_name_and_the_old_one_is_free() -> None:
    hidden = Hidden()
    hidden.ignore_only(["Bob"])
    assert hidden.hides(ParticipantRenamed(5, AT, "bob", "Rob"))
    assert hidden.hides(ParticipantRenamed(6, AT, "Rob", "Robert"))
    assert hidden.hides(Message(7, AT, "Robert", "hello"))
    assert not hidden.hides(ParticipantJoined(8, AT, "Bob"))
    assert not hidden.hides(Message(9, AT, "Bob", "I am another Bob"))
    assert hidden.hides(Message(4, AT, "Bob", "from the history"))
    assert hidden.ignored == ["Robert"]
    hidden.ignore_only(["Eve", "Bob"])
    assert hidden.ignored == ["Eve", "Robert"], "the name that they had when somebody ignored them"
    hidden.ignore_only(["Robert", "Bob"])
    assert hidden.hides(Message(9, AT, "Bob", "I am another Bob"))
    hidden.ignore_only(["Eve"])
    assert not hidden.hides(Message(4, AT, "Bob", "from the history"))
