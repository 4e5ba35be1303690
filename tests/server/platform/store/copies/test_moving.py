"""Between a server on its own and a cluster, nobody stays as a ghost, and the data stays what it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatty.server.business.entries import Connect
from chatty.server.business.rights import Trust
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.copies.moving import end_connections, join_log, leave_log
from chatty.server.platform.store.copies.restore import restore
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import Incarnation, LogState, peek, save_log_state
from tests.server.platform.conftest import AT, ROOM, Shelf
from tests.server.principals import speaker

OF_A_CLUSTER = LogState("a log", 7, b"chain", 3, {"a": Incarnation("one", 4)})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A server's, which was killed: a member of each kind is connected, by way of three nodes."""
    shelf = Shelf(tmp_path / DATABASE)
    shelf.apply(
        Connect(ROOM, AT, "local/1/1", speaker("Ada", b"a" * 16)),
        Connect(ROOM, AT, "a/1/1", speaker("Bob", b"b" * 16, Trust.NONE)),
        Connect(ROOM, AT, "b/1/1", speaker("Eve", b"e" * 16)),
    )
    shelf.close()
    return shelf.store.path


def asked(database: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as db:
        return db.execute(question).fetchall()


def be_of_a_cluster(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        save_log_state(db, OF_A_CLUSTER)


@pytest.mark.parametrize("is_of_a_cluster", [False, True])
def test_all_who_are_connected_are_away_or_leave(database: Path, is_of_a_cluster: bool) -> None:
    if is_of_a_cluster:
        be_of_a_cluster(database)
    end_connections(database)
    assert asked(database, "SELECT name, connections, away > 0 FROM participants ORDER BY name") == [
        ("Ada", "[]", 1), ("Eve", "[]", 1),
    ]  # fmt: skip
    assert not database.with_name(f"{DATABASE}-wal").exists()


def test_a_database_joins_a_log_at_its_level_and_leaves_it_as_it_was(database: Path) -> None:
    be_of_a_cluster(database)
    join_log(database, "another log")
    assert peek(database).state == LogState("another log", level=3)
    leave_log(database)
    assert peek(database).is_plain
    assert asked(database, "SELECT * FROM log") == asked(database, "SELECT * FROM nodes") == []


def test_a_server_on_its_own_refuses_a_nodes_data_and_changes_nothing(database: Path) -> None:
    be_of_a_cluster(database)
    store = Store(database, on_error=lambda _: None)
    with pytest.raises(StoreError, match="is of a cluster's node") as refused:
        store.open()
    assert "chatty cluster leave" in refused.value.hint
    assert peek(database).state == OF_A_CLUSTER


def test_a_backup_of_a_cluster_is_restored_to_a_server_on_its_own_without_ghosts(
    database: Path, tmp_path: Path
) -> None:
    be_of_a_cluster(database)
    restore(database, tmp_path / "data")
    restored = tmp_path / "data" / DATABASE
    assert peek(restored).is_plain
    assert asked(restored, "SELECT count(*) FROM participants WHERE connections <> '[]'") == [(0,)]
    store = Store(restored, on_error=lambda _: None)
    store.open()
    store.close()
