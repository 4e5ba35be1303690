"""Where things stand: what is right above, times in any form, and windows without room for a gutter."""

from __future__ import annotations

import pytest

from chatty.cli.join.rendering.view import View
from chatty.cli.join.window.screen import Painter
from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    Reaction,
    RoomClosed,
)
from tests.cli.join.rendering.test_view import NOON, message, shown, utc

DAY_BEFORE = "2026-11-22T18:02:00.000Z"


def narrow(*events: Happening, time_format: str = "%H:%M", columns: int = 40) -> list[str]:
    """The rows in a narrow window, without the first day line."""
    view = View(utc, me="John", time_format=time_format)
    view.columns = columns
    painted = Painter(color=False, styles=False).paint(view.lines(events), columns)
    return painted.removesuffix("\n").split("\n")[1:]


def test_a_reply_whose_message_is_right_above_has_no_quote() -> None:
    view = View(utc)
    assert shown(message("lunch?", "bob"), Message(2, NOON, "alice", "yes", reply_to=1), view=view)[1:] == [
        "12:00        bob │ lunch?",
        "12:00      alice │ yes",
    ]
    assert shown(Message(3, NOON, "bob", "fine", reply_to=2), view=view) == ["12:00        bob │ fine"]
    edited = MessageEdited(4, NOON, "bob", 3, "good")
    assert "↪" not in "".join(shown(edited, Message(5, NOON, "alice", "so?", reply_to=3), view=view))


@pytest.mark.parametrize(
    "between",
    [message("hm", "carol", seq=2), ParticipantJoined(2, NOON, "carol"), Reaction(2, NOON, "carol", 1, "👍")],
)
def test_a_reply_has_its_quote_if_anything_stands_between(between: Happening) -> None:
    *_, answer = shown(message("lunch?", "bob"), between, Message(3, NOON, "alice", "yes", reply_to=1))
    assert answer.startswith(" " * 17 + "↪ bob: lunch?\n")


def test_a_reply_has_its_quote_below_what_chatty_or_another_room_said_and_on_the_next_day() -> None:
    view = View(utc)
    shown(message("lunch?", "bob", at=DAY_BEFORE), view=view)
    assert "↪ bob: lunch?\n" in shown(Message(2, NOON, "alice", "yes", reply_to=1), view=view)[-1]
    view.interrupted()
    assert "↪ alice: yes\n" in shown(Message(3, NOON, "bob", "fine", reply_to=2), view=view)[-1]


def test_a_deletion_names_its_message_and_says_when_it_was_sent_if_that_is_known() -> None:
    deleted = [MessageDeleted(3, NOON, "bob", 1), MessageDeleted(4, NOON, "bob", 2), MessageDeleted(5, NOON, "bob", 9)]
    lines = shown(message("a", "bob", at=DAY_BEFORE), message("b", "bob", seq=2), *deleted)
    assert lines[-3:] == [
        "12:00 -- bob deleted #1 (yesterday 18:02)",
        "12:00 -- bob deleted #2 (12:00)",
        "12:00 -- bob deleted #9",
    ]


def test_the_time_may_have_any_form_and_the_rows_follow_its_width() -> None:
    view = View(utc, time_format="%d.%m. %H:%M:%S")
    asked = Message(2, NOON, "dave", "waves\nyou", action=True)
    assert shown(message("one\ntwo"), asked, Message(3, NOON, "bob", "hm", reply_to=1), view=view)[1:] == [
        "23.11. 12:00:00      alice │ one\n                           │ two",
        "23.11. 12:00:00          * dave waves\n                           │ you",
        "                           ↪ alice: one two\n23.11. 12:00:00        bob │ hm",
    ]


def test_the_time_is_left_out_and_comes_back() -> None:
    view = View(utc)
    for seq, (form, time) in enumerate([("%H.%M", "12.00 "), ("", ""), ("%H:%M", "12:00 ")], 1):
        view.time_format = form
        assert shown(message("x", seq=seq), view=view)[-1] == f"{time}     alice │ x"


def test_a_time_format_commands_no_terminal() -> None:
    view = View(utc, time_format="%H\n\x1b[2J\t%M")
    assert shown(message("x"), view=view)[1].startswith("12␊␛[2J 00      alice │ x")


def test_in_a_narrow_window_a_name_stands_above_the_texts_when_it_changes() -> None:
    assert narrow(
        message("shall we deploy today, or does that wait?"),
        message("one\ntwo", seq=2),
        message("yes", "bob", seq=3),
        ParticipantJoined(4, NOON, "carol"),
        message("hello", "bob", seq=5),
    ) == [
        "12:00 alice",
        "  shall we deploy today, or does that",
        "  wait?",
        "  one",
        "  two",
        "12:00 bob",
        "  yes",
        "12:00 → carol joined",
        "12:00 bob",
        "  hello",
    ]


def test_in_a_narrow_window_marks_stand_beside_the_name() -> None:
    assert narrow(
        message("@john ping"),
        message("hm", seq=2),
        MessageEdited(3, NOON, "alice", 2, "hmm"),
        MessageEdited(4, NOON, "alice", 2, "John: hmm"),
        Message(5, NOON, "alice", "hello", verified=True),
        Message(6, NOON, "alice", "waves\nat @john", action=True),
        Message(7, NOON, "alice", "hi", reply_to=1),
        Message(8, NOON, "alice", "ho", reply_to=7),
        RoomClosed(9, NOON),
    ) == [
        "12:00 ! alice",
        "  @john ping",
        "12:00 alice",
        "  hm",
        "12:00 ✎ alice",
        "  hmm",
        "12:00 ✎ ! alice",
        "  John: hmm",
        "12:00 ✓ alice",
        "  hello",
        "12:00 ! * alice waves",
        "  at @john",
        "↪ alice: @john ping",
        "12:00 alice",
        "  hi",
        "  ho",
        "12:00 -- the room is closed",
    ]


def test_in_a_narrow_window_code_is_easy_to_copy_and_a_long_text_ends_with_how_to_see_it() -> None:
    rows = narrow(message("```\ncode\n```"), message("x\n" * 99, seq=2), columns=59)
    assert rows[1:3] == ["  ── code", "  code"]
    assert rows[-1] == "  … 85 more rows · /show 2"


def test_of_what_a_program_has_printed_the_end_is_shown_in_few_rows() -> None:
    text = f"✔ `make`: done in 24 s\n```\n{'a line of no use ' * 9}\nbuilt\nsigned\n```"
    result = Message(7, NOON, "ci", text, automatic=1)
    assert narrow(result) == [
        "12:00 ci",
        "  ✔ `make`: done in 24 s",
        "  … 5 more rows · /show 7",
        "  built",
        "  signed",
    ]
    view = View(utc)
    view.columns = 80
    assert shown(result, view=view)[1].split("\n") == [
        "12:00         ci │ ✔ `make`: done in 24 s",
        "                 │ … 3 more rows · /show 7",
        "                   built",
        "                   signed",
    ]
    assert "a line of no use" in "".join(shown(result, view=view.apart(whole=True)))
    edited = MessageEdited(8, NOON, "ci", 7, text.replace("built", "built twice"))
    assert shown(edited, view=view)[0].endswith("/show 7\n                   built twice\n                   signed")
    said = Message(9, NOON, "Ada", text, automatic=0)
    assert "a line of no use" in narrow(said)[2] + narrow(said)[3]


def test_in_a_narrow_window_a_quote_has_one_row() -> None:
    words = "shall we deploy the release of this week?"
    rows = narrow(message(words), message("hm", "carol", seq=2), Message(3, NOON, "bob", "yes", reply_to=1), columns=30)
    assert rows[-3:] == ["↪ alice: shall we deploy the…", "12:00 bob", "  yes"]


@pytest.mark.parametrize("time_format", ["%H:%M", ""])
@pytest.mark.parametrize("columns", [8, 20, 40, 59])
def test_in_a_narrow_window_nothing_of_others_stands_in_the_first_column(time_format: str, columns: int) -> None:
    bad = f"x{' ' * columns}x\n{'x' * columns}x" * 2
    events: list[Happening] = [
        message(bad, "x" * 32),
        Message(2, NOON, "x" * 32, bad, reply_to=1, edited=3, reactions={bad: 1}),
        Message(3, NOON, "x", bad, action=True),
        MessageEdited(4, NOON, "x", 1, bad),
        Reaction(5, NOON, "x", 1, bad),
        ParticipantJoined(6, NOON, "x" * 32),
        MessageDeleted(7, NOON, "x", 2, "x"),
    ]
    assert {row[0] for row in narrow(*events, time_format=time_format, columns=columns)} <= set(" 1·*↪✎→-")


def test_a_window_that_is_wide_enough_has_the_gutter() -> None:
    assert narrow(message("hello"), columns=60) == ["12:00      alice │ hello"]
