from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.join.slash_commands import COMMANDS, Actions, Command, Do, Outcome, Wrong, complete, help_lines, parse
from chatty.protocol import Rename, Send


class Recorder:
    """Notes what a command asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def __getattr__(self, name: str) -> Callable[..., Outcome]:
        def note(*arguments: object, **options: object) -> Outcome:
            self.asked.append((name, *arguments, *options) if arguments else name)
            return None

        return note


def asked(line: str) -> list[object]:
    recorder = Recorder()
    typed = parse(line)
    assert isinstance(typed, Do)
    outcome = typed.run(cast(Actions, recorder))
    return recorder.asked if outcome is None else [outcome]


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("/help", "help"),
        ("/who", "who"),
        ("/quit", "quit"),
        ("/history", ("history", 100)),
        ("/history 7", ("history", 7)),
        ("  /history   7  ", ("history", 7)),
        ("/me waves", Send("waves", action=True)),
        ("/reply @Ada yes, both", ("reply", "@Ada yes, both")),
        ("/edit", ("edit", "")),
        ("/edit one\ntwo", ("edit", "one\ntwo")),
        ("/edit\none", ("edit", "one")),
        ("/delete", ("delete", "")),
        ("/react :+1: #7", ("react", ":+1: #7")),
        ("/unreact :+1:", ("react", ":+1:", "remove")),
        ("/topic what goes out", ("topic", "what goes out")),
        ("/nick Ada L.", Rename("Ada L.")),
        ("/search two words", ("search", "two words")),
        ("/ignore Bob", ("ignore", "Bob")),
        ("/unignore Bob", ("unignore", "Bob")),
        ("/quiet", "quiet"),
        ("/timestamp", "timestamp"),
        ("/clear", "clear"),
    ],
)
def test_a_command_does_what_its_name_says(line: str, outcome: object) -> None:
    assert asked(line) == [outcome]


def test_text_is_said_as_it_was_typed() -> None:
    assert parse("  two  spaces /quit ") == Send("  two  spaces /quit ")


def test_two_slashes_send_one() -> None:
    assert parse("//x y") == Send("/x y")


def test_a_misspelt_command_is_never_text_and_names_the_one_that_was_meant() -> None:
    with pytest.raises(Wrong) as wrong:
        parse("/qiut")
    assert str(wrong.value) == "Unknown /qiut. Did you mean /quit?"


def test_an_unknown_command_says_how_to_send_it_as_text() -> None:
    with pytest.raises(Wrong, match="begin with //"):
        parse("/usr/bin/env is where it lives")


def test_what_is_unknown_is_cleaned_before_it_is_shown() -> None:
    with pytest.raises(Wrong) as wrong:
        parse("/\x1b[31mred")
    assert "\x1b" not in str(wrong.value)


@pytest.mark.parametrize("argument", ["x", "0", "-1", "1.5", "5001", "9" * 40, "²"])
def test_history_takes_a_sensible_number(argument: str) -> None:
    with pytest.raises(Wrong, match="a number from 1 to 5,000"):
        asked(f"/history {argument}")


def test_a_command_that_takes_nothing_refuses_an_argument() -> None:
    with pytest.raises(Wrong, match="/quit takes nothing behind it"):
        asked("/quit now")


@pytest.mark.parametrize("name", ["me", "reply", "react", "nick", "search", "unignore"])
def test_a_command_that_needs_an_argument_says_so(name: str) -> None:
    with pytest.raises(Wrong, match=f"/{name} needs more: /{name} "):
        asked(f"/{name}")


@given(st.text())
def test_what_begins_with_one_slash_is_never_sent(text: str) -> None:
    try:
        typed = parse(f"/{text}")
    except Wrong:
        return
    assert isinstance(typed, Do) or text.startswith("/")


@pytest.mark.parametrize(
    ("before", "names"),
    [
        ("/", [command.name for command in COMMANDS]),
        ("/h", ["help", "history"]),
        ("/hi", ["history"]),
        ("/history ", []),
        ("//h", []),
        ("h", []),
        ("", []),
        ("see /h", []),
    ],
)
def test_only_a_beginning_command_is_completed(before: str, names: list[str]) -> None:
    assert [command.name for command in complete(before)] == names


def test_the_help_tells_every_command_of_the_table() -> None:
    text = "\n".join(help_lines())
    command: Command
    for command in COMMANDS:
        assert f"/{command.name}" in text
        assert command.help in text
