"""The data directory: one process at a time, files that are chatty's own, and a database that must not get lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from chatty.server.platform.store.errors import StoreError
from chatty.server.settings import SettingError

DATABASE: Final = "chatty.db"
"""The database's name within a data directory."""
ADDRESS: Final = "address"
"""The name of the file that says where the server listens."""


class InUse(SettingError):
    """Another process has locked the data directory."""


@contextlib.contextmanager
def locked(data: Path) -> Iterator[IO[str]]:
    """Lock a data directory for one process; gives its lock file. Files that are created meanwhile are private.

    Raises SettingError if the directory can't be used, `InUse` if another process has it.
    """
    before = os.umask(0o077)
    try:
        try:
            data.mkdir(parents=True, exist_ok=True)
            lock: IO[str] = (data / "lock").open("a+")
        except OSError as error:
            raise SettingError(f"cannot use {data} ({error.strerror})", "choose another --data directory") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse(
                    f"another server uses {data}", "stop it first, or give this one a --data directory of its own"
                ) from None
            except OSError as error:
                raise SettingError(
                    f"{data} cannot be locked against a second server ({error.strerror})",
                    "choose a --data directory on a local file system",
                ) from error
            yield lock
    finally:
        os.umask(before)


def is_there(database: Path) -> bool:
    """Whether there is a database, and not just an empty file."""
    return database.exists() and database.stat().st_size > 0


def check_not_lost(database: Path, lock: IO[str]) -> None:
    """Raise StoreError if the database is lost. The lock file remembers whether there was one."""
    if remembers_database(lock) and not is_there(database):
        raise StoreError(
            f"the database {database} is missing or empty",
            f"restore a backup: chatty restore BACKUP --data {database.parent};"
            f" to begin with nothing, remove {database.with_name('lock')} too",
        )


def remembers_database(lock: IO[str]) -> bool:
    """Whether there was a database already."""
    return lock.seek(0, os.SEEK_END) > 0


def remember_database(lock: IO[str]) -> None:
    """Let the lock file remember that there is a database, so that its loss is noticed."""
    if remembers_database(lock):
        return
    with contextlib.suppress(OSError):  # on a full disk the data can still be read
        os.write(lock.fileno(), b"There is a database beside this file, or its loss is to be noticed.\n")


@contextlib.contextmanager
def address_noted(data: Path, origin: str) -> Iterator[None]:
    """Note where the server listens while it does, for `chatty healthcheck`, which can't know its command line."""
    note = data / ADDRESS
    with contextlib.suppress(OSError):  # on a full disk the server's settings are all that a check has
        note.write_text(f"{origin}\n", "ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()


def noted_address(data: Path) -> str:
    """The origin of the server that listens for ``data``; "" if nothing is noted, or it can't be read."""
    try:
        return (data / ADDRESS).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def read_only_uri(database: Path) -> str:
    """The URI that opens a database for reading, leaves no file behind, and works on a read-only file system.

    Without a write-ahead log or a journal nobody has it open, so nothing needs to be locked.
    """
    file = database.resolve()
    used = any(file.with_name(file.name + ending).exists() for ending in ("-wal", "-journal"))
    return f"{file.as_uri()}?mode=ro{'' if used else '&immutable=1'}"


def is_ours(db: sqlite3.Connection, mark: int, tables: set[str]) -> bool:
    """Whether a database has chatty's ``mark``, or is from before there were marks and has ``tables``, or is empty."""
    (found,) = db.execute("PRAGMA application_id").fetchone()
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    return found == mark or (not found and (not there or tables <= there))
