"""Checks that this Python's SQLite is new enough, and has all the parts that the store uses.

Python uses the system's SQLite. An old one would fail late, when acknowledged messages can't be read any more. So this
is checked before anything is touched.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Final

from chatty.server.platform.store.errors import StoreError

SQLITE: Final = sqlite3.sqlite_version
"""The version that this Python has."""
LEAST: Final = (3, 35, 0)
"""Pages of history are read by ``WITH … AS MATERIALIZED`` (3.35). The rest is older: window functions (3.25),
``ON CONFLICT DO UPDATE`` (3.24), and 32,766 variables in a statement (3.32)."""
MOST_VARIABLES: Final = 32_766
PARTS: Final = (
    ("FTS5", "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2', columnsize = 0)"),
    ("FTS5's vocabulary tables", "CREATE VIRTUAL TABLE vocabulary USING fts5vocab('words', 'instance')"),
    ("the JSON functions", "SELECT json_extract('[1]', '$[0]') FROM json_each('[1]')"),
    ("window functions", "SELECT sum(1) OVER (ORDER BY 1)"),
)
"""Parts that a build of SQLite may lack, and a statement that needs each of them."""

_HINT: Final = (
    "use a Python with another SQLite: the container image, or one from python.org or uv, which bring their own;"
    ' to see which it is: python -c "import sqlite3; print(sqlite3.sqlite_version)"'
)


def check_sqlite() -> None:
    """Raise StoreError for an SQLite that can't keep a server's data."""
    if sqlite3.sqlite_version_info < LEAST:
        least = ".".join(map(str, LEAST[:2]))
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: chatty needs {least} or newer", _HINT)
    if not sqlite3.threadsafety:
        raise _lacks("support for threads")
    with closing(sqlite3.connect(":memory:")) as db:
        if db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) < MOST_VARIABLES:
            raise _lacks(f"{MOST_VARIABLES} variables in a statement")
        for part, use in PARTS:
            try:
                db.execute(use).fetchall()
            except sqlite3.Error as error:
                raise _lacks(f"{part} ({error})") from error


def _lacks(part: str) -> StoreError:
    return StoreError(f"SQLite {sqlite3.sqlite_version} was built without {part}", _HINT)
