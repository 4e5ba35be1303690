from __future__ import annotations

from chatty.cli.join.slash_commands.reading_actions import HISTORY, HISTORY_MOST
from chatty.cli.join.slash_commands.table import COMMANDS
from tests.support.server import ROOT

TEXT = (ROOT / "docs/join.md").read_text("utf-8")


def test_every_command_is_documented_and_none_is_made_up() -> None:
    section = TEXT.split("\n## Commands\n", 1)[1].split("\n## ", 1)[0]
    documented = [line.split("`")[1].replace(r"\|", "|") for line in section.splitlines() if line.startswith("| `/")]
    assert documented == [f"/{command.name} {command.argument}".rstrip() for command in COMMANDS]
    assert f"{HISTORY} unless told, at most {HISTORY_MOST:,}" in section
