"""An SQLite that is too old, or lacks a part, is refused with advice before anything is touched."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from chatty.server.platform.store.sqlite_version import LEAST, check_sqlite
from tests.support.server import PATIENCE, environment

OLD = "import sqlite3; sqlite3.sqlite_version_info, sqlite3.sqlite_version = (3, 34, 1), '3.34.1'"
WITHOUT = """
import sqlite3
from functools import partial

class Lacking(sqlite3.Connection):
    def execute(self, sql, *values):
        if "{word}" in sql:
            raise sqlite3.OperationalError("no such thing: {word}")
        return super().execute(sql, *values)

sqlite3.connect = partial(sqlite3.connect, factory=Lacking)
"""
FEW_VARIABLES = """
import sqlite3
from functools import partial

class Narrow(sqlite3.Connection):
    def getlimit(self, category):
        return 999 if category == sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER else super().getlimit(category)

sqlite3.connect = partial(sqlite3.connect, factory=Narrow)
"""


def chatty(python: str, *arguments: str) -> str:
    """The error output of a command that fails after ``python`` was run in its process."""
    program = f"{python}\nfrom chatty.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=PATIENCE, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory, as far as the old SQLite's user knows."""
    data = tmp_path / "data"
    data.mkdir()
    with sqlite3.connect(data / "chatty.db") as db:
        db.execute("CREATE TABLE something (x)")
    db.close()
    return data


def commands(data: Path) -> list[list[str]]:
    return [
        ["serve", "--port", "0", "--data", str(data)],
        ["doctor", str(data)],
        ["backup", str(data.parent / "copy.db"), "--data", str(data)],
        ["restore", str(data / "chatty.db"), "--data", str(data)],
    ]


def test_this_python_has_all_that_is_needed() -> None:
    check_sqlite()
    assert sqlite3.sqlite_version_info >= LEAST


def test_an_old_sqlite_is_refused_by_every_command_that_uses_it(data: Path) -> None:
    before = {file: file.read_bytes() for file in data.iterdir()}
    for command in commands(data):
        said = chatty(OLD, *command)
        assert said.startswith("error: SQLite 3.34.1 is too old: chatty needs 3.35 or newer\nhint:  use a Python with ")
    assert {file: file.read_bytes() for file in data.iterdir()} == before


def test_a_server_with_an_old_sqlite_makes_no_directory(tmp_path: Path) -> None:
    chatty(OLD, "serve", "--port", "0", "--data", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("fts5(", "FTS5"),
        ("fts5vocab", "FTS5's vocabulary tables"),
        ("json_each", "the JSON functions"),
        (" OVER ", "window functions"),
    ],
)
def test_a_part_that_was_left_out_is_named(data: Path, word: str, part: str) -> None:
    said = chatty(WITHOUT.format(word=word), *commands(data)[0])
    version = sqlite3.sqlite_version
    assert said.startswith(f"error: SQLite {version} was built without {part} (no such thing: {word})\nhint:  use a")


def test_limits_that_are_too_low_are_named(data: Path) -> None:
    said = chatty(FEW_VARIABLES, *commands(data)[1])
    assert f"SQLite {sqlite3.sqlite_version} was built without 32766 variables in a statement\n" in said
    said = chatty("import sqlite3; sqlite3.threadsafety = 0", *commands(data)[1])
    assert f"SQLite {sqlite3.sqlite_version} was built without support for threads\n" in said


def test_a_python_without_sqlite_says_so(data: Path) -> None:
    said = chatty("import sys; sys.modules['_sqlite3'] = None", *commands(data)[0])
    assert said.startswith("error: this Python has no SQLite that it can use (")
    assert "\nhint:  use a Python that has it: " in said
