"""The tail of the log: every message of the stream, in order and without a gap, as soon as a quorum has stored it.

A consumer of JetStream pushes them. It is ephemeral, and lies on one server of NATS: when nothing is heard of it any
more, not even that nothing has come, another one takes over where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, Connection, Refusal
from chatty.server.platform.pipeline.log.jetstream.replica import Message
from chatty.server.platform.store.errors import StoreError

IDLE_SECONDS: Final = 0.2
"""How often JetStream says that nothing has come."""
DEAF_SECONDS: Final = 0.7
"""How long nothing may have come, not even that, before another consumer is asked for."""
WATCH_SECONDS: Final = 0.1
FLUSH_SECONDS: Final = 1.0
RECONNECT_SECONDS: Final = 3.0
INACTIVE_SECONDS: Final = 30
"""How long JetStream keeps a consumer that nobody listens to."""

_LOG = structlog.get_logger("chatty")


class Taker(Protocol):
    """Those who take the messages."""

    @property
    def is_full(self) -> bool:
        """Whether it can take no more of them for now."""

    def take(self, message: Message) -> None:
        """Take the next one, on the event loop."""


class Tail:
    """Gives each message after ``received`` to ``taker`` once, in the log's order, on the event loop."""

    def __init__(
        self,
        connection: Connection,
        received: int,
        taker: Taker,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """``on_fatal`` is told if the stream no longer has what comes next."""
        self._connection = connection
        self._taker, self._on_fatal = taker, on_fatal
        self._loop = asyncio.get_running_loop()
        self._subscription: Subscription | None = None
        self._consumed = 0
        self._heard = self._loop.time()
        self.received = received
        self.last = received
        """The last message of the stream that is known of."""
        self.consumers = 0
        self.reconnects = 0

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has been heard of the stream."""
        return self._loop.time() - self._heard

    def learn(self, last: int) -> None:
        """The stream has a message ``last``, as somebody says who has seen it."""
        self.last = max(self.last, last)

    async def open(self) -> None:
        """Ask for everything that follows. Raises Refusal, or an error of NATS or a TimeoutError."""
        old, self._subscription = self._subscription, None
        if old is not None:
            await self._connection.quietly(old.unsubscribe())
        client, subject = self._connection.client, self._connection.client.new_inbox()
        self._consumed = 0
        self.consumers += 1
        self._subscription = await client.subscribe(subject, cb=self._take, pending_msgs_limit=0, pending_bytes_limit=0)
        config = {
            "deliver_subject": subject, "deliver_policy": "by_start_sequence", "opt_start_seq": self.received + 1,
            "ack_policy": "none", "max_deliver": 1, "flow_control": True, "idle_heartbeat": int(IDLE_SECONDS * 1e9),
            "mem_storage": True, "num_replicas": 1, "replay_policy": "instant",
            "inactive_threshold": INACTIVE_SECONDS * 1_000_000_000,
        }  # fmt: skip
        await self._connection.api(f"CONSUMER.CREATE.{STREAM}", {"stream_name": STREAM, "config": config})
        self._heard = self._loop.time()

    async def watch(self) -> None:
        """Ask for another consumer whenever nothing is heard of this one. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._taker.is_full:
                await self.close()  # another consumer goes on from here
                continue
            if self.silent_seconds <= DEAF_SECONDS:
                continue
            try:
                await self._find_a_server_that_answers()
                await self.open()
            except (TimeoutError, Refusal, nats.errors.Error, OSError) as error:
                _LOG.debug("the log can't be tailed yet", error=str(error) or type(error).__name__)

    async def _find_a_server_that_answers(self) -> None:
        client = self._connection.client
        try:
            await client.flush(round(FLUSH_SECONDS))
        except (TimeoutError, nats.errors.Error, OSError):
            # It is frozen, or out of reach, but keeps the connection. Another one may be well.
            self.reconnects += 1
            async with asyncio.timeout(RECONNECT_SECONDS):
                await client.force_reconnect()

    async def close(self) -> None:
        """Take nothing more."""
        if self._subscription is not None:
            await self._connection.quietly(self._subscription.unsubscribe())
            self._subscription = None

    async def _take(self, message: Msg) -> None:
        if self._subscription is None or message.sid != self._subscription._id:
            return  # of an earlier consumer
        headers = message.headers
        if headers and "Status" in headers and not message.data:
            await self._take_status(headers, message.reply)
            return
        position, number = _numbers(message.reply)
        if self._taker.is_full:
            return
        if number != self._consumed + 1:
            self._heard = -DEAF_SECONDS  # something was lost on the way: ask again
            return
        self._consumed, self._heard = number, self._loop.time()
        if position <= self.received:
            return
        if position != self.received + 1:
            what = f"the log no longer has message {self.received + 1}, which this node needs"
            self._on_fatal(StoreError(what, "start it again: it begins with a snapshot"))
            return
        self.received = position
        self.last = max(self.last, position)
        self._taker.take(Message(position, message.data))

    async def _take_status(self, headers: dict[str, str], reply: str) -> None:
        self._heard = self._loop.time()
        client = self._connection.client
        if headers.get("Description", "").startswith("Flow") and reply:
            await self._connection.quietly(client.publish(reply))
            return
        if stalled := headers.get("Nats-Consumer-Stalled"):
            await self._connection.quietly(client.publish(stalled))
        if int(headers.get("Nats-Last-Consumer", 0)) != self._consumed:
            self._heard = -DEAF_SECONDS
        self.learn(int(headers.get("Nats-Last-Stream", 0)))


def _numbers(reply: Any) -> tuple[int, int]:
    """A message's number in the stream, and in its consumer (NATS ADR-15: with or without domain and account)."""
    tokens = reply.split(".")
    at = 2 if len(tokens) == 9 else 4
    return int(tokens[at + 3]), int(tokens[at + 4])
