"""The write-ahead log: its length, and its checkpoints, which move its contents into the database.

Only one connection writes and makes checkpoints. A reader, such as a backup, a doctor or somebody's ``sqlite3``, is in
the way of checkpoints while it reads, and the log grows meanwhile. Afterwards it is made short again.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from chatty.server.platform.store.errors import explain, may_retry, retried_later

BUSY_MS: Final = 5_000
"""How long the writer waits for a lock of another process, such as a backup's."""

CHECKPOINT_PAGES: Final = 1_000
"""Pages (of 4 KiB) in the WAL at which a checkpoint no longer waits for a quiet moment; this is SQLite's default.
With four times as many, each checkpoint, for which commits wait, takes twice as long, and messages cost the same."""
QUIET_PAGES: Final = 250
LONG_PAGES: Final = 2 * CHECKPOINT_PAGES
"""The WAL only gets this long if a reader was in the way. Then its file is made shorter."""
WAL_BYTES: Final = 4_000_000
"""The WAL's length from the start on: `CHECKPOINT_PAGES` pages, after which it is overwritten from the beginning."""
LONG_BYTES: Final = 2 * WAL_BYTES
"""SQLite cuts the WAL to this length before it overwrites it, so even a server that is never quiet has a limit."""
EMPTY_SECONDS: Final = 2.0
"""The shortest time from one emptying of the WAL to the next: it takes a hundred times as long as a commit."""


class WriteAheadLog:
    """The write-ahead log of the database ``path``, for its only writing connection ``db``."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._erased = False
        self.erasures = 0
        self._long = False
        self._unfinished = True  # an earlier process may have left one, and a reader may be in the way
        self._emptied_at = -EMPTY_SECONDS

    def note_erasure(self) -> None:
        """Something was erased, and the log still holds it, so it has to be emptied."""
        self._erased = True
        self.erasures += 1

    @property
    def wants_quiet(self) -> bool:
        """Whether there is something left to do in a quiet moment."""
        return self._erased or self._unfinished or self._long

    def is_due(self, pages: int, *, quiet: bool) -> bool:
        """Whether it is time for a checkpoint, ``pages`` after the last one; earlier in a ``quiet`` moment."""
        return pages >= (QUIET_PAGES if quiet else CHECKPOINT_PAGES) or (quiet and self.wants_quiet)

    def checkpoint(self, *, quiet: bool) -> bool:
        """Move the WAL into the database, as far as no reader needs it; False if the disk is too full.

        After an erasure it is emptied as well, and in a ``quiet`` moment if it is long. Raises StoreError.
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
            self._unfinished = True  # a full disk: everything is still in the WAL
            return False
        return True


def empty_wal(db: sqlite3.Connection, path: Path) -> bool:
    """Move the WAL into the database, and leave it empty; False while a reader still needs it."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if not busy:
        _stretch_wal(db, path)
    return not busy


def _stretch_wal(db: sqlite3.Connection, path: Path) -> None:
    """Give the WAL its full length now.

    A sync of overwritten data is one write to the disk. If the file has grown, its new length is a second write,
    which takes a third of a commit's time. The length comes from a transaction that is too large for the cache: it
    goes to the WAL before it ends, and when it is rolled back, the file stays as long as it is.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size >= WAL_BYTES:
        return
    (cache,) = db.execute("PRAGMA cache_size").fetchone()
    db.execute("PRAGMA cache_size = 10")
    with retried_later():  # a full disk, which the next writer will report
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE room_for_the_wal (bytes BLOB)")
        db.execute("INSERT INTO room_for_the_wal VALUES (zeroblob(?))", (WAL_BYTES,))
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute(f"PRAGMA cache_size = {cache}")
