"""Rows are for programs, and aligned where a person looks; the text of strangers can't break out of them."""

from __future__ import annotations

import io
from dataclasses import replace

from chatty.cli.access.table import print_rows
from chatty.cli.terminal.moments import until
from tests.cli.conftest import MakeEnvironment

ROWS = [("ada", "owner", "created it"), ("名前", "reader", "a\tb\x1b[2J\nadmin\towner")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_pipe_each_row_is_a_line_with_tabs_between_its_cells_and_none_in_them(
    make_environment: MakeEnvironment,
) -> None:
    env = make_environment()
    print_rows(env, ROWS)
    assert isinstance(env.stdout, io.StringIO)
    assert env.stdout.getvalue() == "ada\towner\tcreated it\n名前\treader\ta b␛[2J␊admin owner\n"


def test_in_a_terminal_columns_are_aligned_as_they_are_seen(make_environment: MakeEnvironment) -> None:
    env = replace(make_environment(), stdout=Terminal())
    print_rows(env, ROWS)
    print_rows(env, [])
    assert isinstance(env.stdout, io.StringIO)
    assert env.stdout.getvalue() == "ada   owner   created it\n名前  reader  a b␛[2J␊admin owner\n"


def test_a_time_that_is_none_is_shown_as_it_came() -> None:
    assert until(None) == ""
    assert until("soon") == "until soon"
    assert until("2026-11-28T12:00:00.000Z").startswith("until 2026-11-2")
