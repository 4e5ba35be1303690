"""What can be wrong with the data, and what SQLite's codes say about going on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chatty.server.settings import Fault


class StoreError(Fault):
    """The data cannot be used."""


class Unavailable(StoreError):
    """A transaction failed and was rolled back, and a later one may succeed: the disk is full, above all."""


RETRY: Final = frozenset({
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_NOMEM,
})  # fmt: skip
"""The transaction was rolled back and a later one may succeed: a full disk, above all.

Anything else stops the server. After a failed fsync above all: the kernel may have
dropped the pages and report success next time (https://lwn.net/Articles/752063/).
"""


def may_retry(error: sqlite3.Error) -> bool:
    """Whether a failed transaction says nothing against the next one."""
    return getattr(error, "sqlite_errorcode", None) in RETRY


RESTORE: Final = (
    "keep a copy of the data directory, run `chatty doctor` on it, and restore a backup with `chatty restore`"
)
"""What to do about damaged data."""

_PERMISSIONS: Final = "check the permissions of the directory and of its files"
_DISK: Final = "check the disk (its kernel log); what was acknowledged before is kept, start again afterwards"
_SPACE: Final = "free some space where the data is; if there is enough, check the disk (its kernel log)"
_KNOWN: Final = (
    ("SQLITE_CORRUPT", "the data is damaged", RESTORE),
    ("SQLITE_NOTADB", "the data is damaged", RESTORE),
    ("SQLITE_IOERR_FSYNC", "the disk failed to keep what was written", _DISK),
    ("SQLITE_IOERR_DIR_FSYNC", "the disk failed to keep what was written", _DISK),
    ("SQLITE_FULL", "the disk is full", "free some space where the data is"),
    ("SQLITE_IOERR_WRITE", "the disk takes nothing more", _SPACE),
    ("SQLITE_IOERR_SHMSIZE", "the disk takes nothing more", _SPACE),
    ("SQLITE_BUSY", "another program has locked the data", "end it, or wait for it"),
    ("SQLITE_CANTOPEN", "cannot open the data", _PERMISSIONS),
    ("SQLITE_READONLY", "cannot write the data", _PERMISSIONS),
    ("SQLITE_", "the store failed", "see the log; start again, and report it if it stays"),
)
"""How names of SQLite's codes begin, what they mean, and what to do."""


def explain(error: sqlite3.Error) -> StoreError:
    """What an error of SQLite's means for the data, and what to do about it: `Unavailable` if a retry may succeed."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    meaning, hint = next((meaning, hint) for begin, meaning, hint in _KNOWN if name.startswith(begin))
    kind = Unavailable if may_retry(error) else StoreError
    return kind(f"{meaning} ({name}: {error})", hint)


@contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as `StoreError`: nothing outside this package knows ``sqlite3``."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error) from error
