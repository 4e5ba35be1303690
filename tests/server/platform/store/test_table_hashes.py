"""Nodes compare their tables as they were at one moment, whatever is written meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from chatty.server.platform.store.database import connect
from chatty.server.platform.store.table_hashes import Frozen


def made(path: Path) -> Path:
    connect(path).close()
    return path


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)


def test_equal_tables_have_equal_hashes_and_a_row_that_was_tampered_with_shows_in_its_table_alone(
    tmp_path: Path,
) -> None:
    one, other = made(tmp_path / "one.db"), made(tmp_path / "other.db")
    for path in (one, other):
        change(path, "INSERT INTO log VALUES (0, 'generation', 17, x'00', 1)")
        change(path, "INSERT INTO nodes VALUES ('a', 'f2', 7, 0)")
    assert Frozen(one).hashes() == Frozen(other).hashes()
    change(other, "UPDATE nodes SET n = 8")
    ours, theirs = Frozen(one).hashes(), Frozen(other).hashes()
    assert {name for name in ours if ours[name] != theirs[name]} == {"nodes"}
    assert ours["nodes"].rows == theirs["nodes"].rows == 1


def test_it_is_the_moment_at_which_it_was_frozen(tmp_path: Path) -> None:
    path = made(tmp_path / "one.db")
    change(path, "INSERT INTO log VALUES (0, 'generation', 17, x'00', 1)")
    before = Frozen(path).hashes()
    frozen = Frozen(path)
    change(path, "UPDATE log SET position = 18")
    assert frozen.position == 17
    assert frozen.hashes() == before
    assert Frozen(path).hashes() != before


def test_the_order_in_which_rows_came_does_not_matter_nor_what_is_about_the_machine(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one.db"), made(tmp_path / "other.db")
    rows = ("INSERT INTO nodes VALUES ('a', 'f', 1, 0)", "INSERT INTO nodes VALUES ('b', 'g', 2, 1)")
    for path, statements in ((one, rows), (other, rows[::-1])):
        for statement in statements:
            change(path, statement)
    assert Frozen(one).hashes() == Frozen(other).hashes()
    assert "probes" not in Frozen(one).hashes()
