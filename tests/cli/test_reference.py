"""The reference and the manual page are what the commands are: made from them, complete, and readable."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from chatty.cli import reference
from chatty.cli.app import COMMANDS, command_group
from chatty.cli.completion.help import CliCommand, rows
from chatty.cli.exits import MEANINGS, ExitStatus
from chatty.cli.reference import write
from chatty.server.settings import SETTINGS
from tests.support.server import PATIENCE, ROOT

GROUP = command_group()
# Each takes a tenth of a second to make.
markdown, manual = cache(reference.markdown), cache(reference.manual)
MACROS = {".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi", ".ad", ".nh"}


def command(name: str) -> CliCommand:
    return GROUP.find(name)


def spellings(name: str) -> set[str]:
    return {spelling for row in rows(command(name))[1] for spelling in re.findall(r"-[\w-]+", row.label)} - {
        "-h",
        "--help",
    }


@pytest.mark.parametrize(("file", "made"), [("reference.md", markdown), ("chatty.1", manual)])
def test_what_stands_in_docs_is_up_to_date(file: str, made: Callable[[], str]) -> None:
    assert (ROOT / "docs" / file).read_text("utf-8") == made(), f"docs/{file} is stale: make reference"


def test_the_word_that_makes_them_is_one_of_make(tmp_path: Path) -> None:
    assert re.search(r"^reference:.*## .*docs/reference.md", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    write(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"reference.md", "chatty.1"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_argument_option_and_example(name: str) -> None:
    section = markdown().split(f"\n### chatty {name}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    for row in [*rows(command(name))[0], *rows(command(name))[1]]:
        label = row.label.replace("|", "\\|")
        assert "--help" in row.label or f"| `{label}` | {row.help.replace('|', chr(92) + '|')} |" in section
    for example in command(name).examples:
        assert f"\n    {example}\n" in section


def test_the_reference_has_every_status_and_variable() -> None:
    assert set(MEANINGS) == set(ExitStatus)
    for status, meaning in MEANINGS.items():
        assert f"| {int(status)} | {meaning} |" in markdown()
    for variable in ["CHATTY_SERVER", "CHATTY_NAME", "CHATTY_PROFILE", "CHATTY_DEBUG", "NO_COLOR"]:
        assert f"| `{variable}` |" in markdown()
    for setting in SETTINGS:
        assert f"| `CHATTY_{setting.name.upper()}` |" in markdown()


@pytest.mark.parametrize("made", [reference.markdown, reference.manual])
def test_nothing_in_them_is_of_the_machine_that_they_were_made_on(
    made: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made()
    assert str(Path.home()) not in before
    monkeypatch.setenv("COLUMNS", "40")
    assert made() == before


def test_the_manual_page_is_well_formed() -> None:
    depth = 0
    for line in manual().splitlines():
        if line.startswith((".", "'")):
            assert line.split()[0] in MACROS, line
        depth += {".nf": 1, ".fi": -1}.get(line, 0)
        assert depth in (0, 1), "an example ends before the next begins"
        assert not re.search(r"\\(?![-e&]|f[BIR])", line), f"an escape that means something else: {line}"
        assert line.count(r"\fB") + line.count(r"\fI") == line.count(r"\fR"), line
    assert depth == 0


def test_the_manual_page_reads_well_where_there_is_a_reader_of_such_pages(tmp_path: Path) -> None:
    page = tmp_path / "chatty.1"
    page.write_text(manual(), "utf-8")
    for reader in (["man", "--warnings", "-E", "UTF-8", "-l"], ["mandoc", "-T", "utf8", "-W", "error"]):
        if shutil.which(reader[0]) is None:
            continue
        variables = {**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
        done = subprocess.run([*reader, str(page)], capture_output=True, env=variables, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, b"")
        shown = done.stdout.decode().replace("−", "-")
        for name in COMMANDS:
            assert f"chatty {name} [OPTIONS]" in shown
            assert all(spelling in shown for spelling in spellings(name))
        assert 'ROOM=$(chatty create deploys --topic "releases and incidents" --expires 24h)' in shown
