from __future__ import annotations

from rich.text import Text

from chatty.cli.join.room.backlog import Backlog
from chatty.events import Message, ParticipantJoined

NOON = "2026-11-23T12:00:00.000Z"


def test_all_is_taken_in_order_and_once() -> None:
    backlog = Backlog()
    events = [Message(n, NOON, "a", str(n)) for n in range(3)]
    for event in events:
        backlog.add(event)
    backlog.add_lines(Text("-- hint"))
    assert backlog.take() == (0, events, [Text("-- hint")])
    assert backlog.take() == (0, [], [])


def test_of_too_many_events_the_newest_stay_and_skipped_messages_are_counted() -> None:
    backlog = Backlog(most=2)
    backlog.add(ParticipantJoined(1, NOON, "a"))
    for n in range(2, 7):
        backlog.add(Message(n, NOON, "a", str(n)))
    skipped, events, _ = backlog.take()
    assert skipped == 3
    assert [event.seq for event in events] == [5, 6]
    assert backlog.take().skipped == 0


def test_a_replay_is_shown_when_it_is_over_but_lines_at_once() -> None:
    backlog = Backlog(most=1)
    backlog.replaying = True
    backlog.add(Message(1, NOON, "a", "1"))
    backlog.add(Message(2, NOON, "a", "2"))
    backlog.add_lines(Text("-- hint"))
    assert backlog.take() == (0, [], [Text("-- hint")])
    backlog.replaying = False
    assert backlog.take() == (1, [Message(2, NOON, "a", "2")], [])
