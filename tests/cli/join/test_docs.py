from __future__ import annotations

import textwrap
import tomllib

from chatty.cli.join.settings.reading import checked
from chatty.cli.join.settings.table import SETTINGS, Settings
from chatty.cli.join.slash_commands.reading_actions import HISTORY, HISTORY_MOST
from chatty.cli.join.slash_commands.table import COMMANDS
from tests.support.server import ROOT

TEXT = (ROOT / "docs/join.md").read_text("utf-8")


def test_every_command_is_documented_and_none_is_made_up() -> None:
    section = TEXT.split("\n## Commands\n", 1)[1].split("\n## ", 1)[0]
    documented = [line.split("`")[1].replace(r"\|", "|") for line in section.splitlines() if line.startswith("| `/")]
    assert documented == [f"/{command.name} {command.argument}".rstrip() for command in COMMANDS]
    assert f"{HISTORY} unless told, at most {HISTORY_MOST:,}" in section


def test_every_setting_is_documented_with_what_it_may_be_and_its_default() -> None:
    section = TEXT.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    documented = {name.strip("`"): (takes.replace("`", ""), default.strip("`")) for name, takes, default, _ in rows}
    assert documented == {
        setting.name: (setting.takes, setting.show(getattr(Settings(), setting.name))) for setting in SETTINGS
    }


def test_the_example_of_settings_makes_sense() -> None:
    section = TEXT.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    example = "\n".join(line for line in section.splitlines() if line.startswith("    "))
    tables, problems = checked(tomllib.loads(textwrap.dedent(example)))
    assert problems == []
    assert list(tables) == [("join",), ("profile", "work", "join"), ("join", "room", "deploys")]
