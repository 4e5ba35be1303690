"""What this node proposes, on its way into the log: envelopes are published until they come back from the tail.

    waiting     proposed on the event loop
    in flight   in an envelope that is published, again and again, until the tail brings it back
    applied     the tail brought it back: `settled` gives its outcomes

At most `WINDOW` envelopes are in flight. What has not been published can be
refused for sure; what has been published can't, as long as this incarnation lasts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Final

import nats.errors
from msgspec import Struct
from nats.aio.msg import Msg

from chatty.server.business.entries import Entry, Rejection
from chatty.server.business.nodes import level_of
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES
from chatty.server.platform.pipeline.log.jetstream.connection import SUBJECT, Connection
from chatty.server.platform.pipeline.log.jetstream.envelope import (
    MOST_BYTES,
    VERSION,
    Envelope,
    encode_entry,
    joined,
    seal,
)
from chatty.server.platform.pipeline.log.protocol import Proposal, Reply

WINDOW: Final = 8
"""Envelopes that may be in flight: what the next ones wait for is the network's time, and not the servers'."""
AGAIN_SECONDS: Final = 0.3
"""How long to wait for an envelope before it is published again, at first."""
AGAIN_MOST_SECONDS: Final = 1.0
HASTY_SECONDS: Final = 0.05
"""The same when the servers have just said that they could not take it."""
WATCH_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 10.0
"""How long an envelope may be in flight before everything that has not been published is refused: longer than NATS
takes to find a new leader."""


class _Flight(Struct):
    payload: bytes
    replies: Sequence[Reply | None]
    since: float
    tried: float
    wait: float = AGAIN_SECONDS


class Publisher:
    """The envelopes of one incarnation of ``node`` after the other."""

    def __init__(
        self,
        connection: Connection,
        key: bytes,
        node: str,
        now: Callable[[], int],
        most_size: int,
        on_error: Callable[[BaseException], None],
    ) -> None:
        """``now`` gives milliseconds since 1970; ``most_size`` is how many bytes of events one envelope may lead to.

        ``on_error`` is told of an entry that can't be encoded.
        """
        self._connection = connection
        self._key, self._node, self._now, self._on_error = key, node, now, on_error
        self._most_size = most_size
        self._loop = asyncio.get_running_loop()
        self.incarnation = ""
        self.level = 1
        self._n = 0
        self._open = False
        self._waiting: list[Proposal] = []
        self._seen = 0
        self._scheduled = False
        self._flights: dict[int, _Flight] = {}
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._inbox = ""
        self.published = self.republished = 0

    # --- for those who propose ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Entries that are not in an envelope yet."""
        return len(self._waiting)

    @property
    def stalled_seconds(self) -> float:
        """For how long the oldest envelope has been in flight."""
        oldest = next(iter(self._flights.values()), None)
        return self._loop.time() - oldest.since if oldest else 0.0

    def propose(self, entry: Entry, reply: Reply | None) -> None:
        """Put ``entry`` into the next envelope. Call it on the event loop."""
        self._waiting.append((entry, reply))
        self._schedule()

    def barrier(self, reply: Reply) -> None:
        """Publish an envelope without entries: when it comes back, so has everything that was there before it."""
        self._publish([], [reply])

    # --- incarnations ---------------------------------------------------------------------------------------

    def begin(self, incarnation: str, after: str, start: Entry, reply: Reply) -> None:
        """Begin an incarnation with ``start`` alone; it replaces ``after``. The rest waits for `go_on`."""
        self.incarnation, self._n, self._open = incarnation, 0, False
        self._flights.clear()
        self._publish([encode_entry(start)], [reply], after)

    def go_on(self) -> None:
        """The incarnation has begun: everything that waits may be published."""
        self._open = True
        self._schedule()

    def end(self) -> None:
        """The incarnation is over for all nodes, so nothing that is in flight or waits is accepted, now or later."""
        self._open = False
        flights, self._flights = self._flights, {}
        waiting, self._waiting = self._waiting, []
        refuse([reply for flight in flights.values() for reply in flight.replies] + [reply for _, reply in waiting])

    def settled(self, n: int) -> Sequence[Reply | None]:
        """The envelope ``n`` was applied: those who wait for its outcomes, in order."""
        flight = self._flights.pop(n, None)
        if self._waiting:
            self._schedule()
        return flight.replies if flight else ()

    # --- envelopes ------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Publish what waits, as soon as a turn of the loop has brought nothing new: fewer envelopes cost less."""
        if not self._open or not self._waiting or len(self._flights) >= WINDOW:
            self._scheduled = False
            return
        if self._seen < len(self._waiting) < MOST_ENTRIES:
            self._seen = len(self._waiting)
            self._loop.call_soon(self._hand_over)
            return
        self._seen, self._scheduled = 0, False
        while self._waiting and len(self._flights) < WINDOW:
            entries, replies = self._next()
            if entries:
                self._publish(entries, replies)

    def _next(self) -> tuple[list[bytes], list[Reply | None]]:
        entries: list[bytes] = []
        replies: list[Reply | None] = []
        refused: list[tuple[Reply | None, Rejection]] = []
        taken = size = length = 0
        for entry, reply in self._waiting[:MOST_ENTRIES]:
            encoded = self._encode(entry)
            if isinstance(encoded, Rejection):
                refused.append((reply, encoded))
            elif entries and length + len(encoded) > MOST_BYTES:
                break
            else:
                entries.append(encoded)
                replies.append(reply)
                length += len(encoded)
                size += entry.size
            taken += 1
            if size >= self._most_size:
                break
        del self._waiting[:taken]
        for reply, rejection in refused:
            if reply is not None:
                reply(rejection)
        return entries, replies

    def _encode(self, entry: Entry) -> bytes | Rejection:
        if level_of(entry) > self.level:
            return Rejection("unavailable", "Not all nodes of the cluster know this yet; see chatty cluster status.")
        try:
            return encode_entry(entry)
        except (ValueError, TypeError) as error:
            self._on_error(error)
            return Rejection("internal")

    def _publish(self, entries: list[bytes], replies: Sequence[Reply | None], after: str = "") -> None:
        self._n += 1
        frame = Envelope(VERSION, self._node, self.incarnation, self._n, self._now(), after, joined(entries))
        payload, now = seal(self._key, frame), self._loop.time()
        self._flights[self._n] = _Flight(payload, replies, now, now)
        self.published += 1
        self._outbox.put_nowait(payload)

    # --- publishing -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Publish what is to be published. Runs until it is cancelled."""
        client = self._connection.client
        self._inbox = client.new_inbox()
        await client.subscribe(self._inbox, cb=self._on_ack)
        while True:
            payload = await self._outbox.get()
            try:
                await client.publish(SUBJECT, payload, self._inbox)
            except (nats.errors.Error, OSError):
                continue  # it is published again

    async def watch(self) -> None:
        """Publish again what is not heard of, and refuse what can't be published. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            oldest = next(iter(self._flights.values()), None)
            if oldest is None:
                continue
            now = self._loop.time()
            if now - oldest.tried > oldest.wait and self._connection.is_connected and self._outbox.empty():
                oldest.wait = min(AGAIN_MOST_SECONDS, oldest.wait * 2)
                self.publish_again()
            if now - oldest.since > PATIENCE_SECONDS:
                refused, self._waiting = self._waiting, []
                refuse([reply for _, reply in refused])

    def publish_again(self) -> None:
        """Publish everything that is in flight once more, in order."""
        now = self._loop.time()
        for flight in self._flights.values():
            flight.tried = now
            self.republished += 1
            self._outbox.put_nowait(flight.payload)

    async def _on_ack(self, message: Msg) -> None:
        """JetStream's answer. Only the tail says what was stored; but a refusal is a reason to try again soon."""
        if message.data and "error" not in json.loads(message.data):
            return
        oldest = next(iter(self._flights.values()), None)
        if oldest is not None:
            oldest.wait = AGAIN_SECONDS
            oldest.tried = self._loop.time() - AGAIN_SECONDS + HASTY_SECONDS


def refuse(replies: Sequence[Reply | None]) -> None:
    """Tell those who wait that their entries were certainly not accepted."""
    outcome: Outcome = Rejection("unavailable")
    for reply in replies:
        if reply is not None:
            reply(outcome)
