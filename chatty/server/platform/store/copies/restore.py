"""Replacing the data by a backup, for `chatty restore`."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from chatty.server.platform.store.copies.carrying_over import Carried, Tokens, Undecided, carry_over
from chatty.server.platform.store.copies.moving import end_connections, leave_log
from chatty.server.platform.store.data_directory import DATABASE, is_there, locked, read_only_uri
from chatty.server.platform.store.database import check_length
from chatty.server.platform.store.disk import sync
from chatty.server.platform.store.doctor import examine
from chatty.server.platform.store.errors import RESTORE, StoreError, explain
from chatty.server.platform.store.ledger import peek
from chatty.server.platform.store.schema import begin_epochs, migrate
from chatty.server.platform.store.search.index import remove_index
from chatty.server.platform.store.sqlite_version import check_sqlite


class Restored(NamedTuple):
    """The number of rooms in the backup, and the directory with the previous data, if there was any.

    ``rights`` are the tokens that count now. ``warning`` names a step that is left to be done by hand, if there is one.
    """

    rooms: int
    replaced: Path | None
    warning: str = ""
    rights: Carried = Carried(0, 0)


def restore(backup: Path, data: Path, tokens: Tokens | None = None) -> Restored:
    """Put a copy of ``backup`` into ``data``, and keep the previous data beside it. No server may be running there.

    Every room gets a new epoch, because the numbers since the backup are given out again. Rights that somebody lost
    since stay lost; ``tokens`` says what counts instead, see `carrying_over`. Raises StoreError, or SettingError if
    ``data`` can't be used; then nothing has changed.
    """
    check_sqlite()  # before anything is made in ``data``
    with locked(data) as lock, TemporaryDirectory(prefix="restoring-", dir=data) as scratch:
        fresh = Path(scratch) / DATABASE
        present = data / DATABASE
        rooms, rights = prepare(backup, fresh, present if is_there(present) else None, tokens)
        leave_log(fresh)
        sync(fresh)
        replaced = _set_aside(data)
        # If it crashes here, there is no database, and a server notices that. There is no old WAL either, which would
        # be applied to the new database.
        fresh.rename(data / DATABASE)
        sync(data)
        remove_index(data)
        kept = (data / DATABASE, Path(lock.name), *([replaced] if replaced else []))
        return Restored(rooms, replaced, _give_to_owner(kept, data), rights)


def _give_to_owner(files: Iterable[Path], data: Path) -> str:
    """Give root's new files to the owner of ``data``, as whom the server may run; a warning if that fails."""
    if os.geteuid() == 0:
        owner = data.stat()
        for file in files:
            try:
                os.chown(file, owner.st_uid, owner.st_gid)
            except OSError as error:  # a container without that right, or a network file system
                return f"{file} is root's, and can't be given to user {owner.st_uid} ({(error.strerror or '').lower()})"
    return ""


def prepare(
    backup: Path, fresh: Path, present: Path | None, tokens: Tokens | None, unknown: str = ""
) -> tuple[int, Carried]:
    """Create ``fresh`` from a backup, and give the number of its rooms, and the tokens that count in it.

    For ``present``, ``tokens`` and ``unknown`` see `carry_over`. Raises StoreError.
    """
    check_sqlite()
    if not backup.exists():
        raise StoreError(f"there is no backup {backup}", "name a database, such as backup.db")
    try:
        check_length(backup)
        rooms, rights = _copy(backup, fresh, present, tokens, unknown)
        if peek(fresh).state.generation:
            end_connections(fresh)
        return rooms, rights
    except (StoreError, sqlite3.Error) as error:
        if isinstance(error, Undecided):
            raise
        fault = explain(error) if isinstance(error, sqlite3.Error) else error
        if fault.hint != RESTORE:  # a full disk, for instance, is not the backup's fault
            raise fault from error
        what = f"{backup} can't be restored: {str(fault).replace('the data is', 'it is', 1)}"
        raise StoreError(what, "choose another one; nothing was changed") from error


def _copy(backup: Path, fresh: Path, present: Path | None, tokens: Tokens | None, unknown: str) -> tuple[int, Carried]:
    with closing(sqlite3.connect(fresh, isolation_level=None, uri=True)) as db:
        with closing(sqlite3.connect(read_only_uri(backup), uri=True)) as source:
            source.backup(db)
        db.execute("PRAGMA journal_mode = DELETE")  # a single file, even if the backup has a WAL
        if found := examine(fresh):
            raise StoreError(found[0], RESTORE)
        migrate(db)
        rights = carry_over(db, present, time.time_ns() // 1_000_000, tokens, unknown)
        return begin_epochs(db), rights


def _set_aside(data: Path) -> Path | None:
    """Move the database and its WAL, if there are any, into a directory of their own."""
    there = [file for ending in ("", "-wal", "-shm") if (file := data / f"{DATABASE}{ending}").exists()]
    if not there:
        return None
    number = 1
    while (replaced := data / f"replaced-{number}").exists():
        number += 1
    replaced.mkdir()
    for file in there:
        file.rename(replaced / file.name)
    sync(replaced)
    return replaced
