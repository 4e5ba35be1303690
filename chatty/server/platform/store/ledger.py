"""What a log that several nodes share keeps in each node's database: how far it is applied there, and by whom it was
written. It is committed in the transactions that apply the log, so nothing is ever applied twice or left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct, field

from chatty.server.platform.store.data_directory import is_there, read_only_uri


class Incarnation(Struct, frozen=True):
    """A node's newest incarnation, and the number of its last envelope that took effect."""

    id: str = ""
    n: int = 0
    ended: bool = False


class LogState(Struct, frozen=True):
    """Which log it is, its last message that is applied, a hash over all up to there, its level and its nodes."""

    generation: str = ""
    position: int = 0
    chain: bytes = b""
    level: int = 1
    nodes: Mapping[str, Incarnation] = field(default_factory=dict)


Ledger = Callable[[Sequence[bytes], Sequence[int]], LogState]
"""Gives what holds after a batch, of the nodes only those that it has changed. It is given all results of the batch,
which are rooms, facts there and refusals, and for each entry where its own results end.
"""


class Peeked(NamedTuple):
    """What a database that nobody has opened says. ``is_plain``: it holds something, and is not that of a log."""

    state: LogState
    is_plain: bool = False


_MADE: Final = ("rooms", "tokens", "names", "grants", "restrictions", "invitations", "audit")
"""The tables with what somebody has made."""


def peek(database: Path) -> Peeked:
    """How far the log is applied in the file ``database``, which may be missing, or of an earlier version."""
    if not is_there(database):
        return Peeked(LogState())
    try:
        with closing(sqlite3.connect(read_only_uri(database), uri=True)) as db:
            there = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            state = load_log_state(db) if "log" in there else LogState()
            asked = [f"EXISTS (SELECT 1 FROM {table})" for table in _MADE if table in there]  # noqa: S608
            (is_used,) = db.execute(f"SELECT {' OR '.join([*asked, '0'])}").fetchone()
            return Peeked(state, bool(is_used) and not state.generation)
    except sqlite3.Error:
        return Peeked(LogState())  # opening it says what is wrong


def load_log_state(db: sqlite3.Connection) -> LogState:
    """How far the log is applied in ``db``; position 0 of no log in a database that never had one."""
    row = db.execute("SELECT generation, position, chain, level FROM log").fetchone()
    nodes = db.execute("SELECT node, incarnation, n, ended FROM nodes")
    found = {node: Incarnation(incarnation, n, bool(ended)) for node, incarnation, n, ended in nodes}
    generation, position, chain, level = row or ("", 0, b"", 1)
    return LogState(generation, position, chain, level, found)


def save_log_state(db: sqlite3.Connection, state: LogState) -> None:
    """Keep ``state``, within the transaction that brought it about."""
    db.execute(
        "INSERT OR REPLACE INTO log VALUES (0, ?, ?, ?, ?)",
        (state.generation, state.position, state.chain, state.level),
    )
    rows = [(node, one.id, one.n, one.ended) for node, one in state.nodes.items()]
    db.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?)", rows)
