"""A message that is edited while it is news has one row that changes, and what is printed is what became of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.updates import KEPT, MOST, ROWS, SETTLE, Updates
from chatty.cli.terminal.width import width
from chatty.events import Happening, Message, MessageDeleted, MessageEdited

NOON = "2026-11-23T12:00:00.000Z"


class Room:
    """Updates with their clock, and all that was printed."""

    def __init__(self) -> None:
        self.time = 100.0
        self.updates = Updates(lambda: self.time)
        self.printed: list[Happening] = []

    def hears(self, *events: Happening, live: bool = True) -> None:
        for event in events:
            self.printed += self.updates.printed(event, live=live)

    def waits(self, seconds: float) -> None:
        self.time += seconds
        self.printed += self.updates.settled()

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.printed if isinstance(event, Message | MessageEdited)]

    @property
    def rows(self) -> list[str]:
        return self.updates.rows(80)


def says(seq: int, text: str, *, to: int = 0, automatic: int = 1, by: str = "ci") -> Message:
    return Message(seq, NOON, by, text, reply_to=to, automatic=automatic)


def edits(seq: int, of: int, text: str, by: str = "ci") -> MessageEdited:
    return MessageEdited(seq, NOON, by, of, text)


RUN = "▶ `make release`"


def test_a_command_that_runs_has_one_row_and_what_stays_is_its_result() -> None:
    room = Room()
    room.hears(says(1, RUN), edits(2, 1, f"{RUN} · 2 s\n```\ncompiling\nlinking… 8 %\n```"))
    assert room.rows == ["▶ ci  make release · 2 s · linking… 8 %"]
    room.hears(edits(3, 1, f"{RUN} · 4 s\n```\nlinking… 83 %\n\n```"))
    assert room.rows == ["▶ ci  make release · 4 s · linking… 83 %"]
    room.hears(says(4, "✔ done", to=1), edits(5, 1, RUN))
    assert room.rows == []
    room.waits(SETTLE)
    assert room.texts == [RUN, "✔ done"]


def test_what_nobody_edits_any_more_is_printed_once_as_it_is_then() -> None:
    room = Room()
    room.hears(says(1, "0 %"), edits(2, 1, "10 %"))
    room.waits(SETTLE - 1)
    room.hears(edits(3, 1, "20 %"))
    room.waits(SETTLE - 1)
    assert room.texts == ["0 %"]
    room.waits(1)
    room.waits(SETTLE)
    assert room.texts == ["0 %", "20 %"]
    assert not room.updates


def test_a_text_that_was_printed_already_is_not_printed_again() -> None:
    room = Room()
    room.hears(says(1, "0 %"), edits(2, 1, "10 %"), edits(3, 1, "0 %"))
    assert room.rows == []
    room.hears(edits(4, 1, "10 %"))
    room.waits(SETTLE)
    room.hears(edits(5, 1, "10 %"))
    room.waits(SETTLE)
    assert room.texts == ["0 %", "10 %"]


def test_a_persons_edit_is_printed_at_once_unless_it_follows_another_one() -> None:
    room = Room()
    room.hears(says(1, "helo", automatic=0), edits(2, 1, "hello"))
    assert room.texts == ["helo", "hello"]
    room.hears(edits(3, 1, "hello!"))
    assert room.rows == ["▶ ci  hello!"]
    room.hears(edits(4, 1, "hello!!"))
    room.waits(SETTLE)
    assert room.texts == ["helo", "hello", "hello!!"]
    room.waits(SETTLE)
    room.hears(edits(5, 1, "late"))
    assert room.texts[-1] == "late"


def test_a_command_that_ran_before_one_looked_is_printed_once_and_then_has_one_row() -> None:
    room = Room()
    room.hears(*(edits(seq, 1, f"{RUN} · {seq} s") for seq in range(40, 60)))
    assert room.texts == [f"{RUN} · 40 s"]
    assert room.rows == ["▶ ci  make release · 59 s"]
    room.hears(says(60, "✔ done", to=1))
    assert room.rows == []
    assert room.texts == [f"{RUN} · 40 s", "✔ done"]


def test_what_a_person_changed_is_printed_before_they_answer_it_and_no_answer_of_others_ends_a_row() -> None:
    room = Room()
    room.hears(says(1, "a", automatic=0), edits(2, 1, "b"), edits(3, 1, "c"))
    room.hears(says(4, "hm", to=1, by="Ada", automatic=0))
    assert room.rows == ["▶ ci  c"]
    room.hears(says(5, "so", to=1, automatic=0))
    assert room.texts == ["a", "b", "hm", "c", "so"]


def test_a_deleted_message_has_no_row() -> None:
    room = Room()
    room.hears(says(1, "0 %"), edits(2, 1, "10 %"), MessageDeleted(3, NOON, "ci", 1))
    assert room.rows == []
    room.waits(SETTLE)
    assert room.printed[-1] == MessageDeleted(3, NOON, "ci", 1)


def test_what_is_replayed_opens_no_row_but_may_change_one() -> None:
    room = Room()
    room.hears(says(1, "0 %"), edits(2, 1, "10 %"), edits(3, 77, "of a message that is not known"), live=False)
    assert room.texts == ["0 %", "10 %", "of a message that is not known"]
    room.hears(edits(4, 1, "20 %"))
    room.hears(edits(5, 1, ""), edits(6, 1, "30 %"), live=False)
    assert room.rows == ["▶ ci  30 %"]


def test_so_many_rows_are_shown_and_the_rest_is_counted() -> None:
    room = Room()
    for of in range(1, 9):
        room.hears(says(of, "begun"), edits(100 + of, of, f"at {of}"))
    assert room.rows == [*(f"▶ ci  at {of}" for of in range(1, ROWS)), "… and 4 more"]
    room.time += 1
    room.hears(edits(200, 2, "latest"))
    assert room.updates.latest(80) == "▶ ci  latest"


def test_of_too_many_at_once_the_one_that_changed_longest_ago_is_printed() -> None:
    room = Room()
    for of in range(1, MOST + 1):
        room.time += 0.01
        room.hears(says(of, "begun"), edits(1_000 + of, of, f"at {of}"))
    room.hears(edits(2_000, 1, "at 1 still"))
    room.hears(says(500, "begun"), edits(2_001, 500, "one more"))
    assert [text for text in room.texts if text != "begun"] == ["at 2"]


def test_a_row_outlasts_the_messages_that_are_remembered() -> None:
    room = Room()
    room.hears(says(1, "begun"), edits(2, 1, "on"))
    room.hears(*(says(seq, "flood") for seq in range(3, KEPT + 10)), edits(10_000, 1, "further on"))
    assert room.rows == ["▶ ci  further on"]


def test_when_numbers_begin_anew_no_row_is_left() -> None:
    room = Room()
    room.hears(says(1, "begun"), edits(2, 1, "on"))
    room.updates.forget()
    room.hears(edits(3, 1, "another message"))
    assert room.texts == ["begun", "another message"]


def test_where_a_row_is_narrow_the_command_gives_way_to_how_long_it_has_run_and_how_far_it_is() -> None:
    room = Room()
    command = "make release VERSION=2.4.1 TARGET=production SIGN=yes"
    room.hears(says(1, RUN), edits(2, 1, f"▶ `{command}` · 1 min 12 s\n```\nlinking 83 %\n```"))
    assert room.updates.rows(90) == [f"▶ ci  {command} · 1 min 12 s · linking 83 %"]
    assert room.updates.rows(70) == ["▶ ci  make release VERSION=2.4.1 TARGET=p… · 1 min 12 s · linking 83 %"]
    assert room.updates.rows(40) == ["▶ ci  make… · 1 min 12 s · linking 83 %"]
    assert room.updates.rows(30) == ["▶ ci  1 min 12 s · linking 83…"]
    room.hears(edits(3, 1, f"▶ `{command}` · 1 min 14 s\n```\n{'and on ' * 20}\n```"))
    assert room.updates.rows(80) == ["▶ ci  make release VERSIO… · 1 min 14 s · and on and on and on and on and on an…"]


@given(st.text(), st.text(), st.integers(8, 120))
def test_nothing_hostile_gets_through_and_a_row_is_one_row(name: str, text: str, columns: int) -> None:
    room = Room()
    room.hears(says(1, "begun"), edits(2, 1, text or "x", by=name))
    (row,) = room.updates.rows(columns)
    assert row.startswith("▶ ")
    assert width(row) <= columns
    assert all(" " <= character < "\x7f" or character > "\x9f" for character in row)
