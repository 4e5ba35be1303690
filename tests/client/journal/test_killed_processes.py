"""Processes with a journal are killed, over and over: what they posted is in the room once, and in order."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import chatty
from chatty.client.identity import new_secret
from chatty.protocol import Edit
from tests.support.proxy import Proxy
from tests.support.server import Server

KILLS = 24
A_RUN = 40
TOO_LONG = "x" * 20_000

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Speaker:
    """Processes that speak in one room, one after another, with one journal."""

    def __init__(self, url: str, room_id: str, journal: Path) -> None:
        self._arguments = (url, room_id, new_secret(), journal)
        self.posted: list[int] = []  # how many messages each run is known to have posted

    @asynccontextmanager
    async def run(self, *, posts: int = A_RUN) -> AsyncIterator[Connection]:
        """A run, which is killed in the end. It tells how many messages it has posted, and 0 after the last ack."""
        here, there = _processes.Pipe()
        self.posted.append(0)
        process: ForkServerProcess = _processes.Process(
            target=_speak, args=(there, *self._arguments, len(self.posted) - 1, posts)
        )
        await asyncio.to_thread(process.start)
        there.close()
        try:
            yield here
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            with suppress(EOFError):
                while (count := here.recv()) > 0:
                    self.posted[-1] = count
            process.close()
            here.close()

    async def hear(self, run: Connection, count: int) -> None:
        """Until so many messages have been posted, or 0: until all have an outcome."""
        told = -1
        while told != count:
            told = await asyncio.to_thread(run.recv)
            self.posted[-1] = told or self.posted[-1]


def _speak(pipe: Connection, url: str, room_id: str, key: str, journal: Path, number: int, posts: int) -> None:
    try:
        asyncio.run(_speak_in(pipe, url, room_id, key, journal, number, posts))
    except chatty.Unreachable:
        pipe.send(-1)


async def _speak_in(pipe: Connection, url: str, room_id: str, key: str, journal: Path, number: int, posts: int) -> None:
    pace = random.Random(number)
    async with chatty.join(url, room_id, name="Ada", key=key, participate=False, journal=journal) as room:
        for count in range(1, posts + 1):
            await room.post(f"{number}.{count}")
            pipe.send(count)
            if count % 3 == 0:  # what is refused uses up no number
                (await room.say(Edit(of=1_000_000, text="nothing"))).add_done_callback(asyncio.Future.exception)
                (await room.post(TOO_LONG)).exception()
            await asyncio.sleep(pace.choice((0, 0, 0.001, 0.005)))
        await room.flush()
        pipe.send(0)
        pipe.recv()


def expect(texts: list[str], posted: list[int]) -> None:
    """Each run's messages are there from the first one on, and all that it told of."""
    said = [tuple(map(int, text.split("."))) for text in texts]
    assert said == sorted(set(said))
    stored = [max((count for run, count in said if run == number), default=0) for number in range(len(posted))]
    assert len(said) == sum(stored)
    assert [count - told for count, told in zip(stored, posted, strict=True) if not 0 <= count - told <= 1] == []


async def test_a_process_that_is_killed_at_any_moment_loses_and_repeats_nothing(
    server: Server, room_id: str, proxy: Proxy, tmp_path: Path
) -> None:
    chance = random.Random(11)
    speaker = Speaker(proxy.url, room_id, tmp_path / "1.journal")
    for kill in range(KILLS):
        trouble = ("none", "none", "frozen", "cut")[kill % 4]
        async with speaker.run() as run:
            await speaker.hear(run, chance.randint(1, A_RUN // 2))
            if trouble == "frozen":
                proxy.freeze()
            elif trouble == "cut":
                proxy.cut_at_random(kill, 600, 3_000)
                proxy.cut()
            await speaker.hear(run, speaker.posted[-1] + 1 + chance.randint(1, A_RUN // 4))
        proxy.cut()
        proxy.heal()
    assert sum(speaker.posted) > KILLS
    async with speaker.run(posts=1) as run:
        await speaker.hear(run, 0)
    expect(await asyncio.to_thread(server.texts, room_id), speaker.posted)


async def test_a_server_and_a_process_that_are_killed_in_turn_lose_and_repeat_nothing(
    own_server: Server, tmp_path: Path
) -> None:
    room_id = own_server.make_room()["id"]
    speaker = Speaker(own_server.url, room_id, tmp_path / "1.journal")
    for _ in range(4):
        async with speaker.run() as run:
            await speaker.hear(run, 3)
            await asyncio.to_thread(own_server.kill9)
            await speaker.hear(run, A_RUN // 2)
        await asyncio.to_thread(own_server.start)
    async with speaker.run(posts=1) as run:
        await speaker.hear(run, 0)
    expect(await asyncio.to_thread(own_server.texts, room_id), speaker.posted)


async def test_what_waits_while_no_server_is_there_survives_several_kills(own_server: Server, tmp_path: Path) -> None:
    room_id = own_server.make_room()["id"]
    journal = tmp_path / "1.journal"
    speaker = Speaker(own_server.url, room_id, journal)
    async with speaker.run(posts=2) as run:
        await asyncio.to_thread(run.recv)
        await asyncio.to_thread(own_server.kill9)
        await speaker.hear(run, 2)
    kept = journal.read_bytes()
    for _ in range(2):
        async with speaker.run() as run:  # it can't enter the room
            assert await asyncio.to_thread(run.recv) == -1
    assert journal.read_bytes().count(b"send") <= kept.count(b"send")
    await asyncio.to_thread(own_server.start)
    async with speaker.run(posts=1) as run:
        await speaker.hear(run, 0)
    expect(await asyncio.to_thread(own_server.texts, room_id), speaker.posted)
