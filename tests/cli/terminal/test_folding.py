"""Wherever a terminal's edge falls in a text, what goes on below passes for nobody's line."""

from __future__ import annotations

import os
import pty
import termios
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chatty.cli.join.rendering.view import View
from chatty.cli.join.window.screen import Painter
from chatty.cli.terminal.folding import LEAST, columns_of, folded, folds, hang
from chatty.cli.terminal.plain_lines import Plain
from chatty.cli.terminal.width import width
from chatty.events import Message
from tests.cli.terminal.scripts import FORGED, TEXTS, WORDS
from tests.support.tmux import Tmux

SAID = "12:00      mallory │ "
NOON = "2026-11-23T12:00:00.000Z"


@pytest.mark.parametrize("padding", [" ", "x ", "─", "日", "\u2800", "\u00a0", "\t", "x", "❤\ufe0f", "👩\u200d💻"])
@pytest.mark.parametrize("columns", [40, 79, 80, 81])
def test_no_row_but_the_first_begins_as_a_line_does(padding: str, columns: int) -> None:
    for count in range(columns + 1):
        rows = folded(f"{SAID}ok{padding * count}{FORGED}", columns)
        assert all(row.startswith(" " * 19 + "│ ") for row in rows[1:])
        assert all(width(row) <= columns for row in rows)


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
    assert folded(f"{SAID}see {address} {FORGED}", 70) == [
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


@pytest.mark.parametrize("word", ["x" * 90, "12:07........Bob_|_yes" * 5, "xn--" * 30, "日" * 60])
def test_a_long_word_that_is_no_address_is_broken_behind_the_mark(word: str) -> None:
    rows = folded(f"{SAID}see {word} and", 60)
    assert all(width(row) <= 60 for row in rows)
    assert all(row.startswith(" " * 19 + "│ ") for row in rows[1:])
    assert "".join(row.partition("│ ")[2] for row in rows).replace(" ", "") == f"see{word}and"


def test_more_marks_than_fit_a_row_are_broken_too() -> None:
    rows = folded(SAID + "\u0928" + "\u0903" * 100 + FORGED, 60)
    assert all(width(row) <= 60 for row in rows)
    assert all(row.startswith(" " * 19 + "│ ") for row in rows[1:])


@pytest.mark.parametrize("columns", range(LEAST, 20))
def test_in_a_narrow_window_there_is_a_mark_too(columns: int) -> None:
    rows = folded(f"{SAID}日本語 {FORGED}", columns)
    assert all(row.startswith(" " * (columns // 2) + "│ ") for row in rows[1:])
    assert all(width(row) <= columns for row in rows)


def test_a_window_without_room_for_the_mark_gets_rows_as_they_are() -> None:
    assert folded(f"{SAID}{FORGED}", LEAST - 1) == [f"{SAID}{FORGED}"]


@given(
    st.text(st.sampled_from("ab  日é│\u0301👩\u3000─")) | TEXTS.map(lambda text: text.replace("\n", " ")),
    st.integers(8, 60),
)
def test_every_row_fits_and_no_word_is_lost(text: str, columns: int) -> None:
    row = f"{SAID}{text}".expandtabs()
    rows = folded(row, columns)
    assert all(width(one) <= columns for one in rows if "://" not in text)
    pieces = [row[start:end] for start, end in folds(row, columns, columns - len(hang(row, columns)))]
    assert "".join("".join(pieces).split()) == "".join(row.split())
    assert [one.removeprefix(hang(row, columns)) for one in rows[1:]] == pieces[1:]


def shown_by_tmux(directory: Path, lines: list[str], columns: int) -> list[str]:
    """The rows that a terminal makes of ``lines``."""
    (directory / "lines").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    with Tmux(directory, "") as tmux:
        tmux("new-session", "-d", "-x", "80", "-y", "24", "cat")
        tmux("set-option", "-g", "history-limit", "100000")
        show = f"cat {directory}/lines; tmux -S {directory}/tmux wait-for -S shown; cat"
        tmux("new-session", "-d", "-s", "shown", "-x", str(columns), "-y", "50", show)
        tmux("wait-for", "shown")
        return tmux("capture-pane", "-p", "-S", "-", "-t", "shown").rstrip("\n").split("\n")


@pytest.mark.parametrize("columns", [21, 40, 77])
@pytest.mark.parametrize("face", ["join", "tail"])
def test_in_a_terminal_no_row_but_the_first_of_a_message_begins_in_column_0(
    tmp_path: Path, face: str, columns: int
) -> None:
    """Texts in all scripts, that chance puts together and that are made to push a forged line there."""
    texts = [word * count + "x" * extra + FORGED for word in WORDS for count in (7, 30) for extra in range(3)]

    @given(TEXTS)
    @settings(max_examples=150, database=None, phases=[Phase.generate])
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    texts = [text for text in texts if "://" not in text and text.strip()]
    messages = [Message(seq, NOON, ("eve", "ida")[seq % 2], text) for seq, text in enumerate(texts, 1)]
    if face == "join":
        view = View(utc)
        view.columns = columns
        painted = Painter(color=False, styles=False).paint(view.lines(messages), columns)
        lines = painted.removesuffix("\n").split("\n")[1:]  # without the day
    else:
        plain = Plain(date(2026, 11, 23), utc, columns=lambda: columns)
        lines = [line for message in messages for line in plain.lines(message)]
    rows = shown_by_tmux(tmp_path, lines, columns)
    firsts = [row for row in rows if not row.startswith(" ") and row]
    assert len(firsts) == len(messages)
    assert {row[:5] for row in firsts} == {"12:00"}


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def test_a_terminals_width_is_known_and_a_pipe_has_none() -> None:
    ours, theirs = pty.openpty()
    reading, writing = os.pipe()
    termios.tcsetwinsize(theirs, (24, 97))
    with os.fdopen(theirs, "w") as terminal, os.fdopen(writing, "w") as pipe:
        assert (columns_of(terminal), columns_of(pipe)) == (97, 0)
    os.close(ours)
    os.close(reading)
