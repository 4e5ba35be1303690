"""A data directory: who may use it, and whether what it should have is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from chatty.server.platform.faults import SettingError, StoreError


@contextlib.contextmanager
def locked(data: Path) -> Iterator[IO[str]]:
    """One user of a data directory at a time; gives its lock file. Whatever is made meanwhile is its owner's alone.

    Raises SettingError where it can't be used, or is in use.
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
                raise SettingError(
                    f"another server uses {data}", "stop it first, or give this one a --data directory of its own"
                ) from None
            yield lock
    finally:
        os.umask(before)


def check_that_it_is_there(database: Path, lock: IO[str]) -> None:
    """A database that was lost must not be taken for one that never was: the lock file remembers.

    Raises StoreError.
    """
    if lock.seek(0, os.SEEK_END) and not (database.exists() and database.stat().st_size):
        raise StoreError(
            f"the database {database} is gone, or empty",
            f"restore a backup: chatty restore BACKUP --data {database.parent};"
            f" to begin with nothing, remove {database.with_name('lock')} too",
        )
