"""The log of one machine: a writer thread over the local store, with group commit.

An entry goes through four states:

    waiting      proposed on the event loop, in ``_waiting``
    handed over  in the batch that the writer thread works on, of which there is
                 one at a time
    committed    the batch's transaction is on disk
    delivered    back on the event loop: replies first, then events

While the writer is busy with one batch, the entries that come make up the
next. So one fsync serves everything that waited for it, and the busier the
server, the larger the batches.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

import structlog

from chatty.server.business.entries import Entry, Probe, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES, SIZE_SHARE, next_batch
from chatty.server.platform.pipeline.log.protocol import Delivery, Proposal, Reply, expected
from chatty.server.platform.pipeline.log.whispers import Whisper
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import Unavailable

READY_SECONDS: Final = 2.0
"""How long a commit may take on a server that is ready."""
CALM_SECONDS: Final = 10.0
"""How long nothing must have been refused before the disk counts as free: small entries may fit where large don't."""

_LOG = structlog.get_logger("chatty")


class LocalLog:
    """The log of one machine."""

    def __init__(
        self,
        store: Store,
        delivery: Delivery,
        *,
        on_fatal: Callable[[BaseException], None],
        most_waiting: int = PLENTY.waiting,
    ) -> None:
        """``store`` is open; ``on_fatal`` is called once, on the loop, when the log can't go on.

        ``most_waiting`` is how many bytes may wait for a reader, see `Hub`.
        """
        self._most_size = most_waiting // SIZE_SHARE
        self._store = store
        self._delivery = delivery
        self._on_fatal = on_fatal
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Proposal] = []
        self._queue: SimpleQueue[tuple[float, list[Proposal]] | None] = SimpleQueue()
        self._idle = True
        self._seen = 0
        self._closing = False
        self._refused_at: float | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    operator = None

    @property
    def waiting(self) -> int:
        """Entries that the writer has not taken yet."""
        return len(self._waiting)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def propose(self, entry: Entry, reply: Reply | None = None) -> None:
        if self._idle and not self._waiting:
            # Once for everything that is proposed in this turn of the loop.
            self._loop.call_soon(self._hand_over)
        self._waiting.append((entry, reply))

    async def commit(self, entry: Entry) -> Outcome:
        outcome, reply = expected()
        self.propose(entry, reply)
        return await outcome

    async def barrier(self) -> bool:
        return False  # nobody else is told of anything

    async def trouble(self) -> str:
        try:
            async with asyncio.timeout(READY_SECONDS):
                outcome = await self.commit(Probe("", wall_ms()))
        except TimeoutError:
            outcome = Rejection("unavailable")
        return "The log does not commit; see the disk." if isinstance(outcome, Rejection) else ""

    @property
    def is_current(self) -> bool:
        return True

    @property
    def is_stalled(self) -> bool:
        return False

    def rank(self, room: str) -> int:
        return 0

    def whisper(self, whisper: Whisper) -> None:
        """There is nobody to hear it."""

    async def close(self) -> None:
        self._closing = True
        if self._idle:
            self._hand_over()
        await self._ended.wait()
        self._thread.join()

    def _hand_over(self) -> None:
        """Hand a batch to the writer, as soon as a turn of the loop has brought nothing new.

        The point is to have fewer and larger batches: each one costs an fsync, and a write to every member of its
        rooms. For the same reason there is one batch at a time.
        """
        if not self._idle:
            return
        # More has come since the last turn, so there may be even more in the next one.
        if self._seen < len(self._waiting) < MOST_ENTRIES:
            self._seen = len(self._waiting)
            self._loop.call_soon(self._hand_over)
            return
        self._seen = 0
        # From waiting to handed over.
        if self._waiting:
            self._idle = False
            self._queue.put((time.monotonic(), self._next_batch()))
        elif self._closing:
            self._queue.put(None)

    def _next_batch(self) -> list[Proposal]:
        count = size = 0
        for entry, _ in self._waiting[:MOST_ENTRIES]:
            count += 1
            size += entry.size
            if size >= self._most_size:
                break
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _deliver(self, applied: Applied, replies: list[Reply | None], seconds: float, since: float) -> None:
        # The writer is free. It gets the next batch in the next turn of the loop, when this one is delivered.
        self._idle = True
        if self._waiting or self._closing:
            self._loop.call_soon(self._hand_over)
        try:
            self._delivery.deliver(applied, replies, seconds, since)
        except Exception as error:  # noqa: BLE001 - a subscriber may have missed something, which only a new start mends
            self._on_fatal(error)

    def _fail(self, fault: BaseException) -> None:
        self._ended.set()
        self._on_fatal(fault)

    # --- the writer thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._write_next():
                pass
            self._store.close()
        except BaseException as error:  # noqa: BLE001 - the end of the thread is the end of the server
            self._loop.call_soon_threadsafe(self._fail, error)
        else:
            self._loop.call_soon_threadsafe(self._ended.set)

    def _write_next(self) -> bool:
        """Commit the next batch; whether to go on."""
        item = next_batch(self._queue, self._store)
        if item is None:
            return False
        since, batch = item
        # From handed over to committed, all of the batch or nothing.
        began = time.monotonic()
        try:
            applied = self._store.apply([entry for entry, _ in batch])
        except Unavailable as error:
            applied = Applied([Rejection("unavailable")] * len(batch), {}, [])
            self._note_refusal(error)
        else:
            self._note_success()
        # Delivered before the checkpoint, which can take longer than the commit did.
        replies = [reply for _, reply in batch]
        self._loop.call_soon_threadsafe(self._deliver, applied, replies, time.monotonic() - began, since)
        self._store.checkpoint(quiet=False)
        return True

    def _note_refusal(self, error: Unavailable) -> None:
        """Log it when it begins, and not again for each message."""
        if self._refused_at is None:
            _LOG.warning("nothing can be stored", error=str(error), hint=error.hint)
        self._refused_at = time.monotonic()

    def _note_success(self) -> None:
        if self._refused_at is not None and time.monotonic() - self._refused_at >= CALM_SECONDS:
            self._refused_at = None
            _LOG.info("messages are stored again")
