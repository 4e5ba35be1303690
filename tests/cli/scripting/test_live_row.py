"""In a terminal, `tail` has a last row that changes while a message is edited, and leaves what became of it."""

from __future__ import annotations

from datetime import UTC, date

from chatty.cli.scripting.live_row import LiveRow
from chatty.cli.terminal.plain_lines import Plain
from chatty.events import Message, MessageEdited, ParticipantJoined, ParticipantLeft
from chatty.protocol import Frame, Gap, Live
from tests.cli.join.glass import Glass

NOON = "2026-11-23T12:00:00.000Z"


class Window:
    """A terminal with a row that changes, and its clock."""

    def __init__(self, columns: int = 40) -> None:
        self.time = 100.0
        self.glass = Glass(columns, 10)
        plain = Plain(
            date(2026, 11, 23),
            lambda moment: moment.astimezone(UTC),
            columns=lambda: self.glass.screen.columns,
            brief=True,
        )
        self.row = LiveRow(plain, clock=lambda: self.time, columns=lambda: self.glass.screen.columns)
        self.hears(Live(0))

    def hears(self, *frames: Frame) -> None:
        for frame in frames:
            self.writes(self.row.text(frame))

    def writes(self, text: str) -> None:
        self.glass.write(text.replace("\n", "\r\n"))  # as terminals get it


def begun(seq: int, text: str = "0 %") -> Message:
    return Message(seq, NOON, "ci", text, automatic=1)


def edit(seq: int, of: int, text: str) -> MessageEdited:
    return MessageEdited(seq, NOON, "ci", of, text)


def test_what_is_edited_is_the_last_row_and_lines_come_above_it() -> None:
    window = Window()
    window.hears(begun(1), edit(2, 1, "a long text at first"), edit(3, 1, "20 %"))
    assert window.glass.rows == ["12:00  ci │ 0 %", "▶ ci  20 %"]
    window.hears(Message(4, NOON, "Ada", "hello"))
    assert window.glass.rows == ["12:00  ci │ 0 %", "12:00  Ada │ hello", "▶ ci  20 %"]
    window.hears(begun(5, "other"), edit(6, 5, "other, on"))
    assert window.glass.rows[2:] == ["12:00  ci │ other", "▶ ci  20 %"]
    window.time += 1
    window.hears(edit(7, 5, "other, further on"))
    assert window.glass.rows[3:] == ["▶ ci  other, further on"]


def test_the_result_is_a_line_and_the_row_goes() -> None:
    window = Window()
    window.hears(begun(1), edit(2, 1, "20 %"))
    assert window.row.ticking
    window.time += 10
    window.writes(window.row.due())
    window.writes(window.row.due())
    assert window.glass.rows == ["12:00  ci │ 0 %", "12:00  ✎ ci │ 20 %"]
    assert not window.row.ticking
    window.hears(edit(3, 1, "30 %"))
    window.writes(window.row.last())
    assert window.glass.rows[2:] == ["12:00  ✎ ci │ 30 %"]


def test_a_note_has_a_row_of_its_own_and_the_other_comes_back() -> None:
    window = Window()
    window.hears(begun(1), edit(2, 1, "20 %"))
    window.writes(window.row.lift() + "note:  lost\n")
    window.writes(window.row.due())
    assert window.glass.rows[1:] == ["note:  lost", "▶ ci  20 %"]


def test_the_row_is_narrower_than_the_terminal() -> None:
    window = Window(columns=20)
    window.hears(begun(1), edit(2, 1, "long " * 20), edit(3, 1, "日本" * 20), edit(4, 1, "end"))
    assert window.glass.rows == ["12:00  ci │ 0 %", "▶ ci  end"]


def test_what_is_replayed_and_what_has_other_numbers_now_has_no_row() -> None:
    window = Window()
    window.hears(begun(1), edit(2, 1, "20 %"), Gap("epoch", 0, 0))
    assert window.glass.rows == ["12:00  ci │ 0 %"]


def test_a_window_that_is_made_narrower_under_the_row_keeps_nothing_of_it() -> None:
    window = Window()
    window.hears(begun(1), edit(2, 1, f"{'on ' * 12}20 %"))
    window.glass.narrow(15)
    window.writes(window.row.due())
    assert window.glass.rows == ["12:00  ci │ 0 %", "▶ ci  on on o…"]
    window.hears(Message(3, NOON, "Ada", "hi"))
    assert window.glass.rows == ["12:00  ci │ 0 %", "12:00  Ada │ hi", "▶ ci  on on o…"]


def test_who_comes_and_goes_is_in_the_row_and_a_line_once_somebody_speaks_or_10_s_have_gone() -> None:
    window = Window()
    window.hears(*(ParticipantJoined(seq, NOON, f"guest {seq}") for seq in range(1, 10)))
    assert window.glass.rows == ["12:00  → guest 1, guest 2, 7 others jo…"]
    window.hears(Message(10, NOON, "Ada", "hello"), ParticipantLeft(11, NOON, "guest 1", "left"))
    assert window.glass.rows == [
        "12:00  → guest 1, guest 2, 7 others",
        "           │ joined",
        "12:00  Ada │ hello",
        "12:00  ← guest 1 left",
    ]
    assert window.row.ticking
    window.time += 10
    window.writes(window.row.due())
    assert not window.row.ticking
    window.hears(ParticipantJoined(12, NOON, "Eve"), ParticipantLeft(13, NOON, "Eve", "left"))
    window.writes(window.row.last())
    assert window.glass.rows[3:] == ["12:00  ← guest 1 left"]


def test_what_a_program_has_printed_is_brief_and_an_answer_right_below_its_message_has_no_quote() -> None:
    window = Window()
    window.hears(
        Message(1, NOON, "Ada", "!status"),
        Message(2, NOON, "bot", "up", reply_to=1, automatic=1),
        Message(3, NOON, "ci", f"✔ done\n```\n{'no use ' * 9}\nbuilt\n```", reply_to=1, automatic=1),
    )
    assert window.glass.rows == [
        "12:00  Ada │ !status",
        "12:00  bot │ up",
        "12:00  ↪ Ada: !status",
        "12:00  ci │ ✔ done",
        "          │ … 3 more rows",
        "          │ built",
    ]
