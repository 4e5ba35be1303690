from __future__ import annotations

import re
import textwrap
import tomllib

import pytest
from prompt_toolkit.keys import Keys

from chatty.cli.join.settings.reading import checked
from chatty.cli.join.settings.table import SETTINGS, Settings
from chatty.cli.join.slash_commands.reading_actions import HISTORY, HISTORY_MOST
from chatty.cli.join.slash_commands.table import COMMANDS
from tests.cli.join.slash_commands.test_help import helped
from tests.cli.join.typist import at_prompt
from tests.support.server import ROOT

TEXT = (ROOT / "docs/join.md").read_text("utf-8")
MODIFIED = re.compile(r"\b(?:Alt|Ctrl)-(?:Enter|[A-Z0-9←→↑↓])")
UNNAMED = {Keys.Any, Keys.Backspace, Keys.BracketedPaste, Keys.SIGINT, Keys.PageUp}
"""What comes by itself, what answers a question or erases, and a key that says what to do instead."""


def section_of(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_command_is_documented_and_none_is_made_up() -> None:
    section = section_of("Commands")
    documented = [line.split("`")[1].replace(r"\|", "|") for line in section.splitlines() if line.startswith("| `/")]
    assert documented == [f"/{command.name} {command.argument}".rstrip() for command in COMMANDS]
    assert f"{HISTORY} unless told, at most {HISTORY_MOST:,}" in section


def test_every_setting_is_documented_with_what_it_may_be_and_its_default() -> None:
    section = section_of("Settings")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    documented = {name.strip("`"): (takes.replace("`", ""), default.strip("`")) for name, takes, default, _ in rows}
    assert documented == {
        setting.name: (setting.takes, setting.show(getattr(Settings(), setting.name))) for setting in SETTINGS
    }


def test_the_example_of_settings_makes_sense() -> None:
    section = section_of("Settings")
    example = "\n".join(line for line in section.splitlines() if line.startswith("    "))
    tables, problems = checked(tomllib.loads(textwrap.dedent(example)))
    assert problems == []
    assert list(tables) == [("join",), ("profile", "work", "join"), ("join", "room", "deploys")]


def named(text: str) -> set[str]:
    """The keys that ``text`` names."""
    text = re.sub(
        r"Alt-(\d) ?… ?(?:Alt-)?(\d)",
        lambda keys: " ".join(f"Alt-{n}" for n in range(int(keys[1]), int(keys[2]) + 1)),
        text,
    )
    return {*MODIFIED.findall(text), *re.findall(r"\b(?:Enter|Esc|Up|Down|Tab)\b", text)}


async def bound() -> set[str]:
    """The keys that the prompt has bound, by their names for people."""
    people = {"up": "↑", "down": "↓", "left": "←", "right": "→", "c-m": "Enter", "c-i": "Tab"}
    names: set[str] = set()
    async with at_prompt() as typist:
        assert typist.prompt.app.key_bindings is not None
        for binding in typist.prompt.app.key_bindings.bindings:
            first, *more = binding.keys
            if UNNAMED & set(binding.keys):
                continue
            keys = [
                people.get(key, key.upper().replace("C-", "Ctrl-"))
                for key in (getattr(key, "value", key) for key in binding.keys)
            ]
            if first == Keys.Escape:
                keys = [f"Alt-{keys[1]}"] if more else ["Esc"]
            names |= set(keys)
    return names


@pytest.mark.parametrize("text", [helped("keys"), TEXT.split("\n## Keys\n", 1)[1]], ids=["help", "join.md"])
async def test_every_key_is_named_and_none_is_made_up(text: str) -> None:
    keys = await bound()
    assert {"Alt-1", "Alt-9", "Alt-A", "Alt-↑", "Alt-Enter", "Ctrl-X", "Esc"} <= keys
    assert keys <= named(text)
    assert {key for key in named(text) if key.startswith(("Alt-", "Ctrl-"))} <= keys | {"Ctrl-R"}


def test_every_command_is_named_in_the_help_and_explained_by_it() -> None:
    names = set()
    for undoing, name in re.findall(r"/(\[un\])?([a-z]+)", helped()):
        names |= {name, f"un{name}"} if undoing else {name}
    assert {command.name for command in COMMANDS} <= names
    for command in COMMANDS:
        assert f"{command.usage}\n" in helped(command.name)
