"""Applying entries to the SQLite database, which is the only way in which the state changes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from chatty.protocol import MESSAGE_BYTES, encode
from chatty.server.business import entries
from chatty.server.business.entries import Change, Connect, Delete, Entry, Post, Rejection, Rename, Ruling
from chatty.server.business.facts import ERASING, Evicted, Granted, PolicySet, Renamed, Reserved, Restricted, WentAway
from chatty.server.business.moderation.restricting import evictions
from chatty.server.business.nodes import EndNode, Fingerprint, RaiseLevel, StartNode
from chatty.server.business.outcomes import Facts, Outcome
from chatty.server.business.rights import OPEN, SERVER
from chatty.server.business.room import decide
from chatty.server.business.rulings import rule
from chatty.server.business.state import SERVER_FACTS, Room, Scope, evolve
from chatty.server.memory_limit import PLENTY, Budget
from chatty.server.platform.store.access.loading import Rights, Rulings, names_of
from chatty.server.platform.store.access.rows import delete_ended
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.database import connect
from chatty.server.platform.store.errors import Unavailable, translated
from chatty.server.platform.store.ledger import Ledger, LogState, load_log_state, save_log_state
from chatty.server.platform.store.loading import (
    load_idempotency_key,
    load_producer,
    load_room,
    load_spoke,
    load_target,
)
from chatty.server.platform.store.rows import KIND_OF, Rows
from chatty.server.platform.store.times import correct_records, rooms_ahead, settled_at
from chatty.server.platform.store.write_ahead_log import WriteAheadLog

PROBE_PAGES: Final = 6
FAULTS: Final = (sqlite3.Error, MemoryError, RecursionError, OSError)
"""Errors of this machine, and not of an entry: another node may well apply it."""


class Store:
    """The writing side of the database. After `open`, a single thread uses it.

    1. `apply` commits all of a batch's entries, or raises and has changed nothing, in memory or on disk.
    2. When it returns, its results survive a crash and a power cut.
    3. The same entries give the same rows, in any batches.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_error: Callable[[BaseException], None],
        budget: Budget = PLENTY,
        replicated: bool = False,
    ) -> None:
        """``path`` is the database's file; ``on_error`` is called when a rule of business fails.

        ``replicated``: all entries come from a log that is durable elsewhere, so the second promise is that log's.
        """
        self._replicated = replicated
        self._results: list[bytes] | None = None
        self._budget = budget
        self.path = path
        self._on_error = on_error
        self._rooms: dict[str, Room] = {}

    def open(self) -> None:
        """Open, check and migrate the database. Raises StoreError with what to do."""
        with translated():
            self._db = connect(self.path, self._budget.page_cache, replicated=self._replicated)
            self._rows = Rows(self._db)
            self._wal = WriteAheadLog(self._db, self.path)
            self._rights = Rights(self._db)
            self._last_key = self._stored_last_key()

    def close(self) -> None:
        """Move the write-ahead log into the database and close it. On a full disk, everything stays in the log."""
        with contextlib.suppress(Unavailable), translated():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with translated():
            self._db.close()

    def log_state(self) -> LogState:
        """How far the log that this node shares with others is applied here."""
        return load_log_state(self._db)

    @property
    def erasures(self) -> int:
        """How many times texts were deleted for good. Any thread may ask, and may see what is not committed yet."""
        return self._wal.erasures

    def apply(self, batch: Sequence[Entry], ledger: Ledger | None = None) -> Applied:
        """Apply ``batch`` in one transaction, and keep in it what ``ledger`` says.

        Raises Unavailable when it could not be committed and a later one may be, and StoreError when the store
        can't go on.
        """
        applied, ends = Applied([], {}, []), []
        results = self._results = None if ledger is None else []
        with translated():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for entry in batch:
                    outcome = self._apply_one(entry, applied)
                    applied.outcomes.append(outcome)
                    if results is not None:
                        results.append(b"" if type(outcome) is tuple else encode(outcome))
                        ends.append(len(results))
                self._rows.flush()
                if ledger is not None and results is not None:
                    save_log_state(self._db, ledger(results, ends))
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
                who = entry.who
                author = who.identity
                rights = self._rights
                if room.access is not OPEN or who.token or rights.has_names or rights.server.access is not OPEN:
                    rights.load_for(room, who, entry.at)
                    if room.access.slow:
                        self._rows.remembered += load_spoke(self._db, room, who)
                if entry.n or entry.idempotency_key or entry.reply_to:
                    self._load_for(room, entry, entry.reply_to)
            elif isinstance(entry, Change):
                author = entry.who.identity
                names = names_of(room, entry) if type(entry) is Rename else ()
                self._rights.load_for(room, entry.who, entry.at, *names)
                if room.access.slow:
                    self._rows.remembered += load_spoke(self._db, room, entry.who)
                self._load_for(room, entry, getattr(entry, "of", 0))
                if type(entry) is Delete:
                    self._rights.load_for_deletion(room, entry.who)
            elif type(entry) is Connect:
                self._rights.load_for(room, entry.who, entry.at)
            outcome = decide(room, entry)
        except FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - if a rule fails, one entry is refused, and nothing has changed
            self._on_error(error)
            return Rejection("internal")
        if type(outcome) is tuple:
            self._accept(room, outcome, author, applied)
        return outcome

    def _accept(self, scope: Scope, accepted: Facts, author: bytes | None, applied: Applied) -> None:
        """Each fact changes the state in memory and the rows. Those that are events are also delivered."""
        results = self._results
        if results is not None:
            results.append(scope.id.encode())
        fact: Any  # types are compared, because isinstance is slow for msgspec's structs
        for fact in accepted:
            kind = type(fact)
            if kind is Evicted:
                self._rulings(applied).evicted |= scope.participants[fact.name_key].connections  # type: ignore[union-attr]
            number = KIND_OF.get(kind)
            evolve(scope if number is not None or kind not in SERVER_FACTS else self._rights.server, fact)
            if number is not None:
                body = encode(fact)
                self._rows.event(scope.key, fact.seq, number, author, body)
                new = applied.events.get(scope.id)
                if new is None:
                    applied.events[scope.id] = [(fact.seq, body, fact)]
                else:
                    new.append((fact.seq, body, fact))
                if results is not None:
                    results.append(body)
            else:
                if results is not None:
                    results.append(encode((kind.__name__, fact)))
                self._rows.fact(scope, fact)
                if kind in ERASING:
                    self._wal.note_erasure()
                elif kind is WentAway:
                    applied.away.append((scope.id, fact.name_key, fact.away))
                elif kind is Renamed:
                    who = scope.participants[fact.new_key]  # type: ignore[union-attr]
                    applied.renamed.append((scope.id, who.identity, fact.name_key, fact.name))

    def _rule(self, entry: Ruling, applied: Applied) -> Outcome:
        """A ruling, and at once the departure of those who may not stay because of it."""
        rights = self._rights
        scope = rights.server if entry.room == SERVER else self._room(entry.room)
        try:
            if isinstance(scope, Room):
                of = getattr(getattr(entry, "whom", None), "of", 0)
                numbers = entry.of if isinstance(entry, entries.DeleteMessages) else (of,)
                self._load_targets(scope, numbers, entry.who.identity)
            rights.load_for_ruling(scope, entry)
            outcome = rule(scope, entry)
        except FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._on_error(error)
            return Rejection("internal")
        if type(outcome) is tuple:
            self._accept(scope, outcome, entry.who.identity, applied)
            for fact in outcome:
                self._rulings(applied).note(scope, rights.server, fact)
            rights.note()
            named = tuple(fact for fact in outcome if isinstance(fact, Reserved))
            reserved = [fact.holder for fact in named]
            # An admission takes nothing from anybody, except a name. So a large room needs no second look.
            for room in self._affected(scope, named if type(entry) is entries.Admit else outcome):
                rights.load_for_all(room)
                self._accept(room, evictions(room, entry.at, reserved), None, applied)
        return outcome

    def _rulings(self, applied: Applied) -> Rulings:
        if applied.rulings is None:
            applied.rulings = Rulings()
        return applied.rulings

    def _affected(self, scope: Scope, outcome: Facts) -> list[Room]:
        """The rooms with participants who may not stay there because of a ruling."""
        found: dict[str, Room] = {}
        for fact in outcome:
            if isinstance(fact, Reserved):
                found |= self._inhabited("name_key = ? OR skeleton = ?", fact.name_key, fact.skeleton)
            elif not isinstance(fact, Granted | PolicySet | Restricted):
                continue
            elif isinstance(scope, Room):
                found[scope.id] = scope
            elif isinstance(fact, Granted):
                found |= self._inhabited("identity = ?", fact.identity)
            else:
                found |= self._inhabited("true")
        return [found[room_id] for room_id in sorted(found)]

    def _inhabited(self, by: str, *values: object) -> dict[str, Room]:
        """The rooms with such participants."""
        self._rows.flush()
        in_rooms = f"SELECT room FROM participants WHERE {by}"  # noqa: S608 - conditions of our own
        rows = self._db.execute(f"SELECT id FROM rooms WHERE key IN ({in_rooms})", values)  # noqa: S608 - as above
        return {room_id: self._room(room_id) for (room_id,) in rows.fetchall()}

    def _create(self, entry: entries.CreateRoom, applied: Applied) -> Outcome:
        room = self._room(entry.room)
        self._rights.load_for(self._rights.server, entry.creator, entry.at)
        if type(decide(room, entry)) is tuple:  # only then, because a key that was given out is never given out again
            room.key = self._last_key = self._last_key + 1
            self._rooms[room.id] = room
        return self._decide(room, entry, applied)

    def _end_incarnations(self, entry: StartNode | EndNode, applied: Applied) -> Outcome:
        rows = self._db.execute(
            "SELECT id FROM rooms WHERE key IN (SELECT room FROM participants WHERE instr(connections, ?)) ORDER BY id",
            (f'"{entry.node}/',),
        )
        for (room_id,) in rows.fetchall():
            self._decide(self._room(room_id), entry, applied)
        return ()

    def _purge(self, entry: entries.PurgeRoom, applied: Applied) -> Outcome:
        room = self._room(entry.room)
        outcome = self._decide(room, entry, applied)
        if not room.exists:
            self._rooms.pop(room.id, None)
            self._drop_loaded()  # of its tokens, none is left
        return outcome

    def _end(self, entry: entries.CloseRoom, applied: Applied) -> Outcome:
        room = self._room(entry.room)
        self._rights.load_standing(room, entry.who)
        return self._decide(room, entry, applied)

    def _probe(self, entry: entries.Probe, applied: Applied) -> Outcome:
        # As large as a message can be, because on a full disk an empty transaction would succeed.
        self._db.execute("INSERT OR REPLACE INTO probes VALUES (0, zeroblob(?))", (MESSAGE_BYTES,))
        self._rows.written_pages += PROBE_PAGES
        return ()

    def _correct_times(self, entry: entries.CorrectTimes, applied: Applied) -> Outcome:
        for ahead in rooms_ahead(self._db, entry.since):
            room = self._room(ahead.id)
            room.settled_at = settled_at(self._db, ahead, entry.since)
            self._decide(room, entry, applied)
        correct_records(self._db, entry.since, entry.by, entry.at)
        for room in self._rooms.values():
            room.spoke.clear()
        self._rows.written_pages += PROBE_PAGES
        return ()

    def _forget(self, entry: entries.Forget, applied: Applied) -> Outcome:
        self._db.execute("DELETE FROM producers WHERE at < ?", (entry.producers_before,))
        self._db.execute("DELETE FROM receipts WHERE at < ?", (entry.idempotency_keys_before,))
        self._db.execute("DELETE FROM spoke WHERE max(at, changed_at) < ?", (entry.idempotency_keys_before,))
        if entry.rights_before:
            delete_ended(self._db, entry.rights_before)
            # Memory must not know of anything that is gone: it would count again if a clock went back.
            self._rooms.clear()
            self._rights = Rights(self._db)
        self._drop_loaded()
        return ()

    # --- loading and dropping -------------------------------------------------------------------------------

    def _room(self, room_id: str) -> Room:
        return self._rooms.get(room_id) or self._load(room_id)

    def _load(self, room_id: str) -> Room:
        room = load_room(self._db, room_id, self._rights.server)
        if room.exists:
            self._rooms[room_id] = room
        return room

    def _load_for(self, room: Room, entry: Post | Change, of: int) -> None:
        """Load the state that the rules need for ``entry``, which is about the message ``of``, or 0 for none."""
        if entry.n:
            self._rows.remembered += load_producer(self._db, room, entry)
        elif type(entry) is Post and entry.idempotency_key:
            self._rows.remembered += load_idempotency_key(self._db, room, entry)
        if of:
            self._load_targets(room, (of,), entry.who.identity)

    def _load_targets(self, room: Room, numbers: Iterable[int], identity: bytes) -> None:
        room.targets.clear()
        for of in numbers:
            if 0 < of <= room.last:  # clients may send any number, and a key has no room for larger ones
                self._rows.flush()  # an earlier entry of the batch may have changed the message
                load_target(self._db, room, of, identity)

    def _drop_surplus(self) -> None:
        """Drop state from memory that can be loaded again."""
        if len(self._rooms) > self._budget.rooms:
            self._rooms.clear()
        if self._rows.remembered + self._rights.remembered > self._budget.rooms:
            self._drop_loaded()

    def _drop_loaded(self) -> None:
        """Drop the rows that entries were about."""
        self._rows.remembered = 0
        self._rights.drop()
        for room in self._rooms.values():
            room.producers.clear()
            room.idempotency_keys.clear()
            room.spoke.clear()
            room.grants.clear()
            room.decided.clear()

    def _forget_all(self) -> None:
        """Drop all state after a failure: memory must not know anything that is not on disk."""
        self._rooms.clear()
        self._rows.clear()
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._last_key = self._stored_last_key()
        self._rights = Rights(self._db)

    def _stored_last_key(self) -> int:
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rooms'").fetchone()
        return row[0] if row else 0


_RARE: Final[dict[type[Entry], Callable[[Store, Any, Applied], Outcome]]] = {
    entries.CreateRoom: Store._create,
    StartNode: Store._end_incarnations,
    EndNode: Store._end_incarnations,
    **dict.fromkeys((RaiseLevel, Fingerprint), lambda *_: ()),  # the log itself heeds these
    entries.PurgeRoom: Store._purge,
    entries.TrimRoom: lambda store, entry, applied: store._decide(store._room(entry.room), entry, applied),
    entries.CorrectTimes: Store._correct_times,
    entries.Forget: Store._forget,
    entries.Probe: Store._probe,
    entries.CloseRoom: Store._end,
    **dict.fromkeys(Ruling.__subclasses__(), Store._rule),
}
