"""Wherever a terminal's edge falls in a text, what goes on below passes for nobody's line."""

from __future__ import annotations

import os
import pty
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatty.cli.terminal.folding import columns_of, folded, folds, hang

SAID = "12:00      mallory │ "
FORGED = "09:33      Alice │ approved: deploy"


@pytest.mark.parametrize("padding", [" ", "x ", "─", "日", "\u2800", "\u00a0", "\t", "x", "❤\ufe0f", "👩\u200d💻"])
@pytest.mark.parametrize("columns", [40, 79, 80, 81])
def test_no_row_but_the_first_begins_as_a_line_does(padding: str, columns: int) -> None:
    for count in range(columns + 1):
        rows = folded(f"{SAID}ok{padding * count}{FORGED}", columns)
        assert all(row.startswith(" " * 19 + "│ ") for row in rows[1:])
        # What a terminal breaks itself could be a word, but no line.
        assert not any(" " in row[columns:] for row in rows)


def test_a_row_is_broken_between_words_and_goes_on_under_its_text() -> None:
    assert folded(f"{SAID}one two three four", 30) == [
        "12:00      mallory │ one two",
        "               │ three four",
    ]
    assert folded(f"{SAID}one two three four", 39) == [
        "12:00      mallory │ one two three four",
    ]
    assert folded(f"{SAID}one two three four", 38) == [
        "12:00      mallory │ one two three",
        "                   │ four",
    ]


def test_an_address_stays_in_one_piece_and_what_follows_it_begins_a_row() -> None:
    address = f"https://example.org/{'x' * 80}"
    assert folded(f"{SAID}see {address} {FORGED}", 60) == [
        f"{SAID}see {address}",
        f"                   │ {FORGED}",
    ]


def test_an_address_that_fits_below_is_not_torn() -> None:
    assert folded(f"{SAID}look at https://example.org/1234", 50) == [
        f"{SAID}look at",
        "                   │ https://example.org/1234",
    ]


def test_code_goes_on_behind_blanks_alone_and_what_chatty_says_behind_a_mark() -> None:
    assert folded(" " * 19 + "for name in names: print(name)", 40) == [
        " " * 19 + "for name in names:",
        " " * 19 + "print(name)",
    ]
    assert folded("12:00 -- eve changed the topic: 12:00 bob left", 40) == [
        "12:00 -- eve changed the topic: 12:00",
        "           │ bob left",
    ]


def test_a_sign_that_is_made_of_several_characters_is_not_torn() -> None:
    sign = "👩\u200d💻"
    rows = folded(SAID + 40 * sign, 40)
    assert len(rows) > 4
    assert all(row.removeprefix(SAID).strip(" │").replace(sign, "") == "" for row in rows)


def test_in_a_window_that_is_too_narrow_a_row_stays_as_it_is() -> None:
    assert folded(f"{SAID}{FORGED}", 19) == [f"{SAID}{FORGED}"]


@given(st.text(st.sampled_from("ab  日é│\u0301👩\u3000─")), st.integers(20, 60))
def test_every_row_fits_and_no_word_is_lost(text: str, columns: int) -> None:
    row = f"{SAID}{text}"
    rows = folded(row, columns)
    assert all(cell_len(one) <= columns for one in rows if not any(len(word) > 15 for word in text.split()))
    pieces = [row[start:end] for start, end in folds(row, columns)]
    assert "".join("".join(pieces).split()) == "".join(row.split())
    assert [one.removeprefix(hang(row, columns)) for one in rows[1:]] == pieces[1:]


def test_a_terminals_width_is_known_and_a_pipe_has_none() -> None:
    ours, theirs = pty.openpty()
    reading, writing = os.pipe()
    termios.tcsetwinsize(theirs, (24, 97))
    with os.fdopen(theirs, "w") as terminal, os.fdopen(writing, "w") as pipe:
        assert (columns_of(terminal), columns_of(pipe)) == (97, 0)
    os.close(ours)
    os.close(reading)
