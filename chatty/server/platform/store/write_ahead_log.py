"""The write-ahead log's length, and its checkpoints: when what it has is moved into the database.

One connection alone writes and makes checkpoints. A reader, such as a backup, a doctor or somebody's ``sqlite3``,
stands in the way of a checkpoint for as long as it reads, and the log grows meanwhile. Afterwards it is short again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Final

from chatty.server.platform.store.errors import explain, may_retry

BUSY_MS: Final = 5_000
"""How long the writer waits for a lock of another process, such as a backup's."""
CACHE: Final = -65_536
"""SQLite's cache for the writer: 64 MiB, which it counts in negative KiB."""

CHECKPOINT_PAGES: Final = 1_000
"""Pages (of 4 KiB) in the WAL at which a checkpoint no longer waits for a quiet moment: SQLite's own default.
Four times as many make each checkpoint, for which commits wait, twice as long, and messages no cheaper."""
QUIET_PAGES: Final = 250
LONG_PAGES: Final = 2 * CHECKPOINT_PAGES
"""Pages that it has only where a reader was in the way: then its file is made shorter."""
WAL_BYTES: Final = 4_000_000
"""The WAL's length from the start on: that of `CHECKPOINT_PAGES` pages, after which it is used again."""
LONG_BYTES: Final = 2 * WAL_BYTES
"""When it is used again, SQLite cuts it to so many bytes: also where no moment is ever quiet."""
EMPTY_SECONDS: Final = 2.0
"""How often the WAL is emptied at most: that takes a hundred times as long as a commit."""


class WriteAheadLog:
    """Of the one connection that writes, ``db``, to the database ``path``."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._erased = False
        self._long = False
        self._unfinished = True  # an earlier life's may be there, and a reader in the way
        self._emptied_at = -EMPTY_SECONDS

    def note_erasure(self) -> None:
        """It still has what was erased just now: it has to be emptied."""
        self._erased = True

    @property
    def wants_quiet(self) -> bool:
        """Whether there is something left to do in a quiet moment."""
        return self._erased or self._unfinished or self._long

    def is_due(self, pages: int, *, quiet: bool) -> bool:
        """Whether to make a checkpoint, ``pages`` after the last one: in a ``quiet`` moment sooner."""
        return pages >= (QUIET_PAGES if quiet else CHECKPOINT_PAGES) or (quiet and self.wants_quiet)

    def checkpoint(self, *, quiet: bool) -> bool:
        """Move the WAL into the database, as far as no reader needs it; False where the disk has no space for that.

        It is emptied, too, where something was erased, and in a ``quiet`` moment where it is long. Raises StoreError.
        """
        now = time.monotonic()
        try:
            if (self._erased or (quiet and self._long)) and now - self._emptied_at >= EMPTY_SECONDS:
                self._emptied_at = now
                if empty_wal(self._db, self._path):
                    self._erased = self._long = self._unfinished = False
            else:
                _, pages, moved = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._unfinished, self._long = moved < pages, pages > LONG_PAGES
        except sqlite3.Error as error:
            if not may_retry(error):
                raise explain(error) from error
            self._unfinished = True  # a full disk: the WAL has everything
            return False
        return True


def empty_wal(db: sqlite3.Connection, path: Path) -> bool:
    """Move the WAL into the database and leave nothing in it; False while a reader still needs it."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if not busy:
        _stretch_wal(db, path)
    return not busy


def _stretch_wal(db: sqlite3.Connection, path: Path) -> None:
    """Give the WAL its length now. To sync what was overwritten is one write to the disk; what made the file
    longer takes a second one, for its length, and that is a third of a commit's time.

    A transaction that is too large for the cache goes to the WAL before it ends; rolled back, it leaves room behind.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size >= WAL_BYTES:
        return
    db.execute("PRAGMA cache_size = 10")
    with contextlib.suppress(sqlite3.Error):  # a full disk: what it means, whoever writes will be told
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE room_for_the_wal (bytes BLOB)")
        db.execute("INSERT INTO room_for_the_wal VALUES (zeroblob(?))", (WAL_BYTES,))
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute(f"PRAGMA cache_size = {CACHE}")
