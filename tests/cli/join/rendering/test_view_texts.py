"""How a text is shown: with its markup, and never more of it than fits the screen."""

from __future__ import annotations

import pytest

from chatty.cli.join.rendering.excerpt import BEGINNING, MOST
from chatty.cli.join.rendering.view import NAMES, ROW, View
from chatty.cli.join.window.screen import Painter
from chatty.events import Message, MessageDeleted, MessageEdited
from tests.cli.join.rendering.test_view import NOON, message, shown, utc


def test_markup_is_shown_in_its_place() -> None:
    (line,) = shown(message("**look**:\n```py\nx = 1\n  y\n```\n> so"))
    assert line.split("\n") == [
        "12:00      alice │ look:",
        "                 │ ── py",
        "                   x = 1",
        "                     y",
        "                 │ ▌ so",
    ]


def test_nothing_in_code_can_pass_for_a_line_of_the_room() -> None:
    (line,) = shown(Message(1, NOON, "eve", "```\n12:00        bob │ hi\n-- x\n↪ bob: x\n```", edited=2))
    rows = line.split("\n")
    assert all(row.startswith(" " * 19) for row in rows[1:4])
    assert rows[4] == " " * 17 + "│ (edited)"


def test_a_flood_of_code_is_highlighted_only_in_part() -> None:
    code = "```py\n" + "return 1\n" * 10 + "```"
    lines = list(View(utc).lines([message(code, seq=number) for number in range(1, 200)]))
    assert len(lines[1].spans) > 20
    assert len(lines[-1].spans) < 10


def test_a_text_of_more_rows_than_a_screenful_shows_its_beginning_and_how_to_see_the_rest() -> None:
    log = "\n".join(f"line {number}" for number in range(1, 186))
    (line,) = shown(message(log, seq=123))
    rows = line.split("\n")
    assert rows[0] == "12:00      alice │ line 1"
    assert rows[-2:] == ["                 │ line 15", "                 │ … 170 more rows · /show 123"]
    assert len(rows) == BEGINNING + 1


def test_a_text_that_just_fits_is_whole() -> None:
    few = "\n".join("x" * MOST)
    assert [len(line.split("\n")) for line in shown(message(few, seq=1), message(f"{few}\n", seq=2))] == [20, 16]


def test_a_changed_text_that_is_long_names_the_message_that_it_changed() -> None:
    (line,) = shown(MessageEdited(9, NOON, "ada", 7, "x\n" * 99))
    assert line.endswith("· /show 7")


@pytest.mark.parametrize("columns", [40, 62, 100])
@pytest.mark.parametrize("word", ["four ", "日本 ", "https://example.org/" + "x" * 40 + " "])
def test_rows_are_counted_as_the_window_breaks_them(word: str, columns: int) -> None:
    view = View(utc)
    view.columns = columns
    *_, line = view.lines([message(word * 400, seq=5)])
    rows = Painter(color=False, styles=False).paint([line], columns).removesuffix("\n").split("\n")
    assert len([row for row in rows if word[:2] in row]) in (BEGINNING, BEGINNING // 2 + 1, BEGINNING // 3 + 1)
    assert rows[-1].endswith(" more rows · /show 5")


def test_a_message_that_is_asked_for_is_shown_whole() -> None:
    *_, line = View(utc).apart(whole=True).lines([message("x\n" * 99, seq=5)])
    assert len(line.plain.split("\n")) == 100
    assert line.plain.endswith("  #5")


def test_a_flood_of_long_lines_is_shown_only_in_part() -> None:
    flood = [message("x" * 16_000, seq=number) for number in range(1, 100)]
    rows = shown(*flood)
    assert rows[-1] == f"12:00      alice │ {'x' * ROW * BEGINNING}\n                 │ … 185 more rows · /show 99"
    assert sum(map(len, rows)) < 250_000


def test_a_flood_of_tabs_is_shown_only_in_part() -> None:
    flood = [message("x" + "\t" * 16_000, seq=number) for number in range(1, 100)]
    assert sum(len(row.expandtabs()) for row in shown(*flood)) < 250_000


def test_a_text_that_arrives_in_colour_is_shown_without_and_other_controls_stay_visible() -> None:
    text = "\x1b[1;31mred\x1b[0m\r\n\x9b4mline\x9bm\r\n\x1b[2Jx\ry\x1b[38;5;12"
    said, edit = shown(message(text), MessageEdited(2, NOON, "alice", 1, text))
    assert said.split(" │ ", 1)[1].replace(" " * 17 + "│ ", "") == "red\nline\n␛[2Jx␍y␛[38;5;12"
    assert edit == said.replace("12:00  ", "12:00 ✎")
    *_, quoted = shown(message(text), message("y", seq=2), Message(3, NOON, "bob", "hm", reply_to=1))
    assert "↪ alice: red line ␛[2Jx y␛[38;5;12\n" in quoted


def test_what_became_of_a_text_that_is_cut_stands_behind_its_last_row() -> None:
    (line,) = shown(Message(1, NOON, "eve", "```\n" + "x\n" * 3_000, edited=2))
    assert line.split("\n")[-2:] == ["                 │ … 2,987 more rows · /show 1", "                 │ (edited)"]


def test_deletions_by_one_moderator_share_a_line_and_those_of_ones_own_do_not() -> None:
    names = [f"spam{number}" for number in range(NAMES + 2)]
    deleted = [MessageDeleted(number, NOON, "ada", number + 100, name) for number, name in enumerate(names * 100, 1)]
    rows = shown(*deleted, MessageDeleted(9_001, NOON, "eve", 9), MessageDeleted(9_002, NOON, "ada", 10, "bob"))
    listed = ", ".join(names[:NAMES])
    assert [row.split("-- ")[1] for row in rows] == [
        f"ada deleted 1,000 messages of {listed}, 2 more",
        "eve deleted #9",
        "ada deleted a message of bob (#10)",
    ]
