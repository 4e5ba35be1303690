"""Backups for `chatty backup`: made while a server runs, checked, and put into place as a whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from chatty.server.platform.store.data_directory import DATABASE, read_only_uri
from chatty.server.platform.store.database import check_length
from chatty.server.platform.store.disk import sync
from chatty.server.platform.store.doctor import examine
from chatty.server.platform.store.errors import RESTORE, StoreError, explain
from chatty.server.platform.store.search.index import INDEX
from chatty.server.platform.store.sqlite_version import check_sqlite
from chatty.server.settings import SettingError

PAGES: Final = 4_096
"""The pages of a step of copying. Between two of them a signal can end it."""


class Backup(NamedTuple):
    """The number of rooms in a backup, and its size in bytes."""

    rooms: int
    size: int


def back_up(data: Path, target: Path, *, replace: bool = False) -> Backup:
    """Put a copy of the database in ``data`` into the file ``target``, readable by its owner alone.

    All of the copy is of one moment, even if a server writes meanwhile. It is checked as `chatty doctor` would, and is
    ``target`` only when it is on the disk. Raises SettingError for a ``target`` that can't be, and StoreError if the
    data is missing or damaged or the copy can't be written; then ``target`` is as it was.
    """
    check_sqlite()
    database = data / DATABASE
    if not database.exists():
        raise StoreError(f"there is no {DATABASE} in {data}", "name the server's data directory: --data DIRECTORY")
    check_target(target, data, replace=replace)
    with beside(target) as fresh:
        try:
            check_length(database)
            _copy(database, fresh)
            made = examined(fresh)
        except sqlite3.Error as error:
            raise _explained(error, target) from error
        sync(fresh)
        put(fresh, target, replace=replace)
        sync(target.parent)
        return made


def examined(fresh: Path) -> Backup:
    """Check a copy as `chatty doctor` would. Raises StoreError, or sqlite3.Error."""
    if problems := examine(fresh):
        raise StoreError(f"the data is not sound: {problems[0]}", RESTORE)
    with closing(sqlite3.connect(read_only_uri(fresh), uri=True)) as db:
        (rooms,) = db.execute("SELECT count(*) FROM rooms").fetchone()
    return Backup(rooms, fresh.stat().st_size)


def check_target(target: Path, data: Path, *, replace: bool) -> None:
    """Raise SettingError if ``target`` can't become a backup of ``data``."""
    if target.is_dir():
        raise SettingError(f"{target} is a directory", f"name a file: {target / 'chatty-backup.db'}")
    endings = ("", "-wal", "-shm", "-journal")
    own = {data / f"{name}{ending}" for name in (DATABASE, INDEX) for ending in endings} | {data / "lock"}
    if target.resolve() in {file.resolve() for file in own}:
        raise SettingError(f"{target} is part of the data itself", "choose another file, best on another disk")
    if target.exists() and not target.is_file():
        raise SettingError(f"{target} is not a file", "name a file, which is replaced as a whole")
    if target.exists() and not replace:
        raise _exists(target)


def _exists(target: Path) -> SettingError:
    return SettingError(f"{target} already exists", "choose another name, or replace it with --force")


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A new file in the directory of ``target``, which is gone afterwards unless it was moved. Raises SettingError."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
    except OSError as error:
        hint = "choose another file, in a directory that is there and can be written"
        raise SettingError(f"{target} cannot be written ({(error.strerror or str(error)).lower()})", hint) from error
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        for ending in ("", "-journal"):
            Path(f"{name}{ending}").unlink(missing_ok=True)


def _copy(database: Path, fresh: Path) -> None:
    """Copy one moment of ``database``. The read that holds that moment ends with the copying, before any check."""
    with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
        with closing(sqlite3.connect(read_only_uri(database), uri=True, isolation_level=None)) as source:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # now it has begun
            # Without a callback, signals would wait for the end. Without the transaction, each step would see new data.
            source.backup(db, pages=PAGES, progress=_between_steps, sleep=0)
        db.execute("PRAGMA journal_mode = DELETE")  # a single file


def _between_steps(*_: int) -> None:
    """Nothing is to be done, but here Python notices signals."""


def put(fresh: Path, target: Path, *, replace: bool) -> None:
    """Let ``fresh`` be ``target``, which must not be there unless it is to be replaced. Raises SettingError."""
    if replace:
        fresh.replace(target)
        return
    try:
        os.link(fresh, target)  # unlike a rename, it replaces nothing that has come there meanwhile
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without links
        if target.exists():
            raise _exists(target) from None
        fresh.rename(target)


def _explained(error: sqlite3.Error, target: Path) -> StoreError:
    fault = explain(error)
    if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):
        return StoreError(f"{target} cannot be written: {fault}", "free some space there, or choose another disk")
    return fault
