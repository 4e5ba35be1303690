"""Applying entries to the SQLite database, which is the only way in which the state changes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from chatty.digests import NOTHING_SAID, UNKNOWN
from chatty.events import Happening, Message
from chatty.protocol import MESSAGE_BYTES, encode
from chatty.server.business.entries import (
    Change,
    CorrectTimes,
    CreateRoom,
    Entry,
    Forget,
    Post,
    Probe,
    PurgeRoom,
    Rejection,
    StartNode,
    TrimRoom,
)
from chatty.server.business.facts import Erased, Produced, WentAway
from chatty.server.business.room import Outcome, decide
from chatty.server.business.state import Participant, Room, TargetMessage, evolve
from chatty.server.memory_limit import PLENTY, Budget
from chatty.server.platform.store.database import connect
from chatty.server.platform.store.errors import Unavailable, translated
from chatty.server.platform.store.rows import KIND_OF, Rows
from chatty.server.platform.store.schema import ROOM_BITS, decode_time
from chatty.server.platform.store.times import correct_records, rooms_ahead, settled_at
from chatty.server.platform.store.write_ahead_log import WriteAheadLog

StoredEvent = tuple[int, bytes, Happening]
"""An event: its number, its JSON as it is sent, and itself."""

PROBE_PAGES: Final = 6

_decode_connections = msgspec.json.Decoder(list[str]).decode
_decode_message = msgspec.json.Decoder(Message).decode


class Applied(Struct):
    """The results of a batch: each entry's outcome, the new events by room, and the participants that went away."""

    outcomes: list[Outcome]
    events: dict[str, list[StoredEvent]]
    away: list[tuple[str, str, int]]


class Store:
    """The writing side of the database. After `open`, a single thread uses it.

    1. `apply` commits all of a batch's entries, or raises and has changed nothing, in memory or on disk.
    2. When it returns, its results survive a crash and a power cut.
    3. The same entries give the same rows, in any batches.
    """

    def __init__(self, path: Path, *, on_error: Callable[[BaseException], None], budget: Budget = PLENTY) -> None:
        """``path`` is the database's file; ``on_error`` is called when a rule of business fails."""
        self._budget = budget
        self.path = path
        self._on_error = on_error
        self._rooms: dict[str, Room] = {}

    def open(self) -> None:
        """Open, check and migrate the database. Raises StoreError with what to do."""
        with translated():
            self._db = connect(self.path, self._budget.page_cache)
            self._rows = Rows(self._db)
            self._wal = WriteAheadLog(self._db, self.path)
            self._last_key = self._stored_last_key()

    def close(self) -> None:
        """Move the write-ahead log into the database and close it. On a full disk, everything stays in the log."""
        with contextlib.suppress(Unavailable), translated():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with translated():
            self._db.close()

    def apply(self, entries: Sequence[Entry]) -> Applied:
        """Apply ``entries`` in one transaction.

        Raises Unavailable when it could not be committed and a later one may be, and StoreError when the store
        can't go on.
        """
        applied = Applied([], {}, [])
        with translated():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                applied.outcomes = [self._apply_one(entry, applied) for entry in entries]
                self._rows.flush()
                self._db.execute("COMMIT")
            except BaseException:
                self._forget_all()
                raise
        self._drop_surplus()
        return applied

    def checkpoint(self, *, quiet: bool) -> bool:
        """Move the write-ahead log into the database when it has grown, earlier in a ``quiet`` moment.

        Gives whether the next quiet moment has something left to do, because a reader was in the way.
        """
        if self._wal.is_due(self._rows.written_pages, quiet=quiet) and self._wal.checkpoint(quiet=quiet):
            self._rows.written_pages = 0
        return self._wal.wants_quiet

    # --- one entry ------------------------------------------------------------------------------------------

    def _apply_one(self, entry: Entry, applied: Applied) -> Outcome:
        apply = _RARE.get(type(entry))
        if apply is not None:
            # These read or delete rows of many rooms, so the entries before them have to be rows.
            self._rows.flush()
            return apply(self, entry, applied)
        return self._decide(self._rooms.get(entry.room) or self._load(entry.room), entry, applied)

    def _decide(self, room: Room, entry: Entry, applied: Applied) -> Outcome:
        author = None
        try:
            if type(entry) is Post:
                author = entry.identity
                if entry.n or entry.idempotency_key or entry.reply_to:
                    self._load_for(room, entry, entry.reply_to)
            elif isinstance(entry, Change):
                author = entry.identity
                self._load_for(room, entry, getattr(entry, "of", 0))
            outcome = decide(room, entry)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - if a rule fails, one entry is refused, and nothing has changed
            self._on_error(error)
            return Rejection("internal")
        # Accepted: each fact changes the state in memory and the rows. Those that are events are also delivered.
        if type(outcome) is tuple:
            fact: Any  # types are compared, because isinstance is slow for msgspec's structs
            for fact in outcome:
                evolve(room, fact)
                kind = KIND_OF.get(type(fact))
                if kind is not None:
                    body = encode(fact)
                    self._rows.event(room.key, fact.seq, kind, author, body)
                    new = applied.events.get(room.id)
                    if new is None:
                        applied.events[room.id] = [(fact.seq, body, fact)]
                    else:
                        new.append((fact.seq, body, fact))
                else:
                    self._rows.fact(room, fact)
                    if type(fact) is Erased:
                        self._wal.note_erasure()
                    if type(fact) is WentAway:
                        applied.away.append((room.id, fact.name_key, fact.away))
        return outcome

    def _create(self, entry: CreateRoom, applied: Applied) -> Outcome:
        room = self._room(entry.room)
        if not room.exists:
            room.key = self._last_key = self._last_key + 1
            self._rooms[room.id] = room
        return self._decide(room, entry, applied)

    def _start_node(self, entry: StartNode, applied: Applied) -> Outcome:
        rows = self._db.execute(
            "SELECT id FROM rooms WHERE key IN (SELECT room FROM participants WHERE connections <> '[]') ORDER BY id"
        )
        for (room_id,) in rows.fetchall():
            self._decide(self._room(room_id), entry, applied)
        return ()

    def _purge(self, entry: PurgeRoom, applied: Applied) -> Outcome:
        room = self._room(entry.room)
        outcome = self._decide(room, entry, applied)
        if not room.exists:
            self._rooms.pop(room.id, None)
        return outcome

    def _trim(self, entry: TrimRoom, applied: Applied) -> Outcome:
        return self._decide(self._room(entry.room), entry, applied)

    def _probe(self, entry: Probe, applied: Applied) -> Outcome:
        # As large as a message can be, because on a full disk an empty transaction would succeed.
        self._db.execute("INSERT OR REPLACE INTO probes VALUES (0, zeroblob(?))", (MESSAGE_BYTES,))
        self._rows.written_pages += PROBE_PAGES
        return ()

    def _correct_times(self, entry: CorrectTimes, applied: Applied) -> Outcome:
        for ahead in rooms_ahead(self._db, entry.since):
            room = self._room(ahead.id)
            room.settled_at = settled_at(self._db, ahead, entry.since)
            self._decide(room, entry, applied)
        correct_records(self._db, entry.since, entry.by, entry.at)
        self._rows.written_pages += PROBE_PAGES
        return ()

    def _forget(self, entry: Forget, applied: Applied) -> Outcome:
        self._db.execute("DELETE FROM producers WHERE at < ?", (entry.producers_before,))
        self._db.execute("DELETE FROM receipts WHERE at < ?", (entry.idempotency_keys_before,))
        for room in self._rooms.values():
            room.producers.clear()
            room.idempotency_keys.clear()
        return ()

    # --- loading and dropping -------------------------------------------------------------------------------

    def _room(self, room_id: str) -> Room:
        return self._rooms.get(room_id) or self._load(room_id)

    def _load(self, room_id: str) -> Room:
        row = self._db.execute(
            "SELECT key, id, name, topic, epoch, owner, created_at, expires_at, closed_at, first, trimmed_at"
            " FROM rooms WHERE id = ?",
            (room_id,),
        ).fetchone()
        if row is None:
            return Room(0, room_id)
        room = Room(*row[:9])
        room.exists, room.first, room.last = True, row[9], row[9] - 1
        room.at = room.trimmed_at = row[10]
        # The newest event shows how far the room has got. If all events are forgotten, the room's own row does.
        newest = self._db.execute(
            "SELECT body FROM events WHERE key > ? AND key < ? ORDER BY key DESC LIMIT 1",
            (room.key << ROOM_BITS, (room.key + 1) << ROOM_BITS),
        ).fetchone()
        if newest is not None:
            event = decode_time(newest[0])
            room.last, room.at = event.seq, event.at
        for name_key, name, identity, resumable, away, connections in self._db.execute(
            "SELECT name_key, name, identity, returns, away, connections FROM participants WHERE room = ?", (room.key,)
        ):
            found = set(_decode_connections(connections))
            room.participants[name_key] = Participant(name, identity, bool(resumable), found, away)
            room.connections.update(dict.fromkeys(found, name_key))
        self._rooms[room_id] = room
        return room

    def _load_for(self, room: Room, entry: Post | Change, of: int) -> None:
        """Load the state that the rules need for ``entry``, which is about the message ``of``, or 0 for none."""
        if entry.n:
            self._load_producer(room, entry)
        elif type(entry) is Post and entry.idempotency_key:
            self._load_idempotency_key(room, entry)
        if of:
            self._load_target(room, of, entry)

    def _load_target(self, room: Room, of: int, entry: Post | Change) -> None:
        """Load the message as it is now: an earlier entry of the batch may have changed it."""
        room.targets.clear()
        if not 0 < of <= room.last:
            return  # clients may send any number, and a key has no room for larger ones
        self._rows.flush()
        key = room.key << ROOM_BITS | of
        row = self._db.execute("SELECT author, body FROM events WHERE key = ? AND kind = 0", (key,)).fetchone()
        if row:
            mine = self._db.execute(
                "SELECT reaction FROM reactions WHERE message = ? AND identity = ?", (key, entry.identity)
            ).fetchall()
            room.targets[of] = TargetMessage(
                _decode_message(row[1]), row[0], frozenset(reaction for (reaction,) in mine)
            )

    def _load_producer(self, room: Room, entry: Post | Change) -> None:
        key = (entry.identity, entry.producer)
        if key not in room.producers:
            row = self._db.execute(
                "SELECT n, at, digest, before FROM producers WHERE room = ? AND identity = ? AND producer = ?",
                (room.key, *key),
            ).fetchone()
            room.producers[key] = Produced(*key, *(row or (0, 0, NOTHING_SAID, UNKNOWN)))
            self._rows.remembered += 1

    def _load_idempotency_key(self, room: Room, entry: Post) -> None:
        key = (entry.identity, entry.idempotency_key)
        if key not in room.idempotency_keys:
            row = self._db.execute(
                "SELECT digest, seq FROM receipts WHERE room = ? AND identity = ? AND key = ?", (room.key, *key)
            ).fetchone()
            if row:
                room.idempotency_keys[key] = (row[0], row[1])
                self._rows.remembered += 1

    def _drop_surplus(self) -> None:
        """Drop state from memory that can be loaded again."""
        if len(self._rooms) > self._budget.rooms:
            self._rooms.clear()
        if self._rows.remembered > self._budget.rooms:
            self._rows.remembered = 0
            for room in self._rooms.values():
                room.producers.clear()
                room.idempotency_keys.clear()

    def _forget_all(self) -> None:
        """Drop all state after a failure: memory must not know anything that is not on disk."""
        self._rooms.clear()
        self._rows.clear()
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._last_key = self._stored_last_key()

    def _stored_last_key(self) -> int:
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rooms'").fetchone()
        return row[0] if row else 0


_RARE: Final[dict[type[Entry], Callable[[Store, Any, Applied], Outcome]]] = {
    CreateRoom: Store._create,
    StartNode: Store._start_node,
    PurgeRoom: Store._purge,
    TrimRoom: Store._trim,
    CorrectTimes: Store._correct_times,
    Forget: Store._forget,
    Probe: Store._probe,
}
