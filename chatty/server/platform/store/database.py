"""Opening the database: commits have to be durable, the file undamaged, and not an older one than before."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import structlog

from chatty.server.memory_limit import PLENTY
from chatty.server.platform.store.errors import RESTORE, StoreError, retried_later
from chatty.server.platform.store.ledger import load_log_state
from chatty.server.platform.store.schema import begin_epochs, migrate, version
from chatty.server.platform.store.search.index import INDEX, is_ahead, remove_index
from chatty.server.platform.store.write_ahead_log import BUSY_MS, LONG_BYTES, empty_wal

QUICK_CHECK_BYTES: Final = 32 * 1024 * 1024
"""Up to this size the whole database is checked at the start, which takes some 0.1 s."""

_LOG = structlog.get_logger("chatty")


def connect(path: Path, page_cache: int = PLENTY.page_cache, *, replicated: bool = False) -> sqlite3.Connection:
    """The only connection that writes: with a write-ahead log, every commit synced, and checkpoints by hand.

    ``page_cache`` is SQLite's cache for it, in bytes. ``replicated``: a log elsewhere has every commit, so a power cut
    may take the newest ones from here.
    Raises StoreError for data that can't be used, and sqlite3.Error for errors of SQLite's own.
    """
    check_length(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        _prepare(db, path, page_cache, replicated=replicated)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, page_cache: int, *, replicated: bool) -> None:
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    version(db)  # before anything is changed, because it may be another program's
    durable = ("synchronous", "NORMAL", 1) if replicated else ("synchronous", "FULL", 2)
    for name, value, wanted in (("journal_mode", "WAL", "wal"), durable):
        db.execute(f"PRAGMA {name} = {value}")
        (got,) = db.execute(f"PRAGMA {name}").fetchone()
        if got != wanted:
            raise StoreError(
                f"SQLite keeps {name} at {got!r} here, not at {wanted!r}",
                "put the data on a local file system: without this an acknowledged message could be lost",
            )
    db.execute("PRAGMA fullfsync = ON")  # on macOS a plain fsync leaves data in the drive's cache
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute(f"PRAGMA journal_size_limit = {LONG_BYTES}")
    db.execute("PRAGMA secure_delete = ON")  # deleted data is overwritten, and not only out of sight
    db.execute(f"PRAGMA cache_size = {-(page_cache // 1024)}")  # which counts KiB below zero, and pages above
    if path.stat().st_size <= QUICK_CHECK_BYTES:
        found = [row[0] for row in db.execute("PRAGMA quick_check(5)")]
        if found != ["ok"]:
            raise _damaged("; ".join(found))
    migrate(db)
    if not replicated and load_log_state(db).generation:
        raise StoreError(
            f"the data in {path.parent} is of a cluster's node",
            "start it with the cluster's --log; or make it a server of its own: chatty cluster leave --help",
        )
    if is_ahead(path.with_name(INDEX), path):
        if replicated:
            remove_index(path.parent)  # the database gets the same events again, and a new index with them
        else:
            begin_epochs(db)
            _LOG.warning("the database was replaced by an older one, so every room has a new epoch")
    with retried_later():  # a full disk: the WAL stays as it is, and nothing is lost
        empty_wal(db, path)  # after a crash it may still hold data that was deleted just before


def check_length(path: Path) -> None:
    """Raise StoreError for a file that was cut short. SQLite only notices when it reads past the end."""
    wal = path.with_name(path.name + "-wal")
    if not path.exists() or not path.stat().st_size or (wal.exists() and wal.stat().st_size):
        return
    with path.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\0":
        raise _damaged("it is not an SQLite database")
    page = int.from_bytes(header[16:18]) or 1
    pages = int.from_bytes(header[28:32])
    if path.stat().st_size < pages * (65_536 if page == 1 else page):
        raise _damaged("the file is shorter than it says")


def _damaged(what: str) -> StoreError:
    return StoreError(f"the data is damaged: {what}", RESTORE)
