"""The tail of the log gives every message once and in order, also after it had to be left for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chatty.server.platform.pipeline.log.jetstream.connection import SUBJECT, Connection, end, stream_of
from chatty.server.platform.pipeline.log.jetstream.replica import Message
from chatty.server.platform.pipeline.log.jetstream.tail import Tail


class Taker:
    """Takes messages, up to so many."""

    def __init__(self) -> None:
        self.came: list[Message] = []
        self.most = 1000

    @property
    def is_full(self) -> bool:
        return len(self.came) >= self.most

    def take(self, message: Message) -> None:
        self.came.append(message)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.001)


async def test_what_the_node_cannot_take_now_waits_in_the_log_and_comes_once_and_in_order(
    connection: Connection,
) -> None:
    await stream_of(connection, 1, {}, create=True)
    taker, fatal = Taker(), list[BaseException]()
    tail = Tail(connection, 0, taker, fatal.append)
    await tail.open()
    watching = asyncio.create_task(tail.watch())
    taker.most = 10
    for number in range(1, 101):
        await connection.client.request(SUBJECT, b"%d" % number, timeout=10)
    await until(lambda: tail._subscription is None)  # it has left off
    assert len(taker.came) == 10
    taker.most = 1000
    await until(lambda: len(taker.came) == 100)
    assert taker.came == [Message(number, b"%d" % number) for number in range(1, 101)]
    assert fatal == []
    await end([watching])
    await tail.close()
