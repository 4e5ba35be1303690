"""What a program reports is shown in brief: what it printed last, in as many rows as it has lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.folding import folds
from chatty.cli.terminal.output_report import LEAST, MOST, OutputReport, output_report

DONE = "✔ `make`: done in 24 s"


def report(*lines: str, columns: int = 40, fence: str = "```") -> OutputReport | None:
    return output_report("\n".join([DONE, fence, *lines, fence]), columns)


def test_what_has_no_more_rows_than_lines_is_shown_whole() -> None:
    assert report("one", "two") == (DONE, 0, ["one", "two"])
    lines = [f"line {number}" for number in range(MOST)]
    assert report(*lines) == (DONE, 0, lines)
    assert report("a ``` b", fence="````") == (DONE, 0, ["a ``` b"])


def test_of_more_rows_the_last_ones_are_shown_and_the_rest_is_counted() -> None:
    lines = [f"line {number}" for number in range(50)]
    assert report(*lines) == (DONE, 35, lines[-MOST:])


def test_a_line_is_shown_whole_or_not_at_all() -> None:
    wide = "a line that needs two rows of the window"
    assert report(wide, wide, wide, columns=30) == (DONE, 4, [wide])
    assert report("x", wide, "end", columns=30) == (DONE, 1, [wide, "end"])


def test_a_line_that_alone_has_too_many_rows_is_cut() -> None:
    assert report("before", "x" * 100, columns=10) == (DONE, 8, ["x" * 10 * LEAST])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "done",
        "```\ncode\n```",
        "a\n```\ncode\n```\nb",
        "a\nb\n```\ncode\n```",
        "a\n```\none\n```\nb\n```\ntwo\n```",
    ],
)
def test_other_texts_are_no_reports(text: str) -> None:
    assert output_report(text, 40) is None


@given(st.lists(st.text(st.characters(exclude_categories=["C"])), min_size=1), st.integers(0, 200))
def test_so_many_rows_are_shown_at_most_whatever_the_lines_are(lines: list[str], columns: int) -> None:
    lines = [line.replace("`", "") for line in lines]
    shown = report(*lines, columns=columns)
    if shown:
        rows = sum(len(folds(line, max(columns, 8), max(columns, 8))) for line in shown.lines)
        assert rows <= min(max(len(lines), LEAST), MOST)
        assert shown.left_out > 0 or shown.lines == lines
