"""Errors of the store, and the meaning of SQLite's error codes: which of them allow the server to go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chatty.server.errors import Fault


class StoreError(Fault):
    """The data cannot be used."""


class Unavailable(StoreError):
    """A transaction was rolled back, and a later one may succeed. Mostly, the disk is full."""


RETRY: Final = frozenset({
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_NOMEM,
})  # fmt: skip
"""The transaction was rolled back, and a later one may succeed.

Anything else stops the server, most of all a failed fsync: the kernel may have
dropped the pages, and report success the next time (https://lwn.net/Articles/752063/).
"""


def may_retry(error: sqlite3.Error) -> bool:
    """Whether the next transaction may succeed although this one failed."""
    return getattr(error, "sqlite_errorcode", None) in RETRY


@contextmanager
def retried_later() -> Iterator[None]:
    """Pass over errors that `may_retry` allows, such as a full disk, because what fails here is done again later."""
    try:
        yield
    except sqlite3.Error as error:
        if not may_retry(error):
            raise


RESTORE: Final = (
    "keep a copy of the data directory, run `chatty doctor` on it, and restore a backup with `chatty restore`"
)
"""The advice for damaged data."""

_PERMISSIONS: Final = "check the permissions of the directory and of its files"
_DISK: Final = "check the disk and the kernel log, then start again; acknowledged messages are kept"
_SPACE: Final = "free some space where the data is; if there is enough, check the disk and the kernel log"
_KNOWN: Final = (
    ("SQLITE_CORRUPT", "the data is damaged", RESTORE),
    ("SQLITE_NOTADB", "the data is damaged", RESTORE),
    ("SQLITE_IOERR_FSYNC", "the disk failed to store data", _DISK),
    ("SQLITE_IOERR_DIR_FSYNC", "the disk failed to store data", _DISK),
    ("SQLITE_FULL", "the disk is full", "free some space where the data is"),
    ("SQLITE_IOERR_WRITE", "the disk cannot be written", _SPACE),
    ("SQLITE_IOERR_SHMSIZE", "the disk cannot be written", _SPACE),
    ("SQLITE_BUSY", "another program has locked the data", "end that program, or wait for it"),
    ("SQLITE_CANTOPEN", "cannot open the data", _PERMISSIONS),
    ("SQLITE_READONLY", "cannot write the data", _PERMISSIONS),
    ("SQLITE_", "the store failed", "see the log; start again, and report it if it happens again"),
)
"""Prefixes of SQLite's error names, their meanings, and advice."""


def explain(error: sqlite3.Error) -> StoreError:
    """An error of SQLite's as a StoreError with advice; it is `Unavailable` if a retry may succeed."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    meaning, hint = next((meaning, hint) for begin, meaning, hint in _KNOWN if name.startswith(begin))
    kind = Unavailable if may_retry(error) else StoreError
    return kind(f"{meaning} ({name}: {error})", hint)


@contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as `StoreError`, because nothing outside this package knows ``sqlite3``."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error) from error
