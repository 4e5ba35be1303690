"""Facts become rows, in few statements.

Python's sqlite3 releases the GIL for every step of a statement, and beside a
busy event loop it can take a whole switch interval to get it back. So the
number of steps is what counts, and many rows are written in one.
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
    Created,
    Departed,
    Disconnected,
    Edited,
    Erased,
    Evicted,
    Fact,
    IdempotencyKeyUsed,
    Produced,
    Purged,
    Reacted,
    Renamed,
    Retimed,
    Retitled,
    Spoke,
    Trimmed,
    WentAway,
)
from chatty.server.business.state import Room, Scope
from chatty.server.platform.store.access import rows as access_rows
from chatty.server.platform.store.schema import KINDS, ROOM_BITS
from chatty.server.platform.store.times import correct_events

MOST_ROWS: Final = 512
"""Rows in one statement: 512 × 11 columns stay far below SQLite's 32,766 variables."""

_PAGE: Final = 4096
KIND_OF: Final[dict[type, int]] = {kind: KINDS[str(kind.__struct_config__.tag)] for kind in Event.__subclasses__()}
"""The store's number for each type of event."""


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
    """The changes of a batch that are not written yet.

    ``remembered`` counts the producers and idempotency keys in memory, and ``written_pages`` the pages of 4 KiB that
    went to the write-ahead log since its last checkpoint, roughly.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.remembered = 0
        self.written_pages = 0
        self._events: dict[int, list[Any]] = {}
        self._participants: dict[tuple[int, str], Room] = {}
        self._producers: dict[tuple[int, bytes, str], Produced] = {}
        self._idempotency_keys: list[Any] = []
        self._spoke: dict[tuple[int, bytes], Spoke] = {}
        self._rooms: dict[int, Room] = {}
        self._bytes = 0

    def clear(self) -> None:
        """Drop everything that is not written yet."""
        for changed in (
            self._events, self._participants, self._producers, self._idempotency_keys, self._spoke, self._rooms,
        ):  # fmt: skip
            changed.clear()
        self._bytes = 0

    def event(self, room: int, seq: int, kind: int, author: bytes | None, body: bytes) -> None:
        """An event, encoded as ``body``, happened in the room with the key ``room``."""
        rows = self._events.get(room)
        if rows is None:
            rows = self._events[room] = []
        # sqlite3 binds a bytearray at once. For each `bytes` it looks for an adapter (PEP 246) in three places, one of
        # which raises, and that takes half of the time that the insertion takes.
        rows += (room << ROOM_BITS | seq, kind, author and bytearray(author), bytearray(body))
        self._bytes += len(body) + 40

    def fact(self, room: Scope, fact: Fact) -> None:
        """``fact``, which is not an event, changed ``room``."""
        _WRITE[type(fact)](self, room, fact)

    def flush(self) -> None:
        """Write everything, in the order of the keys, so that a room's rows lie side by side."""
        if self._rooms:
            insert(self._db, "INSERT OR REPLACE INTO rooms", 11, self._room_rows())
        if self._events:
            values = [value for key in sorted(self._events) for value in self._events[key]]
            # OR ROLLBACK, because a failure ends the whole transaction anyway. So SQLite need not keep a journal of all
            # the pages that the statement touches, in a temporary file, to be able to undo this statement alone.
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
        if self._spoke:
            flat = [
                value for (room, key), fact in self._spoke.items() for value in (room, key, fact.at, fact.changed_at)
            ]
            insert(self._db, "INSERT OR REPLACE INTO spoke", 4, flat)
            self.remembered += len(self._spoke)
        touched = len(self._events) + len(self._participants) // 8 + len(self._producers) // 8
        self.written_pages += touched + self._bytes // _PAGE + (2 if touched or self._rooms else 0)
        self.clear()

    # --- facts: most are remembered until the batch is flushed; some change rows at once --------------------

    def _room_changed(self, room: Room, fact: Fact) -> None:
        self._rooms[room.key] = room

    def _closed(self, room: Room, fact: Closed) -> None:
        self._rooms[room.key] = room
        self._db.execute("DELETE FROM participants WHERE room = ?", (room.key,))

    def _trimmed(self, room: Room, fact: Trimmed) -> None:
        self._rooms[room.key] = room
        self._delete_events(room.key, below=room.first)

    def _purged(self, room: Room, fact: Purged) -> None:
        self._delete_room(room.key)
        access_rows.delete_rules(self._db, room.key, room.id)

    def _retimed(self, room: Room, fact: Retimed) -> None:
        self._rooms[room.key] = room
        self.flush()  # events may be in this batch
        self.written_pages += correct_events(self._db, room.key, room.first, fact) // _PAGE

    def _presence_changed(self, room: Room, fact: Connected | Disconnected | WentAway | Departed | Evicted) -> None:
        self._participants[room.key, fact.name_key] = room

    def _renamed(self, room: Room, fact: Renamed) -> None:
        self._participants[room.key, fact.name_key] = room
        self._participants[room.key, fact.new_key] = room

    def _produced(self, room: Room, fact: Produced) -> None:
        self._producers[room.key, fact.identity, fact.producer] = fact

    def _idempotency_key_used(self, room: Room, fact: IdempotencyKeyUsed) -> None:
        self._idempotency_keys += (room.key, fact.identity, fact.key, fact.digest, fact.seq, fact.at)

    def _spoke_in_turn(self, room: Room, fact: Spoke) -> None:
        self._spoke[room.key, fact.speaker] = fact

    def _message_changed(self, room: Room, fact: Amended | Edited | Erased | Reacted) -> None:
        self.flush()  # the message may be in this batch
        rewritten = _REWRITE[type(fact)](self._db, room.key << ROOM_BITS, fact)
        self.written_pages += 2 + rewritten // _PAGE

    def _rights_changed(self, scope: Scope, fact: Any) -> None:
        access_rows.WRITE[type(fact)](self._db, scope.key, fact)
        self.written_pages += 2

    # --- rows -----------------------------------------------------------------------------------------------

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
                there += (room_key, name_key, p.name, p.identity, p.trust, p.away, connections, p.skeleton, p.verified)
        insert(self._db, "INSERT OR REPLACE INTO participants", 9, there)
        if gone:
            self._db.executemany("DELETE FROM participants WHERE room = ? AND name_key = ?", gone)

    def _delete_events(self, room_key: int, *, below: int) -> None:
        low = room_key << ROOM_BITS
        high = low + below
        # Deleted rows are overwritten, so they go through the write-ahead log like new ones.
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
        for table in ("participants", "producers", "receipts", "spoke"):
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
    """Remove the text from the last edit of a message. The edit stays as an event."""
    last = db.execute("SELECT event FROM wordings WHERE message = ?", (message,)).fetchone()
    return _blank(db, last[0]) if last else 0


def _blank(db: sqlite3.Connection, key: int) -> int:
    row = db.execute("SELECT body FROM events WHERE key = ?", (key,)).fetchone()
    if row is None:  # it was forgotten with the events around it
        return 0
    db.execute("UPDATE events SET body = ? WHERE key = ?", (encode(replace(_decode_edit(row[0]), text="")), key))
    return len(row[0])


_decode_edit: Final = msgspec.json.Decoder(MessageEdited).decode
_REWRITE: Final[dict[type, Callable[[sqlite3.Connection, int, Any], int]]] = {
    Amended: _amend, Edited: _reword, Erased: _erase, Reacted: _react,
}  # fmt: skip
"""Facts that change a stored message; each function gives the number of bytes that it rewrote."""
_WRITE: Final[dict[type, Callable[[Rows, Any, Any], None]]] = {
    Created: Rows._room_changed,
    Retitled: Rows._room_changed,
    Closed: Rows._closed,
    Trimmed: Rows._trimmed,
    Purged: Rows._purged,
    Retimed: Rows._retimed,
    Connected: Rows._presence_changed,
    Disconnected: Rows._presence_changed,
    WentAway: Rows._presence_changed,
    Departed: Rows._presence_changed,
    Evicted: Rows._presence_changed,
    Renamed: Rows._renamed,
    Produced: Rows._produced,
    IdempotencyKeyUsed: Rows._idempotency_key_used,
    Spoke: Rows._spoke_in_turn,
    **dict.fromkeys(_REWRITE, Rows._message_changed),
    **dict.fromkeys(access_rows.WRITE, Rows._rights_changed),
}
