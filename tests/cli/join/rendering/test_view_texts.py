"""How a text is shown: with its markup, and never more of it than fits the screen."""

from __future__ import annotations

from chatty.cli.join.rendering.view import (
    FEW,
    NAMES,
    ROW,
    ROWS,
    View,
)
from chatty.events import (
    Message,
    MessageDeleted,
)
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
    code = "```py\n" + "return 1\n" * 150 + "```"
    lines = list(View(utc).lines([message(code, seq=number) for number in range(1, 20)]))
    assert len(lines[1].spans) > 200
    assert len(lines[-1].spans) < 20


def test_a_flood_of_line_feeds_is_shown_only_in_part() -> None:
    view = View(utc)
    few = "\n".join(map(str, range(FEW + 1)))
    flood = [message("a" + "\nb" * 16_000, seq=1), message(f"{few}\nc\nd", seq=2), message(f"{few}\ne", seq=3)]
    _, *lines = [line.plain.split("\n") for line in view.lines([*flood, message(few, seq=4)])]
    assert lines[0][0] == "12:00      alice │ a"
    assert set(lines[0][1:-1]) == {"                 │ b"}
    assert len(lines[0][1:-1]) == ROWS
    assert lines[0][-1] == "                 │ … 14,000 more lines"
    assert lines[1][-2:] == [f"                 │ {FEW}", "                 │ … 2 more lines"]
    assert lines[2][-1] == "                 │ … 1 more line"
    assert lines[3][-1] == f"                 │ {FEW}"
    assert [len(line.plain.split("\n")) for line in view.lines([message(f"{few}\nf", seq=4)])] == [FEW + 2]


def test_a_flood_of_long_lines_is_shown_only_in_part() -> None:
    flood = [message("x" * 16_000, seq=number) for number in range(1, 100)]
    rows = shown(*flood)
    assert rows[0].endswith(f"│ {'x' * 16_000}")
    assert rows[-1] == f"12:00      alice │ {'x' * ROW * (FEW + 1)}\n                 │ … 15,280 more characters"
    assert sum(map(len, rows)) < 250_000


def test_a_flood_of_tabs_is_shown_only_in_part() -> None:
    flood = [message("x" + "\t" * 16_000, seq=number) for number in range(1, 100)]
    assert sum(len(row.expandtabs()) for row in shown(*flood)) < 250_000


def test_what_became_of_a_text_that_is_cut_stands_behind_its_last_row() -> None:
    (line,) = shown(Message(1, NOON, "eve", "```\n" + "x\n" * 3_000, edited=2))
    assert line.split("\n")[-2:] == ["                 │ … 1,001 more lines", "                 │ (edited)"]


def test_deletions_by_one_moderator_share_a_line_and_those_of_ones_own_do_not() -> None:
    names = [f"spam{number}" for number in range(NAMES + 2)]
    deleted = [MessageDeleted(number, NOON, "ada", number + 100, name) for number, name in enumerate(names * 100, 1)]
    rows = shown(*deleted, MessageDeleted(9_001, NOON, "eve", 9), MessageDeleted(9_002, NOON, "ada", 10, "bob"))
    listed = ", ".join(names[:NAMES])
    assert [row.split("-- ")[1] for row in rows] == [
        f"ada deleted 1,000 messages of {listed}, 2 more",
        "eve deleted a message",
        "ada deleted a message of bob",
    ]
