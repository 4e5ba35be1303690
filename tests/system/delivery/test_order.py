"""A room has one order, and every reader sees it, whatever happens to its connections."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import chatty
from tests.support.proxy import Proxy
from tests.support.scale import scaled
from tests.support.server import Server
from tests.support.wire import Wire

WRITERS = READERS = 5
LINES = scaled(20_000, least=500)  # of each writer; at full scale some 20 s
DISCONNECTS = scaled(500)
END = "the end"


async def write(url: str, room_id: str, name: str, chance: random.Random) -> None:
    async with chatty.join(url, room_id, name=name, participate=False) as room:
        for number in range(LINES):
            future = await room.post(f"{name} {number} {'x' * chance.randrange(200)}")
            if not chance.randrange(100):
                await future


async def read(url: str, room_id: str, name: str) -> list[Any]:
    """Everything from the room's first event to END."""
    events: list[Any] = []
    async with chatty.join(url, room_id, name=name, participate=False, since=0) as room:
        async for event in room:
            events.append(event)
            if isinstance(event, chatty.Message) and event.text == END:
                break
    return events


async def test_readers_that_drop_and_resume_at_random_see_one_order(server: Server, room_id: str) -> None:
    async with Proxy(server.port) as proxy:
        proxy.cut_at_random(3, 500, 600 * LINES)
        reading = [asyncio.create_task(read(proxy.url, room_id, f"reader-{number}")) for number in range(READERS)]
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(write(proxy.url, room_id, f"writer-{number}", random.Random(number)))
        proxy.heal()
        async with chatty.join(server.url, room_id, name="last", participate=False) as room:
            await room.send(END)
        lists = await asyncio.gather(*reading)
        assert proxy.opened >= 2 * (WRITERS + READERS), "too few connections broke"
    stored = await asyncio.to_thread(server.history, room_id)
    assert len(stored) == WRITERS * LINES + 1
    assert [event["seq"] for event in stored] == list(range(1, len(stored) + 1))
    for events in lists:
        assert [event.seq for event in events] == [event["seq"] for event in stored]
        assert [event.text for event in events] == [event["text"] for event in stored]


async def test_many_disconnects_leave_no_hole_and_repeat_nothing(server: Server, room_id: str) -> None:
    chance = random.Random(4)
    goal = asyncio.Event()

    async def talk() -> None:
        """Comings and goings between messages: resuming is not about messages alone."""
        while not goal.is_set():
            async with chatty.join(server.url, room_id, name=f"guest-{chance.random()}") as guest:
                for _ in range(20):
                    await guest.send("x" * chance.randrange(1, 500))

    seen: list[Any] = []
    epoch = ""
    async with asyncio.TaskGroup() as group:
        group.create_task(talk())
        for _ in range(DISCONNECTS):
            query: dict[str, Any] = {"since": len(seen), "epoch": epoch} if epoch else {"since": 0}
            async with Wire(server.url, room_id, join="false", **query) as wire:
                epoch = (await wire.hear())["epoch"]
                for _ in range(chance.randrange(40)):
                    frame = await wire.hear()
                    assert frame["event_type"] != "gap"
                    if "seq" in frame:
                        seen.append(frame)
                if chance.randrange(2):
                    await wire.leave()
        goal.set()
    async with Wire(server.url, room_id, join="false", since=len(seen), epoch=epoch) as wire:
        seen += [frame for frame in await wire.until("live") if "seq" in frame]
    stored = await asyncio.to_thread(server.history, room_id)
    assert seen == stored[: len(seen)]
    assert len(stored) - len(seen) <= 1  # the last guest may have left meanwhile
