"""A full check of the data, for `chatty doctor` and before a backup is restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from chatty.events import Event
from chatty.protocol import decode_frame
from chatty.server.platform.store.data_directory import DATABASE, read_only_uri
from chatty.server.platform.store.database import check_length
from chatty.server.platform.store.errors import StoreError, explain
from chatty.server.platform.store.schema import ROOM_BITS, version
from chatty.server.platform.store.search.index import INDEX, is_ahead
from chatty.server.platform.store.sqlite_version import check_sqlite

MOST: Final = 100
"""Most findings that are reported, which is also the limit of SQLite's own check."""


def check(data: Path) -> list[str]:
    """Everything that is wrong with the data directory ``data``; empty if it is sound. Raises StoreError."""
    check_sqlite()
    database = data / DATABASE
    if not database.exists():
        return [f"there is no {DATABASE} in {data}"]
    found = examine(database)
    try:
        if not found and is_ahead(data / INDEX, database):
            found = ["the search index knows events that are missing here: was the database replaced by an older one?"]
    except StoreError as error:
        found = [str(error)]
    return found


def examine(database: Path) -> list[str]:
    """Everything that is wrong with a database: its structure, and if that is sound, its contents."""
    try:
        check_length(database)
        with closing(sqlite3.connect(read_only_uri(database), uri=True)) as db:
            db.execute("BEGIN")  # a consistent view, because a server may be writing
            if not version(db):
                return ["the database is empty"]
            found = [row[0] for row in db.execute(f"PRAGMA integrity_check({MOST})")]
            return list(islice(_contents(db), MOST)) if found == ["ok"] else found
    except sqlite3.Error as error:
        return [str(explain(error))]
    except StoreError as error:
        return [str(error)]


def _contents(db: sqlite3.Connection) -> Iterator[str]:
    """Check the contents, which only chatty can: events that are missing, or can't be read."""
    rooms = {key: (name, first) for key, name, first in db.execute("SELECT key, name, first FROM rooms")}
    here, name, due = 0, "", 0
    for key, body in db.execute("SELECT key, body FROM events ORDER BY key"):
        room, seq = key >> ROOM_BITS, key & ((1 << ROOM_BITS) - 1)
        if room not in rooms:
            yield f"event {seq} belongs to no room"
            continue
        if room != here:
            here, (name, due) = room, rooms[room]
        if seq > due:
            yield (
                f"room {name!r}: event {due} is missing"
                if seq == due + 1
                else (f"room {name!r}: events {due} to {seq - 1} are missing")
            )
        elif seq < due:
            yield f"room {name!r}: event {seq} should be gone"
        due = max(due, seq + 1)
        if not _is_event(body, seq):
            yield f"room {name!r}: event {seq} cannot be read"


def _is_event(body: bytes, seq: int) -> bool:
    try:
        event = decode_frame(body)
    except (msgspec.DecodeError, TypeError, UnicodeDecodeError):
        return False
    return isinstance(event, Event) and event.seq == seq
