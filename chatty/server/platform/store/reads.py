"""The reading side of the database: short, read-only transactions in a few threads, a whole page at a time.

A page comes out of SQLite in one step (see rows.py for why): JSON holds no raw
newline, so a page of events is one text of lines.
"""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from chatty.digests import UNKNOWN
from chatty.events import LAST_MOMENT, rfc3339
from chatty.protocol import WELCOME_PARTICIPANTS, Present, RoomInfo
from chatty.server.business.access import Action, Standing
from chatty.server.business.entries import Rejection
from chatty.server.business.rights import OPERATOR, SERVER, Principal, Token
from chatty.server.platform.store.access.lookup import (
    SERVER_KEY,
    RulesCache,
    has_ended_rights,
    named,
    rulings,
    token_of_hash,
)
from chatty.server.platform.store.access.reads import AccessReads
from chatty.server.platform.store.errors import translated
from chatty.server.platform.store.loading import NOWHERE
from chatty.server.platform.store.schema import ROOM_BITS
from chatty.server.platform.store.threads import started_pool
from chatty.server.platform.store.times import Span, first_since, last_seq, newest_before, span_since

T = TypeVar("T")

THREADS: Final = 4
PAGE_BYTES: Final = 256 * 1024
STUCK_SECONDS: Final = 10.0
"""How long a read may take: they are short, each of them."""
MOST_AHEAD: Final = 1_000
"""Rooms whose times are looked at where a clock is doubted: more would tell nothing else."""


class RoomView(Struct, frozen=True):
    """A room as readers see it: its public information, and up to 200 of its participants' names.

    ``standing`` is that of the one who looks, as of the ruling with the number ``rulings``.
    """

    key: int
    info: RoomInfo
    closed_at: int
    names: list[str]
    standing: Standing
    rulings: int


class Slice(Struct, frozen=True):
    """Ascending events: their numbers, their JSON as it is sent, and whether the page ended because of its size.

    ``rulings``: up to which ruling anything had happened that it may show.
    """

    seqs: list[int]
    bodies: list[bytes]
    cut: bool = False
    rulings: int = 0


class Reads:
    """Reads from the store. Every method may raise StoreError."""

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._pool = started_pool(THREADS, "read")
        self._local = threading.local()
        self._asked_at: dict[Future[Any], float] = {}
        self._open: list[sqlite3.Connection] = []
        self.access = AccessReads(self._ask)

    def close(self) -> None:
        """Wait until everything is read that was asked for, and close."""
        self._pool.shutdown()
        for db in self._open:
            db.close()

    @property
    def is_answering(self) -> bool:
        """Whether no read takes too long: a disk that hangs, or a thread that is gone, lets it wait forever."""
        return time.monotonic() - min(list(self._asked_at.values()), default=math.inf) < STUCK_SECONDS

    async def room(self, room_id: str) -> RoomView | None:
        """The room as the server itself sees it, or None."""
        found = await self.enter(room_id, OPERATOR, Action.SEE, 0)
        return found if isinstance(found, RoomView) else None

    async def enter(self, room_id: str, who: Principal, action: Action, at: int) -> RoomView | Rejection:
        """The room, for ``who`` to do ``action`` there at ``at``, or why not."""
        return await self._ask(lambda db: self._enter(db, room_id, who, action, at))

    async def standing(self, who: Principal) -> Standing:
        """The standing of ``who`` on the server."""
        return await self._ask(lambda db: self._rules().standing(db, SERVER_KEY, SERVER, b"", who))

    async def bearer(self, hashed: bytes) -> tuple[Token, Principal] | None:
        """The token whose secret has this hash, and its bearer, under the name that is its own everywhere if any is."""

        def look(db: sqlite3.Connection) -> tuple[Token, Principal] | None:
            token = token_of_hash(db, hashed)
            return (token, named(db, token.identity)) if token else None

        return await self._ask(look)

    async def page(
        self,
        room_key: int,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 500,
        kinds: tuple[int, ...] = (),
        newest: bool = False,
        size: int = PAGE_BYTES,
    ) -> Slice:
        """At most ``limit`` events with ``after`` < seq < ``before``, the first or the ``newest`` of them.

        A page ends early when it has ``size`` bytes, but it has one event at least if there is one.
        """
        return await self._ask(lambda db: _page(db, room_key, after, before, limit, kinds, newest, size))

    async def messages(self, keys: Sequence[int], *, newest: bool = False, size: int = PAGE_BYTES) -> Slice:
        """The messages with these keys that still exist, as many of the first or the ``newest`` as fit."""
        return await self._ask(lambda db: _messages(db, keys, newest, size))

    async def message(self, room_key: int, seq: int) -> tuple[bytes, bytes]:
        """The author of the message with this number, and its JSON; both are empty if there is none."""
        if not 0 < seq < 1 << ROOM_BITS:  # the key would be another room's
            return b"", b""
        sql = "SELECT author, body FROM events WHERE key = ? AND kind = 0"
        row = await self._ask(lambda db: db.execute(sql, (room_key << ROOM_BITS | seq,)).fetchone())
        return (row[0] or b"", row[1]) if row else (b"", b"")

    async def last(self, room_key: int) -> int:
        """The number of the room's newest event."""
        return await self._ask(lambda db: last_seq(db, room_key))

    async def before_newest_messages(self, room_key: int, count: int, *, upto: int = (1 << ROOM_BITS) - 1) -> int:
        """The number of the message before the newest ``count`` up to event ``upto``; 0 if there is none."""
        low = room_key << ROOM_BITS
        before = await self._ask(lambda db: _number(
            db,
            "SELECT key FROM events WHERE key > ? AND key <= ? AND kind = 0 ORDER BY key DESC LIMIT 1 OFFSET ?",
            low, low + upto, count,
        ))  # fmt: skip
        return max(0, before - low)

    async def first_since(self, room_key: int, first: int, at: int) -> int:
        """The number of the first event at or after ``at`` (milliseconds), by bisection: times never run backwards."""
        return await self._ask(lambda db: first_since(db, room_key, first, rfc3339(at)))

    async def participants(self, room_key: int) -> list[Present]:
        """The participants by name, each of them here or away."""
        return await self._ask(
            lambda db: [
                Present(name, bool(away), bool(verified))
                for name, away, verified in db.execute(
                    "SELECT name, away, verified FROM participants WHERE room = ? ORDER BY name_key", (room_key,)
                ).fetchall()
            ]
        )

    async def accepted(self, room_key: int, identity: bytes, producer: str) -> tuple[int, bytes]:
        """The last number that the room accepted from a producer, and the digest of all up to there."""
        sql = "SELECT n, digest FROM producers WHERE room = ? AND identity = ? AND producer = ?"
        return await self._ask(lambda db: db.execute(sql, (room_key, identity, producer)).fetchone() or (0, UNKNOWN))

    async def away(self) -> list[tuple[str, str, int]]:
        """The participants that are away: the room's id, the name's key, and since when."""
        return await self._rows(
            "SELECT rooms.id, name_key, away FROM participants JOIN rooms ON rooms.key = room WHERE away > 0"
        )

    async def is_away(self, room_id: str, name_key: str, away: int) -> bool:
        """Whether a participant has been away since then."""
        return (room_id, name_key, away) in await self.away()

    async def lasting_rooms(self, name: str) -> list[str]:
        """The ids of the open rooms of this name that don't expire, the oldest first."""
        found = await self._rows(
            "SELECT id FROM rooms WHERE name = ? AND closed_at = 0 AND expires_at = 0 ORDER BY key", name
        )
        return [room_id for (room_id,) in found]

    async def has_rooms(self) -> bool:
        """Whether there is any open room."""
        return bool(await self._rows("SELECT 1 FROM rooms WHERE closed_at = 0 LIMIT 1"))

    async def has_rulings(self) -> bool:
        """Whether anybody has ever changed a right."""
        return await self._ask(lambda db: rulings(db) > 0)

    # --- for housekeeping -----------------------------------------------------------------------------------

    async def expired_rooms(self, now: int) -> list[str]:
        """The ids of rooms whose time has run out, and that are not closed yet."""
        found = await self._rows("SELECT id FROM rooms WHERE expires_at > 0 AND expires_at <= ? AND closed_at = 0", now)
        return [room_id for (room_id,) in found]

    async def rooms_closed_by(self, at: int) -> list[tuple[str, int]]:
        """Rooms that were closed at ``at`` or before: their ids and keys."""
        return await self._rows("SELECT id, key FROM rooms WHERE closed_at > 0 AND closed_at <= ?", at)

    async def has_older(self, producers_before: int, idempotency_keys_before: int, rights_before: int) -> bool:
        """Whether there are producers or idempotency keys from before these times, or rights that ended by then."""
        found = await self._rows(
            "SELECT EXISTS (SELECT 1 FROM producers WHERE at < ?) OR EXISTS (SELECT 1 FROM receipts WHERE at < ?)"
            " OR EXISTS (SELECT 1 FROM spoke WHERE max(at, changed_at) < ?)",
            producers_before, idempotency_keys_before, idempotency_keys_before,
        )  # fmt: skip
        return bool(found[0][0]) or await self._ask(lambda db: has_ended_rights(db, rights_before))

    async def rooms_with_events_before(self, at: int) -> list[tuple[str, int, int]]:
        """Rooms whose oldest event is from before ``at``: their ids, keys and first events' numbers.

        It is one query for all rooms, because most of them have nothing that is so old.
        """
        return await self._rows(
            "SELECT id, key, first FROM rooms WHERE json_extract(CAST((SELECT body FROM events"
            " WHERE events.key > rooms.key << ? AND events.key < (rooms.key + 1) << ? ORDER BY events.key LIMIT 1)"
            " AS TEXT), '$.at') < ?",
            ROOM_BITS, ROOM_BITS, rfc3339(at),
        )  # fmt: skip

    async def newest_events(self) -> list[tuple[str, int, int, int | None]]:
        """All rooms: their ids, keys and first events' numbers, and their newest events' keys if there are any."""
        return await self._rows(
            "SELECT id, key, first, (SELECT max(events.key) FROM events"
            " WHERE events.key > rooms.key << ? AND events.key < (rooms.key + 1) << ?) FROM rooms",
            ROOM_BITS, ROOM_BITS,
        )  # fmt: skip

    async def after_oldest(self, room_key: int, count: int, *, below: int) -> int | None:
        """The number of the event that follows a room's oldest ``count``; None unless it is less than ``below``."""
        low = room_key << ROOM_BITS
        found = await self._rows(
            "SELECT key - ? FROM events WHERE key > ? AND key < ? ORDER BY key LIMIT 1 OFFSET ?",
            low, low, low + below, count,
        )  # fmt: skip
        return found[0][0] if found else None

    async def newest(self) -> int:
        """The newest moment (milliseconds) that is stored, 0 without any."""
        return await self.newest_before(LAST_MOMENT)

    async def newest_before(self, before: int) -> int:
        """The newest moment from before ``before`` that is stored, 0 without any.

        If many rooms have something from there on, only some of those are looked at.
        """
        return await self._ask(lambda db: newest_before(db, before, MOST_AHEAD))

    async def span_since(self, since: int) -> Span | None:
        """The first and the last moment from ``since`` (milliseconds) on that rooms have; None without any."""
        return await self._ask(lambda db: span_since(db, since, MOST_AHEAD))

    # --- running queries ------------------------------------------------------------------------------------

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        return await self._ask(lambda db: db.execute(sql, values).fetchall())

    def _rules(self) -> RulesCache:
        """Those that this thread keeps."""
        rules: RulesCache | None = getattr(self._local, "rules", None)
        if rules is None:
            rules = self._local.rules = RulesCache()
        return rules

    def _enter(
        self, db: sqlite3.Connection, room_id: str, who: Principal, action: Action, at: int
    ) -> RoomView | Rejection:
        row = db.execute(
            "SELECT key, owner, name, topic, epoch, created_at, expires_at, closed_at, first FROM rooms WHERE id = ?",
            (room_id,),
        ).fetchone()
        # The same is read for a room that isn't there, so that nobody can tell it from one that is hidden.
        key, owner = row[:2] if row else (NOWHERE, b"")
        rules = self._rules()
        standing = rules.standing(db, key, room_id, owner, who)
        refused = standing.refusal(action, at)
        if row is None and (refused is None or refused.code != "unauthorized"):
            return standing.nothing_here()
        return refused or _view(db, room_id, row, standing, rules.rulings)

    async def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        answer = self._pool.submit(self._answer, question)
        self._asked_at[answer] = time.monotonic()
        answer.add_done_callback(self._asked_at.pop)
        return await asyncio.wrap_future(answer)

    def _answer(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with translated():
            db: sqlite3.Connection | None = getattr(self._local, "db", None)
            if db is None:
                db = self._local.db = sqlite3.connect(
                    self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5
                )
                self._open.append(db)
            db.execute("BEGIN")
            try:
                return question(db)
            finally:
                db.execute("COMMIT")


def _number(db: sqlite3.Connection, sql: str, *values: object) -> int:
    row = db.execute(sql, values).fetchone()
    return row[0] if row and row[0] is not None else 0


def _view(
    db: sqlite3.Connection, room_id: str, row: Sequence[Any], standing: Standing, ruled: int
) -> RoomView:  # fmt: skip
    key, _, name, topic, epoch, created_at, expires_at, closed_at, first = row
    count = _number(db, "SELECT count(*) FROM participants WHERE room = ?", key)
    names = db.execute(
        "SELECT group_concat(name, x'0a') FROM"
        " (SELECT name FROM participants WHERE room = ? ORDER BY name_key LIMIT ?)",
        (key, WELCOME_PARTICIPANTS),
    ).fetchone()[0]
    info = RoomInfo(
        id=room_id,
        name=name,
        topic=topic,
        created_at=rfc3339(created_at),
        epoch=epoch,
        first=first,
        last=last_seq(db, key),
        participant_count=count,
        expires_at=rfc3339(expires_at) if expires_at else None,
        closed_at=rfc3339(closed_at) if closed_at else None,
        slow=standing.rules.slow / 1000 or 0,  # the very object of the default, which is left out
    )
    return RoomView(key, info, closed_at, names.split("\n") if names else [], standing, ruled)


def _page(
    db: sqlite3.Connection,
    room_key: int,
    after: int,
    before: int | None,
    limit: int,
    kinds: tuple[int, ...],
    newest: bool,
    size: int,
) -> Slice:
    low = room_key << ROOM_BITS
    high = low + (1 << ROOM_BITS if before is None else before)
    only = f"AND kind IN ({','.join('?' * len(kinds))})" if kinds else ""
    return _slice(db, f"key > ? AND key < ? {only}", (low + after, high, *kinds), limit, size, newest=newest)


def _messages(db: sqlite3.Connection, keys: Sequence[int], newest: bool, size: int) -> Slice:
    which = "key IN (SELECT value FROM json_each(?)) AND kind = 0"
    return _slice(db, which, (json.dumps(list(keys)),), len(keys), size, newest=newest)


def _slice(
    db: sqlite3.Connection, which: str, values: Sequence[object], limit: int, size: int, *, newest: bool
) -> Slice:
    """A page is cut by lengths alone, which SQLite knows without reading the bodies, and those may be large."""
    order = "DESC" if newest else "ASC"
    seqs, bodies, cut, ruled = db.execute(
        f"""
        WITH wanted AS MATERIALIZED (
            SELECT key, length(body) AS size FROM events WHERE {which} ORDER BY key {order} LIMIT ?
        ), fitting AS (
            SELECT key FROM (SELECT key, sum(size) OVER (ORDER BY key {order}) - size AS before FROM wanted)
            WHERE before < ?
        )
        SELECT group_concat(key & ?, ','), group_concat(CAST(body AS TEXT), x'0a'),
            count(*) < (SELECT count(*) FROM wanted), coalesce((SELECT max(n) FROM audit), 0)
        FROM (SELECT key, body FROM events WHERE key IN fitting ORDER BY key)""",  # noqa: S608 - nothing of a user's
        (*values, limit, size, (1 << ROOM_BITS) - 1),
    ).fetchone()
    if seqs is None:
        return Slice([], [], rulings=ruled)
    return Slice([int(seq) for seq in seqs.split(",")], bodies.encode().split(b"\n"), bool(cut), ruled)
