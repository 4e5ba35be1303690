"""When a process of a cluster dies, stops or is restarted, people go on elsewhere, and nobody is seen to leave.

Times are compared with those that the design promises, times four: the machine that runs this may be slow.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import chatty
from tests.support.cluster import NAMES, Cluster

SLACK = 4.0
EVERY = 0.05


class Talk:
    """A room with a member at each node, who talks and reads all the time."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.room_id = cluster["a"].make_room("talk")["id"]
        self.acked: dict[str, list[float]] = {name: [] for name in NAMES}
        self.left: list[str] = []
        self.texts: list[str] = []
        self.sent: list[str] = []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as rooms:
            entered = [(name, await rooms.enter_async_context(self._join(name))) for name in NAMES]
            tasks = []
            for name, room in entered:
                tasks += [asyncio.create_task(self._talk(name, room)), asyncio.create_task(self._listen(name, room))]
            await asyncio.sleep(0.5)
            yield
            for task in tasks[::2]:
                task.cancel()
            async with asyncio.timeout(60):
                while set(self.texts) != set(self.sent):
                    await asyncio.sleep(EVERY)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert self.texts == list(dict.fromkeys(self.texts)), "something came twice"

    def _join(self, name: str) -> chatty.Room:
        here = NAMES.index(name)
        order = NAMES[here:] + NAMES[:here]
        key = f"{name} has a key of its own, and a long one"
        return chatty.join(
            ",".join(self.cluster[node].url for node in order), self.room_id, name=name, key=key, transient=60
        )

    async def _talk(self, name: str, room: chatty.Room) -> None:
        number = 0
        while True:
            number += 1
            self.sent.append(text := f"{name}:{number}")
            ack = asyncio.ensure_future(room.send(text))
            try:
                await asyncio.shield(ack)
            except asyncio.CancelledError:
                await ack
                raise
            self.acked[name].append(time.monotonic())
            await asyncio.sleep(EVERY)

    async def _listen(self, name: str, room: chatty.Room) -> None:
        async for event in room:
            if name != "b":
                continue
            if isinstance(event, chatty.Message):
                self.texts.append(event.text)
            elif isinstance(event, chatty.ParticipantLeft):
                self.left.append(event.participant)

    def silence(self, name: str, since: float) -> float:
        """The longest time, from ``since`` on, in which nothing of one member was acknowledged."""
        moments = [since, *(at for at in self.acked[name] if at > since)]
        return max(later - earlier for earlier, later in pairwise(moments))

    async def talks_again(self, name: str, since: float) -> float:
        """How long after ``since`` a member's next message was acknowledged, if it was not just under way."""
        async with asyncio.timeout(60):
            while not self.acked[name] or self.acked[name][-1] < since + 2 * EVERY:
                await asyncio.sleep(EVERY)
        return self.silence(name, since)


async def test_a_node_that_dies_silences_nobody_else_and_its_members_are_back_elsewhere(cluster: Cluster) -> None:
    talk = Talk(cluster)
    async with talk.going_on():
        began = time.monotonic()
        cluster["a"].kill9()
        back = await talk.talks_again("a", began)
        others = max(talk.silence("b", began), talk.silence("c", began))
        assert back <= 1.0 * SLACK
        assert others <= 0.3 * SLACK
        await asyncio.to_thread(cluster["a"].start)
    assert talk.left == []


async def test_a_rolling_restart_of_all_six_processes_is_not_seen(cluster: Cluster) -> None:
    talk = Talk(cluster)
    async with talk.going_on():
        for name, server in zip(NAMES, cluster.nats.servers, strict=True):
            began = time.monotonic()
            await asyncio.to_thread(cluster[name].stop)
            assert await talk.talks_again(name, began) <= 1.0 * SLACK
            await asyncio.to_thread(server.stop)
            server.start()
            await asyncio.to_thread(cluster[name].start)
            await asyncio.to_thread(cluster.nats.wait_current)
    assert talk.left == []


async def test_when_the_leader_of_the_log_is_killed_everybody_talks_again_soon(cluster: Cluster) -> None:
    talk = Talk(cluster)
    async with talk.going_on():
        leader = await asyncio.to_thread(cluster.nats.leader)
        began = time.monotonic()
        leader.signal(signal.SIGKILL)
        assert max(await asyncio.gather(*(talk.talks_again(name, began) for name in NAMES))) <= 10.0 * 2
        leader.kill9()
        leader.start()
        await asyncio.to_thread(cluster.nats.wait_current)
    assert talk.left == []
