"""When snapshots are taken, and how far the stream may be purged then.

Snapshots are for disk space, and so that deleted texts leave the stream: replaying
all of it would be fast enough for a long time. The node whose turn it is does it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final, Protocol

import nats.errors
import structlog
from msgspec import Struct
from nats.aio.msg import Msg

from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.jetstream.bucket import Bucket, Snapshot
from chatty.server.platform.pipeline.log.jetstream.connection import (
    STREAM,
    SUBJECT,
    Connection,
    Refusal,
    StreamInfo,
)
from chatty.server.platform.pipeline.log.jetstream.snapshots import take
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import StoreError

TURN: Final = "snapshots"
"""For the order in which nodes take turns at it."""
ASK: Final = "chatty.snapshot"
"""The subject on which a fresh snapshot can be asked for. The answer is its position."""

FILE_BYTES: Final = 9 << 20
"""More than a server of NATS writes into one file of a stream: 8 MiB, or 2 if it encrypts them."""
FILLER_BYTES: Final = 512 * 1024
FILLER_PAUSE_SECONDS: Final = 0.05
PURGE_BYTES: Final = 4 << 20
"""What is purged at once, which takes some 10 ms."""

_LOG = structlog.get_logger("chatty")


class Policy(Struct, frozen=True, kw_only=True):
    """When a snapshot is due. Times are in seconds."""

    messages: int = 1_000_000
    bytes: int = 256 << 20
    """The log's length since the last snapshot."""
    day: float = 86_400.0
    erasure: float = 600.0
    """After a deletion. What is deleted meanwhile goes with it."""
    start: float = 60.0
    """After the start of a node, which can't know whether something was deleted shortly before that."""
    look: float = 5.0
    """Between two looks whether one is due."""
    patience: float = 60.0
    """With nodes that are behind, before the log is purged."""
    share: float = 0.1
    """The share of the time that snapshots after deletions may take."""


class SharedLog(Protocol):
    """What is asked of a node's log."""

    @property
    def position(self) -> int:
        """The last message of the log that is applied here."""

    def rank(self, room: str) -> int:
        """Which turn this node has at something; 0: the first."""


class Keeper:
    """Takes snapshots of this node's database when they are due, if it is this node's turn."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        log: SharedLog,
        replicas: int,
        someone_is_behind: Callable[[int], bool],
        policy: Policy | None = None,
    ) -> None:
        """Create it when the node has caught up with the log. ``someone_is_behind`` is that of `Peers`."""
        self._someone_is_behind = someone_is_behind
        self._connection, self._store, self._log, self._replicas = connection, store, log, replicas
        self._policy = policy or Policy()
        self._bucket = Bucket(connection)
        self._loop = asyncio.get_running_loop()
        self._taking = asyncio.Lock()
        self._seen, self._is_fresh = store.erasures, False
        self._erased_at = log.position  # for all it knows
        self._erase_from: float | None = self._loop.time() + self._policy.start
        self._rest_until = 0.0
        self._asked: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look again and again whether a snapshot is due. Runs until it is cancelled."""
        await self._connection.client.subscribe(ASK, cb=self._on_ask)
        while True:
            await asyncio.sleep(self._policy.look)
            self._note_erasures()
            if self._log.rank(TURN) == 0:
                await self._attempt(self.look)

    async def _attempt(self, work: Callable[[], object]) -> None:
        try:
            await work()  # type: ignore[misc]
        except (nats.errors.Error, Refusal, TimeoutError, OSError, StoreError) as error:
            _LOG.warning("no snapshot can be taken; it is tried again", error=str(error) or type(error).__name__)

    def _note_erasures(self) -> None:
        seen, self._seen = self._seen, self._store.erasures
        if self._seen != seen:
            self._is_fresh = True
            due = self._loop.time() + self._policy.erasure
            self._erase_from = due if self._erase_from is None else min(due, self._erase_from)
        elif not self._is_fresh:
            return
        else:
            self._is_fresh = False  # by now it is committed, and delivered
        self._erased_at = self._log.position

    async def look(self) -> None:
        """Take a snapshot if it is due, and remove what is not needed any more. Raises as `take` does."""
        info = await self._connection.info()
        if info is None or info.last == 0:
            return
        found = await self._bucket.snapshots(info.generation)
        if self._erasure_is_due():
            await self._erase(found, info)
        elif self._is_due(found, info):
            async with self._taking:
                await self._take()
                await self._tidy_up(info)

    def _erasure_is_due(self) -> bool:
        now = self._loop.time()
        is_known = not self._is_fresh and self._erase_from is not None
        return is_known and now >= max(self._erase_from or 0.0, self._rest_until)

    def _is_due(self, found: list[Snapshot], info: StreamInfo) -> bool:
        last = found[0].position if found else 0
        new = info.last - last
        if new <= 0:
            return False
        size = info.bytes_between(last, info.last)
        is_old = bool(found) and wall_ms() - found[0].at >= self._policy.day * 1000
        return new >= self._policy.messages or size >= self._policy.bytes or is_old

    async def _erase(self, found: list[Snapshot], info: StreamInfo) -> None:
        """See to it that no snapshot and no message is left from before the last deletion.

        So there is one snapshot for a while, and not two. It is enough: every node has all of it as well.
        """
        erased_at = self._erased_at
        async with self._taking:
            if not found or found[0].position < erased_at or info.first <= erased_at:
                await self._fill_up()
                await self._take()
            await self._tidy_up(info, erased_at)
        if self._erased_at == erased_at and not self._is_fresh:
            self._erase_from = None
        else:  # something was deleted meanwhile
            self._erase_from = self._loop.time() + self._policy.erasure

    async def _fill_up(self) -> None:
        """Fill up the file that the log's servers are writing to.

        They only remove a purged message when all of its file is purged: without this, a deleted text might stay there
        for days. Nodes drop what it is filled with, because it is not sealed.
        """
        last = 0
        for _ in range(0, FILE_BYTES, FILLER_BYTES):
            answer = await self._connection.client.request(SUBJECT, bytes(FILLER_BYTES), timeout=10)
            last = json.loads(answer.data).get("seq", last)
            await asyncio.sleep(FILLER_PAUSE_SECONDS)
        while self._log.position < last:
            await asyncio.sleep(FILLER_PAUSE_SECONDS)

    async def _take(self) -> None:
        taken = await take(self._connection, self._store.path, self._replicas)
        self._rest_until = self._loop.time() + taken.seconds / self._policy.share

    async def _tidy_up(self, info: StreamInfo, erased_at: int = 0) -> None:
        """Keep the two newest snapshots, if they are from after ``erased_at``, and purge the stream up to the older."""
        found = await self._bucket.snapshots(info.generation)
        kept = [one for one in found[:2] if one.position >= erased_at]
        if not kept or (len(kept) < 2 and not erased_at):
            return
        await self._bucket.keep_only(kept, wall_ms())
        if kept[-1].position >= info.first:
            await self._wait_for_others(kept[-1].position)
            await self._purge(info, kept[-1].position + 1)

    async def _purge(self, info: StreamInfo, before: int) -> None:
        """Purge the stream up to a message, a step at a time: while JetStream takes one, it stores nothing."""
        count = max(1, (info.last - info.first + 1) * PURGE_BYTES // max(1, info.bytes))
        for first in (*range(info.first + count, before, count), before):
            began = self._loop.time()
            await self._connection.api(f"STREAM.PURGE.{STREAM}", {"seq": first}, seconds=10)
            await asyncio.sleep(self._loop.time() - began)
        _LOG.info("purged the log", before=before)

    async def _wait_for_others(self, position: int) -> None:
        """Give nodes that are behind a while: what they lack then they only get by starting again."""
        patient_until = self._loop.time() + self._policy.patience
        while self._someone_is_behind(position) and self._loop.time() < patient_until:
            await asyncio.sleep(self._policy.look)

    # --- a snapshot that somebody asks for ------------------------------------------------------------------

    async def _on_ask(self, message: Msg) -> None:
        if self._log.rank(TURN) == 0:
            task = self._loop.create_task(self._attempt(lambda: self._answer(message)))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

    async def _answer(self, message: Msg) -> None:
        async with self._taking:
            info = await self._connection.info()
            found = await self._bucket.snapshots(info.generation if info else "")
            is_new = not found or found[0].position < self._log.position
            if is_new:
                await self._take()
                found = await self._bucket.snapshots(info.generation if info else "")
            await message.respond(str(found[0].position).encode())
            if is_new and info is not None:
                await self._tidy_up(info)
