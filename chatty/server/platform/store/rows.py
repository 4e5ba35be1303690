"""Facts as rows, in few statements.

Python's sqlite3 gives up the GIL for every step of a statement, and beside a
busy event loop each retake can cost a switch interval: what counts is the
number of steps, so many rows travel in one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from chatty.events import Event, MessageEdited
from chatty.protocol import encode
from chatty.server.business.facts import (
    Amended,
    Closed,
    Connected,
    Departed,
    Disconnected,
    Edited,
    Erased,
    Fact,
    IdempotencyKeyUsed,
    Produced,
    Purged,
    Reacted,
    Renamed,
    Trimmed,
    WentAway,
)
from chatty.server.business.state import Room
from chatty.server.platform.store.schema import KINDS, ROOM_BITS

MOST_ROWS: Final = 512
"""Rows in one statement: 512 × 7 columns stay far below SQLite's 32,766 variables."""

_PAGE: Final = 4096
KIND_OF: Final[dict[type, int]] = {kind: KINDS[str(kind.__struct_config__.tag)] for kind in Event.__subclasses__()}
"""Types of events, as the store numbers them."""


@lru_cache(maxsize=256)
def _statement(head: str, width: int, rows: int) -> str:
    one = "(" + ",".join("?" * width) + ")"
    return f"{head} VALUES {','.join([one] * rows)}"


def insert(db: sqlite3.Connection, head: str, width: int, values: Sequence[Any]) -> None:
    """Run ``head VALUES (…),(…)…`` over ``values``, a flat list of rows of ``width``.

    Rows go in chunks of powers of two, so that few statements exist and all stay prepared.
    """
    at, rows = 0, len(values) // width
    while rows:
        chunk = min(1 << (rows.bit_length() - 1), MOST_ROWS)
        db.execute(_statement(head, width, chunk), values[at : at + chunk * width])
        at += chunk * width
        rows -= chunk


class Rows:
    """What a batch has changed and not yet written. ``remembered`` counts producers and idempotency keys in memory."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.remembered = 0
        self.written_pages = 0
        self._events: dict[int, list[Any]] = {}
        self._participants: dict[tuple[int, str], Room] = {}
        self._producers: dict[tuple[int, bytes, str], Produced] = {}
        self._idempotency_keys: list[Any] = []
        self._rooms: dict[int, Room] = {}
        self._bytes = 0

    def clear(self) -> None:
        """Forget what was not written."""
        for changed in (self._events, self._participants, self._producers, self._idempotency_keys, self._rooms):
            changed.clear()
        self._bytes = 0

    def event(self, room: int, seq: int, kind: int, author: bytes | None, body: bytes) -> None:
        """An event, encoded as ``body``, happened in the room with the key ``room``."""
        rows = self._events.get(room)
        if rows is None:
            rows = self._events[room] = []
        # As bytearrays: Python's sqlite3 binds them at once, but for each `bytes` it looks for an adapter (PEP 246)
        # in three places, one of which raises: half of what the insertion takes.
        rows += (room << ROOM_BITS | seq, kind, author and bytearray(author), bytearray(body))
        self._bytes += len(body) + 40

    def fact(self, room: Room, fact: Fact) -> None:
        """``fact`` changed ``room``."""
        kind = type(fact)
        if kind is Produced:
            self._producers[room.key, fact.identity, fact.producer] = fact  # type: ignore[union-attr,assignment]
        elif kind is IdempotencyKeyUsed:
            self._idempotency_keys += (room.key, fact.identity, fact.key, fact.digest, fact.seq, fact.at)  # type: ignore[union-attr]
        elif kind in _PRESENCE:
            self._participants[room.key, fact.name_key] = room  # type: ignore[union-attr]
        elif kind is Renamed:
            self._participants[room.key, fact.name_key] = room  # type: ignore[union-attr]
            self._participants[room.key, fact.new_key] = room  # type: ignore[union-attr]
        elif kind in _OF_MESSAGES:
            self.flush()
            self.written_pages += 2 + _OF_MESSAGES[kind](self._db, room.key << ROOM_BITS, fact) // _PAGE
        elif kind is Trimmed:
            self._rooms[room.key] = room
            self._delete_events(room.key, below=room.first)
        elif kind is Purged:
            self._delete_room(room.key)
        else:
            self._rooms[room.key] = room
            if kind is Closed:
                self._db.execute("DELETE FROM participants WHERE room = ?", (room.key,))

    def flush(self) -> None:
        """Write all of it, in the order of the keys: rows of a room lie side by side."""
        if self._rooms:
            insert(self._db, "INSERT OR REPLACE INTO rooms", 11, self._room_rows())
        if self._events:
            values = [value for key in sorted(self._events) for value in self._events[key]]
            # ROLLBACK: a failure ends the whole transaction anyway, and SQLite need not keep a journal of every page
            # that the statement touches, in a temporary file, to undo it alone.
            insert(self._db, "INSERT OR ROLLBACK INTO events", 4, values)
        if self._participants:
            self._flush_participants()
        if self._producers:
            flat = [
                value
                for (room, identity, producer), fact in self._producers.items()
                for value in (room, identity, producer, fact.n, fact.at, fact.digest, fact.before)
            ]
            insert(self._db, "INSERT OR REPLACE INTO producers", 7, flat)
            self.remembered += len(self._producers)
        if self._idempotency_keys:
            insert(self._db, "INSERT INTO receipts", 6, self._idempotency_keys)
            self.remembered += len(self._idempotency_keys) // 6
        touched = len(self._events) + len(self._participants) // 8 + len(self._producers) // 8
        self.written_pages += touched + self._bytes // _PAGE + (2 if touched or self._rooms else 0)
        self.clear()

    def _room_rows(self) -> list[Any]:
        flat: list[Any] = []
        for r in self._rooms.values():
            flat += (r.key, r.id, r.name, r.topic, r.epoch, r.owner, r.created_at, r.expires_at, r.closed_at)
            flat += (r.first, r.trimmed_at)
        return flat

    def _flush_participants(self) -> None:
        there: list[Any] = []
        gone: list[tuple[int, str]] = []
        for (room_key, name_key), room in self._participants.items():
            p = room.participants.get(name_key)
            if p is None:
                gone.append((room_key, name_key))
            else:
                connections = encode(sorted(p.connections)).decode()
                there += (room_key, name_key, p.name, p.identity, p.resumable, p.away, connections)
        insert(self._db, "INSERT OR REPLACE INTO participants", 7, there)
        if gone:
            self._db.executemany("DELETE FROM participants WHERE room = ? AND name_key = ?", gone)

    def _delete_events(self, room_key: int, *, below: int) -> None:
        low = room_key << ROOM_BITS
        high = low + below
        # What is deleted is overwritten, so it goes through the WAL as what is new does.
        (size,) = self._db.execute(
            "SELECT total(length(body) + 40) FROM events WHERE key >= ? AND key < ?", (low, high)
        ).fetchone()
        self.written_pages += int(size) // _PAGE
        for (event,) in self._db.execute(
            "SELECT event FROM wordings WHERE message >= ? AND message < ? AND event >= ?", (low, high, high)
        ).fetchall():
            _blank(self._db, event)
        self._db.execute("DELETE FROM events WHERE key >= ? AND key < ?", (low, high))
        for table in ("wordings", "reactions"):
            self._db.execute(f"DELETE FROM {table} WHERE message >= ? AND message < ?", (low, high))  # noqa: S608

    def _delete_room(self, room_key: int) -> None:
        self._delete_events(room_key, below=1 << ROOM_BITS)
        for table in ("participants", "producers", "receipts"):
            self._db.execute(f"DELETE FROM {table} WHERE room = ?", (room_key,))  # noqa: S608 - names of our own
        self._db.execute("DELETE FROM rooms WHERE key = ?", (room_key,))


def _amend(db: sqlite3.Connection, low: int, fact: Amended) -> int:
    body = encode(fact.message)
    db.execute("UPDATE events SET body = ? WHERE key = ?", (body, low | fact.message.seq))
    return len(body)


def _reword(db: sqlite3.Connection, low: int, fact: Edited) -> int:
    size = _unsay(db, low | fact.of)
    db.execute("INSERT OR REPLACE INTO wordings VALUES (?, ?)", (low | fact.of, low | fact.seq))
    return size


def _erase(db: sqlite3.Connection, low: int, fact: Erased) -> int:
    size = _unsay(db, low | fact.of)
    db.execute("DELETE FROM wordings WHERE message = ?", (low | fact.of,))
    db.execute("DELETE FROM reactions WHERE message = ?", (low | fact.of,))
    return size


def _react(db: sqlite3.Connection, low: int, fact: Reacted) -> int:
    if fact.removed:
        sql = "DELETE FROM reactions WHERE message = ? AND identity = ? AND reaction = ?"
    else:
        sql = "INSERT INTO reactions VALUES (?, ?, ?)"
    db.execute(sql, (low | fact.of, fact.identity, fact.reaction))
    return 0


def _unsay(db: sqlite3.Connection, message: int) -> int:
    """The last edit of a message stays as an event, without the text that it brought."""
    last = db.execute("SELECT event FROM wordings WHERE message = ?", (message,)).fetchone()
    return _blank(db, last[0]) if last else 0


def _blank(db: sqlite3.Connection, key: int) -> int:
    row = db.execute("SELECT body FROM events WHERE key = ?", (key,)).fetchone()
    if row is None:  # forgotten with the events of its time
        return 0
    db.execute("UPDATE events SET body = ? WHERE key = ?", (encode(replace(_decode_edit(row[0]), text="")), key))
    return len(row[0])


_OF_MESSAGES: Final[dict[type, Callable[[sqlite3.Connection, int, Any], int]]] = {
    Amended: _amend, Edited: _reword, Erased: _erase, Reacted: _react,
}  # fmt: skip
"""Facts that change what is stored; each gives the bytes that it rewrote."""
_decode_edit: Final = msgspec.json.Decoder(MessageEdited).decode
_PRESENCE: Final = frozenset({Connected, Disconnected, WentAway, Departed})
