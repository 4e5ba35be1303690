"""Searching: a thread that keeps the index up to date with the store, and queries to it.

The index follows behind the writes, which it never holds up. A search waits
until the index has the messages that were there before it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import structlog

from chatty.errors import Refused
from chatty.server.platform.store.errors import may_retry
from chatty.server.platform.store.reads import RoomView
from chatty.server.platform.store.schema import ROOM_BITS
from chatty.server.platform.store.search.index import INDEX, Index
from chatty.server.platform.store.search.query import Wanted, match
from chatty.server.platform.store.threads import started_pool
from chatty.server.surroundings.best_effort import attempt

WAIT_SECONDS: Final = 2.0
"""How long a search waits for the index."""
LAG_SECONDS: Final = 1.0
"""How long events are collected while nobody searches, because large steps cost less than small ones."""
SWEEP_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 10.0
REST: Final = 1
"""How long the thread rests after a step while rooms are quiet, as a multiple of the processor time that it took."""
REST_BUSY: Final = 30
"""The same while rooms are busy, which come first."""
NICE: Final = 10
ROOMS: Final = 1_000
"""Rooms in one step."""
THREADS: Final = 2
"""Searches at the same time. They have threads of their own, so they don't hold up readers of history."""

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN})

_THIS_PROCESS: Final = secrets.token_hex(8)

_LOG = structlog.get_logger("chatty")


class Search:
    """The search index of a data directory. Its methods are for the event loop."""

    def __init__(self, database: Path) -> None:
        """``database`` is the store's file, which is already open; the index is beside it."""
        self.path = database.with_name(INDEX)
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._pool = started_pool(THREADS, "find")
        self._touched: set[str] = set()
        self._noted = self._covered = 0
        self._reached: dict[int, int] = {}
        self._waiting: dict[asyncio.Future[None], RoomView] = {}
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._damaged = False
        self._failed = -RETRY_SECONDS
        self._index: Index | None = None
        self._thread: threading.Thread | None = None
        self.keep_alive()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, without which nothing new can be found."""
        return self._thread is not None and self._thread.is_alive()

    def keep_alive(self) -> None:
        """Start its thread, unless it runs. Where that is refused, or it has ended, it is to be called again."""
        if not self.is_alive and not self._closing.is_set():
            thread = threading.Thread(target=self._run, name="search", daemon=True)
            if attempt("a thread for search", thread.start):
                self._thread = thread

    @property
    def lag(self) -> int:
        """About how many events the index is behind. It is exact whenever the index has caught up."""
        return max(0, self._noted - self._covered)

    def touch(self, room_ids: Iterable[str], events: int = 0) -> None:
        """Take note that something has happened in these rooms: so many ``events``."""
        self._noted += events
        self._touched.update(room_ids)  # atomic, like the thread's `pop`, so no lock is needed
        self._wake.set()

    async def find(
        self, room: RoomView, look_for: Wanted, *, after: int, before: int | None, limit: int, newest: bool
    ) -> list[int]:
        """The keys of at most ``limit`` messages with ``after`` < seq < ``before``, the first or the ``newest``.

        The keys ascend. Raises Refused while there is no index to ask.
        """
        if not room.info.last:
            return []  # nobody waits for the index then, and it may not exist yet
        self.keep_alive()
        if not self.is_alive:
            raise Refused("unavailable", "Search does not work at the moment; see the server's log.")
        await self._caught_up(room)
        low = room.key << ROOM_BITS
        high = low + (1 << ROOM_BITS if before is None else before)
        try:
            return await self._loop.run_in_executor(self._pool, self._ask, look_for, low + after, high, limit, newest)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
                raise
            if self._index is not None:  # otherwise the server has just started, and there is none yet
                self._damaged = True
                self._wake.set()
                self._hurry.set()
            raise Refused("unavailable", "The search index is being built; try again in a moment.") from None

    def _ask(self, look_for: Wanted, low: int, high: int, limit: int, newest: bool) -> list[int]:
        order = "DESC" if newest else "ASC"
        with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            asked = match(db, look_for)
            if not asked:
                return []
            (keys,) = db.execute(
                "SELECT group_concat(rowid) FROM (SELECT rowid FROM messages WHERE messages MATCH ?"  # noqa: S608
                f" AND rowid > ? AND rowid < ? ORDER BY rowid {order} LIMIT ?)",
                (asked, low, high, limit),
            ).fetchone()
        return sorted(map(int, keys.split(","))) if keys else []

    async def _caught_up(self, room: RoomView) -> None:
        """Wait until the index has everything that ``room`` shows, or for two seconds."""
        if self._reached.get(room.key, 0) >= room.info.last:
            return
        here = self._loop.create_future()
        self._waiting[here] = room
        self.touch([room.info.id])
        self._hurry.set()
        try:
            await asyncio.wait([here], timeout=WAIT_SECONDS)
        finally:
            del self._waiting[here]

    def _notify_waiting(self) -> None:
        for here, room in self._waiting.items():
            if not here.done() and self._reached.get(room.key, 0) >= room.info.last:
                here.set_result(None)

    async def close(self) -> None:
        """Stop, even in the middle of a step, which the next server does again."""
        self._closing.set()
        if (index := self._index) is not None:
            with suppress(sqlite3.ProgrammingError):  # it has just been closed
                index.interrupt()
        self._wake.set()  # last, because an idle index is to be sealed, and not interrupted
        self._hurry.set()
        if self._thread is not None:
            await self._loop.run_in_executor(self._pool, self._thread.join)
        self._pool.shutdown()

    # --- the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        if sys.platform == "linux":  # the only system where a thread has its own priority
            attempt(
                "a low priority for search", lambda: os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
            )
        while not self._closing.is_set():
            try:
                with closing(Index(self.path, self._database, _boot())) as index:
                    self._index = index
                    self._follow(index)
            except Exception as error:  # noqa: BLE001 - the index can be rebuilt, so the server goes on
                if not self._closing.is_set():
                    self._recover(error)
            finally:
                self._index = None

    def _recover(self, error: Exception) -> None:
        """Recover from a failure: by a pause, or by building a new index."""
        _LOG.warning("the search index is not updated", error=f"{type(error).__name__}: {error}")
        may_stay = isinstance(error, sqlite3.Error) and may_retry(error)
        if not may_stay:
            _LOG.warning("the search index is removed, and a new one is built", index=str(self.path))
            try:
                for ending in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            except OSError as problem:
                _LOG.warning("the search index cannot be removed", error=str(problem))
        self._reached.clear()
        self._damaged = False
        failed_before, self._failed = self._failed, time.monotonic()
        if may_stay or self._failed - failed_before < RETRY_SECONDS:
            self._closing.wait(RETRY_SECONDS)

    def _follow(self, index: Index) -> None:
        behind = index.behind()
        self._covered = self._noted - sum(behind.values())
        self._touched.update(behind)
        self._reached.update(index.positions())
        swept, more = 0.0, True
        while not self._closing.is_set():
            if self._damaged:
                raise sqlite3.DatabaseError("a search found that it is damaged or missing")
            self._wake.clear()
            now, spent = time.monotonic(), time.thread_time()
            more = self._take_in(index)
            if now - swept >= SWEEP_SECONDS:
                if self._sweep(index):
                    more = True
                else:
                    swept = now
            more = index.erase() or more
            if more:
                self._rest(time.thread_time() - spent)
            else:
                index.shorten_wal()
                self._hurry.wait(LAG_SECONDS)
                self._hurry.clear()
                self._wake.wait(SWEEP_SECONDS)
        if not more:
            index.seal()

    def _rest(self, spent: float) -> None:
        """Leave the processor to others, unless somebody waits. The last step took ``spent`` seconds of it."""
        if not self._waiting:
            self._closing.wait(spent * (REST_BUSY if self._wake.is_set() else REST))

    def _take_in(self, index: Index) -> bool:
        """Index the newest events; whether there are more already."""
        noted = self._noted
        rooms = [self._touched.pop() for _ in range(min(len(self._touched), ROOMS))]
        if not rooms:
            return False
        waited_for = {room.info.id for room in list(self._waiting.values())}
        rooms.sort(key=lambda room_id: room_id not in waited_for)
        try:
            reached, more = index.take_in(rooms)
        except BaseException:
            self._touched.update(rooms)
            raise
        if more:
            self._touched.update(rooms)
        taken = sum(seq - self._reached.get(room, 0) for room, seq in reached.items())
        self._reached.update(reached)
        more = more or len(rooms) == ROOMS
        # Events that are deleted before they are indexed are never taken. So it is counted anew where nothing is left.
        self._covered = self._covered + taken if more else noted
        if self._waiting:
            self._loop.call_soon_threadsafe(self._notify_waiting)
        return more

    def _sweep(self, index: Index) -> bool:
        """Remove rows that the store no longer has, some at a time; whether there were any."""
        room = index.sweep()
        if room is None:
            return False
        self._reached.pop(room, None)
        self._touched.update(index.behind())
        return True


def _boot() -> str:
    """An id of the machine's start if the system has one, otherwise of this process, which is only more careful."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:  # another system, or a sandbox
        return _THIS_PROCESS
