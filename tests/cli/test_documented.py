"""docs/commands.md and the commands say the same: nothing undocumented, nothing made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatty.cli.app import COMMANDS, command_group
from chatty.cli.exits import ExitStatus
from chatty.errors import CODES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text("utf-8")
GROUP = command_group()


def section(heading: str) -> str:
    return TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def options(command: str | None) -> set[str]:
    """All spellings of a command's options; None: those of ``chatty`` itself."""
    found = GROUP if command is None else GROUP.find(command)
    return {
        spelling
        for param in found.params
        for spelling in (*param.opts, *param.secondary_opts)
        if spelling.startswith("-")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(command: str) -> None:
    rows = "\n".join(line for line in section(f"chatty {command}").splitlines() if line.startswith("| "))
    first_cells = " ".join(re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE))
    assert options(command) == set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", first_cells))


def test_the_options_of_chatty_itself_are_documented() -> None:
    assert all(f"chatty {option}`" in TEXT for option in options(None))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_a_place_in_the_list(command: str) -> None:
    assert f"| [`chatty {command}`](#chatty-{command.replace(' ', '-')}) |" in TEXT
    assert re.search(rf"^    .*\bchatty {command}\b", section(f"chatty {command}"), re.MULTILINE)


def test_every_exit_status_is_documented() -> None:
    documented = re.findall(r"^\| ([\d, ]+) \|", section("Exit status"), re.MULTILINE)
    assert {int(number) for cell in documented for number in cell.split(",")} == set(ExitStatus)


def test_every_code_that_the_commands_make_up_is_documented() -> None:
    sources = "".join(
        path.read_text("utf-8") for path in Path(__file__).resolve().parents[2].glob("chatty/cli/**/*.py")
    )
    made_up = set(re.findall(r'ExitStatus\.\w+,\s*"(\w+)"', sources)) - {"usage"}
    for code in made_up - set(CODES):
        assert f"`{code}`" in section("Exit status"), code
