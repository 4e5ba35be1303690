"""A node's database as a snapshot: what others that share its log may begin with.

A snapshot is a copy of the database, compressed by gzip. It knows by itself which log it is of and how far that is
applied in it, so a node that has one goes on from there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import zlib
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from chatty.server.platform.store.data_directory import DATABASE, is_there, read_only_uri
from chatty.server.platform.store.database import check_length
from chatty.server.platform.store.disk import sync
from chatty.server.platform.store.errors import RESTORE, StoreError, translated
from chatty.server.platform.store.ledger import LogState, load_log_state
from chatty.server.platform.store.schema import version
from chatty.server.platform.store.search.index import remove_index

ASIDE: Final = "of-another-log"
"""The directory for a database of another log, which a node has set aside. There is room for one."""
FRESH: Final = "snapshot.db"
"""The name of a copy that is being made, or that is coming in."""
PACKED: Final = "snapshot.db.gz"
"""The name of a snapshot that is on its way out."""
GZIP: Final = 31
"""The size of zlib's window, and gzip's header."""
COMPRESSION: Final = 1
"""Higher levels take several times as long and save a tenth."""
STEP: Final = 1 << 20
"""Bytes that are copied or compressed at once."""
STEPS_IN: Final = 4 << 20
"""Bytes that come in until the disk has to have them. Somebody waits for this node."""
PAGE: Final = 4096
REST_SECONDS: Final = 0.1
SINCE: Final = 8
"""The schema's version since which a database may be of a log."""


def log_state(database: Path) -> LogState | None:
    """How far which log is applied in a database that nobody writes; None if there is no database.

    Raises StoreError if it can't be read.
    """
    if not is_there(database):
        return None
    check_length(database)
    with translated(), closing(sqlite3.connect(read_only_uri(database), uri=True)) as db:
        return load_log_state(db) if version(db) >= SINCE else LogState()


def copy(database: Path) -> Path:
    """Copy one moment of a database that may be in use, beside it, and check the copy.

    What was deleted is overwritten there, so the copy doesn't have it either. Raises StoreError, or OSError.
    """
    fresh = database.with_name(FRESH)
    discard(fresh)
    try:
        with (
            translated(),
            closing(sqlite3.connect(fresh, isolation_level=None)) as db,
            closing(sqlite3.connect(read_only_uri(database), uri=True, isolation_level=None)) as source,
        ):
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.execute(f"PRAGMA cache_size = {-STEP // 1024}")  # then it is written, and not at the end
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # now it has begun
            source.backup(db, pages=STEP // PAGE, progress=lambda *_: _write_back(fresh), sleep=0)
        with translated(), closing(sqlite3.connect(fresh)) as db:
            db.execute("PRAGMA journal_mode = DELETE")  # a single file
        check(fresh)
    except BaseException:
        discard(fresh)
        raise
    return fresh


def _write_back(file: Path) -> None:
    """Let the disk have what was written, and rest for as long as that took.

    If much waits to be written, the next one that syncs a message has to wait for all of it, on many file systems.
    """
    began = time.monotonic()
    sync(file)
    time.sleep(min(REST_SECONDS, time.monotonic() - began))


def _give_back(file: Path) -> None:
    """Empty a file in small steps: while much becomes free at once, others have to wait, too (see ext4's discard)."""
    for size in range(file.stat().st_size - STEP, 0, -STEP):
        os.truncate(file, size)
        _write_back(file)


def pack(database: Path, packed: Path) -> LogState:
    """Make a snapshot of a database that may be in use in the file ``packed``; gives what it is of.

    Raises StoreError or OSError.
    """
    fresh = copy(database)
    try:
        compress = zlib.compressobj(COMPRESSION, wbits=GZIP)
        with fresh.open("rb") as file, packed.open("wb") as out:
            while block := file.read(STEP):
                out.write(compress.compress(block))
                out.flush()
                _write_back(packed)
            out.write(compress.flush())
        state = log_state(fresh) or LogState()
        _give_back(fresh)
        return state
    except BaseException:
        packed.unlink(missing_ok=True)
        raise
    finally:
        discard(fresh)


def check(fresh: Path) -> LogState:
    """How far the log is applied in a snapshot. Raises StoreError if the snapshot is damaged, or none at all."""
    state = log_state(fresh) or LogState()
    with translated(), closing(sqlite3.connect(read_only_uri(fresh), uri=True)) as db:
        found = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise StoreError(f"the data is damaged: {found[0]}", RESTORE)
    return state


def discard(fresh: Path) -> None:
    """Remove a copy that is not needed any more."""
    for ending in ("", "-journal", "-wal", "-shm"):
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)


def put_in_place(fresh: Path, database: Path, *, keep: bool) -> None:
    """Put a snapshot in the place of a database that nobody has open.

    A database that is there already is set aside if ``keep`` says so. Otherwise it is removed: it has nothing that the
    snapshot lacks, but may have texts that are deleted by now. After a crash there is the one database, the other one,
    or none, and then the snapshot is fetched again. Raises OSError.
    """
    sync(fresh)
    if keep and is_there(database):
        set_aside(database)
    for ending in ("", "-wal", "-shm"):  # a write-ahead log that is left would be applied to the snapshot
        database.with_name(database.name + ending).unlink(missing_ok=True)
    remove_index(database.parent)
    fresh.rename(database)
    sync(database.parent)


def set_aside(database: Path) -> Path:
    """Move a database into a directory beside it, in the place of another one that may be there."""
    aside = database.with_name(ASIDE)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for ending in ("", "-wal", "-shm"):
        file = database.with_name(database.name + ending)
        if file.exists():
            file.rename(aside / f"{DATABASE}{ending}")
    sync(aside)
    return aside


class Decompressing:
    """Writes into a file what comes compressed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decompress = zlib.decompressobj(wbits=GZIP)
        self._waiting = 0

    def write(self, data: bytes) -> int:
        """Write the next bytes. Raises StoreError if they can't be what was compressed."""
        try:
            content = self._decompress.decompress(data)
        except zlib.error as error:
            raise StoreError(f"a snapshot is damaged: {error}", RESTORE) from error
        self._file.write(content)
        self._waiting += len(content)
        if self._waiting >= STEPS_IN:  # see `_write_back`
            self._waiting = 0
            self._file.flush()
            os.fsync(self._file.fileno())
        return len(data)

    @property
    def is_whole(self) -> bool:
        """Whether the end has come."""
        return self._decompress.eof
