"""What can be wrong with the data, and what SQLite's codes say about going on."""

from __future__ import annotations

import sqlite3
from typing import Final

from chatty.errors import ChattyError


class Fault(ChattyError):
    """Why a server can't be, or can't go on. ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message, hint)

    def __str__(self) -> str:
        return str(self.args[0])


class StoreError(Fault):
    """The data cannot be used."""


class SettingError(Fault):
    """A setting that cannot be."""


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


def explain(error: sqlite3.Error) -> StoreError:
    """A fault after which the server must not go on, with what to do about it."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError(
            f"the data is damaged ({name}: {error})",
            "keep a copy of the data directory, run `chatty doctor` on it, and restore a backup",
        )
    if "FSYNC" in name:
        return StoreError(
            f"the disk failed to keep what was written ({name})",
            "check the disk (its kernel log); what was acknowledged before is kept, start again afterwards",
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"cannot open the data ({name}: {error})", "check the directory's permissions")
    return StoreError(f"the store failed ({name}: {error})", "see the log; start again, and report it if it stays")
