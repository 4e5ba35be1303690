"""The help of the client."""

from __future__ import annotations

import pytest

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.explained import EXPLAINED
from chatty.cli.join.slash_commands.help import help_lines
from chatty.cli.join.slash_commands.table import COMMANDS
from chatty.cli.terminal.width import width
from tests.cli.join.talk import talking

ALL = ("read", "post", "moderate", "own")
MEMBER = ("read", "post")


def helped(about: str = "", can: tuple[str, ...] = ALL, *, plain: bool = False) -> str:
    return "\n".join(line.plain for line in help_lines(about, can, plain=plain))


@pytest.mark.parametrize("can", [ALL, MEMBER])
@pytest.mark.parametrize("plain", [True, False])
def test_the_help_fits_a_window_of_80_by_24(can: tuple[str, ...], plain: bool) -> None:
    rows = helped(can=can, plain=plain).split("\n")
    assert len(rows) <= 22  # and two rows of the prompt
    assert max(map(width, rows)) <= 80
    assert max(map(width, helped("keys", can, plain=plain).split("\n"))) <= 80


def test_the_help_has_every_command_and_those_that_undo_another_in_one_row() -> None:
    text = helped().replace("[un]", "")
    for command in COMMANDS:
        assert f"/{command.name.removeprefix('un')}" in text
    assert "/[un]ignore  hide what somebody writes" in helped()


def test_commands_of_moderators_are_shown_to_those_whom_they_serve() -> None:
    assert "/kick" in helped(can=ALL)
    assert "/kick" not in helped(can=MEMBER)
    assert "Moderate" not in helped(can=MEMBER)
    with pytest.raises(Wrong, match="no command /kick"):
        helped("kick", MEMBER)


def test_plain_lines_are_told_nothing_that_does_not_work_there() -> None:
    for about in ("", "keys", "react"):
        text = helped(about, plain=True)
        assert "Alt-" not in text
        assert "Tab" not in text
    assert "/clear" not in helped(plain=True)


@pytest.mark.parametrize("about", ["reply", "/reply", " Reply "])
def test_one_command_is_explained_with_its_usage_an_example_and_its_keys(about: str) -> None:
    usage, sentence, *_, example, keys = helped(about).split("\n")
    assert usage.strip() == "/reply [@NAME|#SEQ] TEXT"
    assert sentence.strip().startswith("Answers the selected message")
    assert example.strip() == "For example: /reply @Ada yes, at noon"
    assert "Alt-↑" in keys


def test_every_command_is_explained_in_rows_that_fit() -> None:
    assert {command.name for command in COMMANDS} == set(EXPLAINED)
    for command in COMMANDS:
        assert max(map(width, helped(command.name).split("\n"))) <= 80
        example = EXPLAINED[command.name].example
        assert example.startswith(f"/{command.name} ") or not example


def test_help_about_nothing_that_is_there_names_what_is_like_it() -> None:
    with pytest.raises(Wrong, match=r"no command /repli\. See /help reply"):
        helped("repli")
    with pytest.raises(Wrong, match=r"no command /\u241b\[31mx. See /help$"):
        helped("\x1b[31mx")


async def test_the_help_is_shown_in_the_room() -> None:
    async with talking() as talk:
        assert talk.conversation.enter("/help keys")
        assert any("Alt-R" in line for line in talk.lines())
        assert talk.refuses("/help nosuch").startswith("!! no command /nosuch")


@pytest.mark.parametrize("columns", [30, 45, 60, 77])
def test_where_two_columns_have_no_room_the_help_has_the_names_of_the_commands(columns: int) -> None:
    rows = [line.plain for line in help_lines("", MEMBER, plain=False, columns=columns)]
    assert max(map(width, rows[:-1])) <= columns
    assert len(rows) <= 13 + 6 * (columns < 45)
    text = " ".join(rows).replace("[un]", "")
    assert all(f"/{one.name.removeprefix('un')}" in text for one in COMMANDS if not one.needs)


def test_the_marks_are_explained() -> None:
    rows = helped("marks").split("\n")
    assert any(row.split()[0] == "✎" for row in rows)
    assert max(map(width, rows)) <= 80
    assert "/help marks" in helped()


def test_help_about_a_setting_says_where_that_is_told() -> None:
    with pytest.raises(Wrong, match=r"notify is a setting\. See /set notify$"):
        helped("notify")


async def test_the_help_is_made_for_the_window() -> None:
    async with talking() as talk:
        talk.conversation.fit(45)
        assert talk.conversation.enter("/help")
        assert max(map(width, talk.lines()[:-1])) <= 45
