"""Hashes of a database's tables as they are at one moment, so that nodes can compare theirs."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chatty.server.platform.store.errors import translated

LOCAL: Final = frozenset({"probes"})
"""Tables that are about this machine."""
MOST_ROWS: Final = 500
"""Rows that are hashed at a time: other threads get their turns in between."""

_encode: Final = msgspec.msgpack.Encoder().encode


class TableHash(Struct, frozen=True):
    """How many rows a table has, and a hash over them in the order of its primary key."""

    rows: int
    hash: str


class Frozen:
    """A database as it was when this was made, whatever is written to it meanwhile."""

    def __init__(self, path: Path) -> None:
        """Call it in the thread that writes, between two transactions. Raises StoreError."""
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with translated():
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self._db.execute("BEGIN")
            (self.position,) = self._db.execute("SELECT max(position) FROM log").fetchone()

    def hashes(self) -> dict[str, TableHash]:
        """The hashes of all tables, by name, and the end of this. Call it in any thread. Raises StoreError."""
        with translated(), closing(self._db):
            tables = self._db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
            ).fetchall()
            return {name: self._hash(name) for (name,) in sorted(tables) if name not in LOCAL}

    def close(self) -> None:
        """It is not needed any more."""
        self._db.close()

    def _hash(self, table: str) -> TableHash:
        key = self._db.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,)).fetchall()
        order = ", ".join(f'"{name}"' for (name,) in key) or "rowid"
        rows, hashed = 0, hashlib.blake2b(digest_size=16)
        cursor = self._db.execute(f'SELECT * FROM "{table}" ORDER BY {order}')  # noqa: S608 - names from the schema
        while some := cursor.fetchmany(MOST_ROWS):
            rows += len(some)
            for row in some:
                hashed.update(_encode(row))
        return TableHash(rows, hashed.hexdigest())
