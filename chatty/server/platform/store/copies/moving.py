"""Between a server on its own and a cluster: what changes in a database that nobody has open."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from chatty.server.business.nodes import StartNode
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import translated
from chatty.server.platform.store.ledger import LogState, load_log_state, peek, save_log_state


def end_connections(database: Path) -> None:
    """All who are connected go, as when their server starts again: the nodes that they came to may never do so.

    Raises StoreError.
    """
    with translated(), closing(sqlite3.connect(database)) as db:
        nodes = {
            connection.partition("/")[0]
            for (connections,) in db.execute("SELECT connections FROM participants")
            for connection in json.loads(connections)
        }
    store = Store(database, on_error=_raise, replicated=bool(peek(database).state.generation))
    store.open()
    try:
        at = time.time_ns() // 1_000_000
        store.apply([StartNode("", at, node, "none of them") for node in sorted(nodes)])
    finally:
        store.close()


def _raise(error: BaseException) -> None:
    raise error


def join_log(database: Path, generation: str) -> None:
    """From here on the database is that of a node, before the first message of a log. Raises StoreError."""
    with translated(), closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        level = load_log_state(db).level  # which what is stored may need
        _forget_log(db)
        save_log_state(db, LogState(generation, level=level))
        db.execute("COMMIT")


def leave_log(database: Path) -> None:
    """From here on the database is that of a server on its own. Raises StoreError."""
    with translated(), closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        _forget_log(db)
        db.execute("COMMIT")


def _forget_log(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM log")
    db.execute("DELETE FROM nodes")
