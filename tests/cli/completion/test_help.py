"""The help says what a command is for, shows how it is typed, and fits a terminal."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from chatty.cli.app import COMMANDS, HEADINGS, command_group
from chatty.cli.completion.help import CliCommand, rows, summary
from tests.cli.user import User

GROUP = command_group()


def command(name: str) -> CliCommand:
    return GROUP.find(name)


def help_of(name: str) -> str:
    parent = typer.Context(GROUP, info_name="chatty")
    return command(name).get_help(typer.Context(command(name), info_name=name, parent=parent))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_examples_of_it(name: str) -> None:
    said = help_of(name)
    shown = said.split("\nExamples:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    assert 1 <= len(shown) <= 3
    assert all(line.startswith("  ") and f"chatty {name}" in line for line in shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_in_examples_exist(name: str) -> None:
    known = {spelling for param in command(name).get_params(typer.Context(GROUP)) for spelling in param.opts}
    for example in command(name).examples:
        typed = re.split(rf"chatty {name}\b", example)[1].split(" -- ")[0].split(" | ")[0].rstrip(')"')
        assert {word for word in typed.split() if word.startswith("-")} <= known, example


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal_and_says_everything_in_sentences(name: str) -> None:
    assert max(map(len, help_of(name).splitlines())) <= 80
    assert "\x1b" not in help_of(name)
    for row in [*rows(command(name))[0], *rows(command(name))[1]]:
        assert row.help[:1], row.label
        assert row.help.endswith((".", "…")), (row.label, row.help)
        assert "[" not in row.help, "variables and defaults are told apart from the text"


def test_the_list_of_commands_has_each_once_under_a_heading(user: User) -> None:
    said = user.says("--help")
    for heading, names in HEADINGS.items():
        under = said.split(f"\n{heading}:\n", 1)[1].split("\n\n", 1)[0]
        listed = [re.split(r"  +", line.strip())[0] for line in under.splitlines() if not line.startswith("     ")]
        assert listed == list(names)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_summed_up_in_one_short_line(name: str) -> None:
    assert 10 < len(summary(command(name))) <= 66
    assert "\n" not in summary(command(name))


def test_a_misspelled_command_or_option_is_recognised(user: User) -> None:
    assert "no such command 'histroy'. Did you mean 'history'?" in user.fails(2, "histroy")
    assert "no such option: --tiemout. Did you mean --timeout?" in user.fails(2, "send", "x", "--tiemout", "3")
    assert shlex.split(user.fails(2, "send", "x", "--tiemout", "3").splitlines()[1]) == (
        ["hint:", "see:", "chatty", "send", "--help"]
    )


def test_help_tells_variables_and_defaults() -> None:
    said = " ".join(help_of("tail").split())
    assert "for a cluster's nodes. [env: CHATTY_SERVER; default: http://127.0.0.1:8080]" in said
    assert "-n, --last N Begin with the newest N messages. [default: 10]" in said
    assert "--port N The port to listen on; 0 for any free one. [env: CHATTY_PORT; default: 8080]" in " ".join(
        help_of("serve").split()
    )


def test_the_usage_shows_what_must_be_there_and_what_may() -> None:
    assert help_of("send").startswith("Usage: chatty send [OPTIONS] ROOM [TEXT...]\n")
    assert help_of("rooms").startswith("Usage: chatty rooms [OPTIONS]\n")
    assert help_of("bot").startswith("Usage: chatty bot [OPTIONS] --on REGEX ROOM -- CMD...\n")
