"""The writer thread of a cluster's node: it applies what the tail brings, batch by batch.

While the thread is busy with one batch, the messages that come make up the next.
A disk without space must not make this node skip anything, so it stands still with
the batch that it has, and tries it again until it can be stored.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, NamedTuple

import structlog

from chatty.server.platform.pipeline.log.batches import next_batch
from chatty.server.platform.pipeline.log.jetstream.replica import Batch, Message, Replica
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import StoreError, Unavailable
from chatty.server.platform.store.table_hashes import Frozen

MOST_MESSAGES: Final = 1024
"""Messages in one transaction."""
MOST_BACKLOG: Final = 256 * 1024 * 1024
"""Bytes of messages that wait here, for instance while nothing can be stored. The others wait in the log."""
RETRY_SECONDS: Final = 0.5
"""How long to wait before a batch is tried again that could not be stored."""

_LOG = structlog.get_logger("chatty")


class Done(NamedTuple):
    """A batch that was applied: how long that took, and when (monotonic) its first message came.

    ``frozen`` is the database at its end, if it ends with an entry that asks for a fingerprint.
    """

    batch: Batch
    seconds: float
    since: float
    frozen: Frozen | None


class Applier:
    """Applies messages in their order. Its callbacks run on the event loop."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        node: str,
        on_done: Callable[[Done], None],
        on_fatal: Callable[[BaseException], None],
        on_still: Callable[[], None],
        most_bytes: int,
    ) -> None:
        """``on_still`` is told when this node can store nothing and stands still.

        ``most_bytes`` limits the messages of one transaction, and so what readers get at once.
        """
        self._most_bytes = most_bytes
        self._store, self._replica, self._node = store, replica, node
        self._on_done, self._on_fatal, self._on_still = on_done, on_fatal, on_still
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[tuple[Message, float]] = deque()
        self._queue: SimpleQueue[tuple[list[Message], float] | None] = SimpleQueue()
        self._idle = True
        self._backlog = 0
        self._was_full = False
        self._closing = False
        self._ended = asyncio.Event()
        self.incarnation = ""
        self.stands_still = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def is_full(self) -> bool:
        """Whether no more messages are to come for now, until half of those that wait are applied."""
        self._was_full = self._backlog > (MOST_BACKLOG // 2 if self._was_full else MOST_BACKLOG)
        return self._was_full

    def take(self, message: Message) -> None:
        """Apply ``message`` after all earlier ones. Call it on the event loop."""
        self._arrived.append((message, time.monotonic()))
        self._backlog += len(message.data)
        if self._idle:
            self._idle = False
            self._loop.call_soon(self._hand_over)

    async def close(self) -> None:
        """Apply nothing more, and close the store."""
        self._closing = True
        self._queue.put(None)
        await self._ended.wait()
        self._thread.join()

    def _hand_over(self) -> None:
        if not self._arrived:
            self._idle = True
            return
        messages: list[Message] = []
        since, size = self._arrived[0][1], 0
        while self._arrived and len(messages) < MOST_MESSAGES and size < self._most_bytes:
            message, _ = self._arrived.popleft()
            messages.append(message)
            size += len(message.data)
        self._backlog -= size
        self._queue.put((messages, since))

    def _finish(self, done: Done) -> None:
        self._hand_over()  # before this batch is delivered, so that the thread need not wait for that
        self._on_done(done)

    # --- the writer thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (item := next_batch(self._queue, self._store)) is not None and self._apply(*item):
                pass
            self._store.close()
        except BaseException as error:  # noqa: BLE001 - the end of the thread is the end of the server
            self._loop.call_soon_threadsafe(self._on_fatal, error)
        self._loop.call_soon_threadsafe(self._ended.set)

    def _apply(self, messages: list[Message], since: float) -> bool:
        """Apply ``messages``, however long that takes. False if they can't be, and need not be any longer."""
        began = time.monotonic()
        batch: Batch | None = None
        while batch is None:
            try:
                batch = self._replica.apply(messages, self._node, self.incarnation)
            except Unavailable as error:
                if not self.stands_still:
                    self.stands_still = True
                    _LOG.error("nothing can be stored here: this node stands still", error=str(error), hint=error.hint)
                    self._loop.call_soon_threadsafe(self._on_still)
                if self._closing:
                    return False
                time.sleep(RETRY_SECONDS)
        if self.stands_still:
            self.stands_still = False
            _LOG.info("messages are stored again")
        done = Done(batch, time.monotonic() - began, since, self._frozen(batch))
        self._loop.call_soon_threadsafe(self._finish, done)
        self._store.checkpoint(quiet=False)
        return batch.taken == len(messages) or self._apply(messages[batch.taken :], since)

    def _frozen(self, batch: Batch) -> Frozen | None:
        if not batch.fingerprints or not self.incarnation:  # or it was asked for before this node began
            return None
        try:
            return Frozen(self._store.path)
        except StoreError as error:
            _LOG.error("the tables can't be hashed", error=str(error))
            return None
