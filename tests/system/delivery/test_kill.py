"""What is acked, or seen by anybody, is still there after kill -9."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import chatty
from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server
from tests.support.wire import DURABLE, Ended, Wire

KILLS = scaled(20, least=3)
WRITERS = 8


class Progress:
    """Counts, and lets somebody wait until there is more."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def step(self) -> None:
        self.count += 1
        self._more.set()

    async def by(self, number: int) -> None:
        """Returns when it has grown by ``number``."""
        goal = self.count + number
        async with asyncio.timeout(PATIENCE):
            while self.count < goal:
                self._more.clear()
                await self._more.wait()


class Writer:
    """Posts numbered lines to a room until it is told to stop."""

    def __init__(self, name: str, acks: Progress) -> None:
        self.name = name
        self.posted = 0
        self.acked: dict[int, str] = {}  # seq and text, as far as an ack tells
        self._acks = acks
        self._waiting: list[asyncio.Future[chatty.Ack]] = []

    async def write(self, server: Server, room_id: str, stop: asyncio.Event) -> None:
        async with chatty.join(server.url, room_id, name=self.name, participate=False) as room:
            while not stop.is_set():
                text = f"{self.name} {self.posted}"
                future = await room.post(text)
                future.add_done_callback(partial(self._has_ack, text))
                self._waiting.append(future)
                self.posted += 1
                if self.posted % 200 == 0:
                    await future
            await asyncio.gather(*self._waiting)

    def _has_ack(self, text: str, done: asyncio.Future[chatty.Ack]) -> None:
        self._acks.step()
        ack = done.result()
        if ack.seq is not None:
            self.acked[ack.seq] = text


async def test_what_is_acked_survives_kill_9_once_and_in_order(server: Server, room_id: str) -> None:
    chance = random.Random(1)
    acks, stop = Progress(), asyncio.Event()
    writers = [Writer(f"writer-{number}", acks) for number in range(WRITERS)]
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.write(server, room_id, stop))
        for _ in range(KILLS):
            await acks.by(chance.randrange(1, 1_500))
            await asyncio.to_thread(server.crash)
        await acks.by(100)
        stop.set()
    stored = {event["seq"]: event["text"] for event in await asyncio.to_thread(server.history, room_id)}
    texts = [stored[seq] for seq in sorted(stored)]
    for writer in writers:
        mine = [text for text in texts if text.startswith(f"{writer.name} ")]
        assert mine == [f"{writer.name} {number}" for number in range(writer.posted)]
        assert {seq: stored[seq] for seq in writer.acked} == writer.acked


async def listen(wire: Wire, heard: list[Any], more: Progress) -> None:
    """Keeps all durable events until the connection breaks."""
    while True:
        try:
            frame = await wire.hear()
        except Ended:
            return
        if frame["event_type"] in DURABLE:
            heard.append(frame)
            more.step()


async def talk(wire: Wire, size: int) -> None:
    """Says 32 things at a time, until the connection breaks: as fast as all listeners can follow."""
    number = 0
    try:
        while True:
            for _ in range(32):
                await wire.say(op="send", text=f"{number} {'x' * size}")
                number += 1
            for _ in range(32):
                await wire.until("ack")
    except Ended:
        return


async def test_nobody_has_seen_what_a_kill_takes_back(server: Server, room_id: str) -> None:
    chance = random.Random(2)
    for turn in range(KILLS):
        more = Progress()
        heard: list[list[Any]] = [[], [], []]
        async with AsyncExitStack() as stack:
            wires = [
                await stack.enter_async_context(Wire(server.url, room_id, name=f"reader-{turn}-{number}"))
                for number in range(len(heard))
            ]
            talker = await stack.enter_async_context(Wire(server.url, room_id, name="talker", join="false"))
            async with asyncio.TaskGroup() as group:
                for wire, events in zip(wires, heard, strict=True):
                    group.create_task(listen(wire, events, more))
                group.create_task(talk(talker, chance.randrange(1, 4_000)))
                await more.by(chance.randrange(100, 3_000))
                await asyncio.to_thread(server.kill9)
        await asyncio.to_thread(server.start)
        stored = {event["seq"]: event for event in await asyncio.to_thread(server.history, room_id)}
        for events in heard:
            assert events
            assert events == [stored.get(event["seq"]) for event in events]
