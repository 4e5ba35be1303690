"""A restart is invisible to those who come back, and leaves nobody behind who doesn't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import chatty
from tests.support.server import PATIENCE, Server
from tests.support.wire import Wire

MEMBERS = 50


async def listen(room: chatty.Room, end: str) -> list[Any]:
    """Everything up to the message ``end``."""
    events: list[Any] = []
    async for event in room:
        events.append(event)
        if isinstance(event, chatty.Message) and event.text == end:
            break
    return events


async def participants(server: Server, room_id: str) -> dict[str, str]:
    """Everybody's name, and whether they are here."""
    answer = await asyncio.to_thread(server.ask, "GET", f"/v1/rooms/{room_id}/participants")
    return {each["name"]: "away" if each["away"] else "here" for each in answer["participants"]}


@pytest.mark.parametrize("again", [Server.restart, Server.crash], ids=["sigterm", "kill-9"])
async def test_fifty_members_see_nobody_leave_or_join_and_miss_nothing(
    server: Server, room_id: str, again: Callable[[Server], None]
) -> None:
    restarted = asyncio.Event()

    async def talk(room: chatty.Room) -> int:
        number = 0
        while not restarted.is_set() or number % 50:
            await room.send(f"line {number}")
            number += 1
        return number

    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(chatty.join(server.url, room_id, name=f"member-{number}"))
            for number in range(MEMBERS)
        ]
        listening = [asyncio.create_task(listen(room, "end")) for room in rooms]
        talking = asyncio.create_task(talk(rooms[0]))
        await rooms[1].send("before")
        await asyncio.to_thread(again, server)
        await asyncio.gather(*(room.send(f"back {number}") for number, room in enumerate(rooms)))
        restarted.set()
        said = await talking
        await rooms[0].send("end")
        heard = await asyncio.gather(*listening)
        stored = await asyncio.to_thread(server.history, room_id)
        present = await participants(server, room_id)
    kinds = [event["event_type"] for event in stored]
    assert kinds.count("participant_joined") == MEMBERS
    assert kinds.index("message") == MEMBERS, "they all joined before the first word, and nobody joined again"
    assert "participant_left" not in kinds
    assert present == {f"member-{number}": "here" for number in range(MEMBERS)}
    lines = [event["text"] for event in stored if event.get("text", "").startswith("line ")]
    assert lines == [f"line {number}" for number in range(said)]
    for events in heard:
        assert [event.seq for event in events] == list(range(events[0].seq, len(stored) + 1))


async def test_an_answer_to_the_servers_own_close_is_no_leave_but_a_close_of_ones_own_is(
    server: Server, room_id: str
) -> None:
    async with (
        Wire(server.url, room_id, name="told", key="told") as told,
        Wire(server.url, room_id, name="leaver", key="leaver") as leaver,
        Wire(server.url, room_id, name="babbler", key="babbler") as babbler,
    ):
        await leaver.leave()
        await told.until("participant_left")
        await babbler.write([b"what?"] * 10)
        assert (await babbler.events())[1] == 4501
        hearing = asyncio.create_task(told.events())
        assert await asyncio.to_thread(server.stop) == 0
        assert await hearing == ([], 1001)
    await asyncio.to_thread(server.start)
    assert await participants(server, room_id) == {"babbler": "away", "told": "away"}
    async with Wire(server.url, room_id, name="told", key="told") as told:
        await told.until("live")
    history = await asyncio.to_thread(server.history, room_id)
    assert [(event["event_type"], event["participant"]) for event in history] == [
        ("participant_joined", "told"),
        ("participant_joined", "leaver"),
        ("participant_joined", "babbler"),
        ("participant_left", "leaver"),
    ]


def seed(server: Server, room_id: str, name: str) -> connect:
    """A client of the original, which has nothing to come back with."""
    url = server.url.replace("http", "ws", 1)
    return connect(f"{url}/chat/join?name={name}&room={room_id}", compression=None, proxy=None)


async def lost(connection: ClientConnection) -> None:
    """Returns when the connection has broken."""
    with pytest.raises(ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            while True:
                await connection.recv()


def wait_until_away(server: Server, room_id: str, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    away = {"name": name, "away": True}
    while away not in server.ask("GET", f"/v1/rooms/{room_id}/participants")["participants"]:
        assert time.monotonic() < deadline, f"{name} is never away"
        time.sleep(0.01)


async def test_a_crash_leaves_no_ghost(server: Server, room_id: str) -> None:
    async with AsyncExitStack() as stack:
        seeds = [await stack.enter_async_context(seed(server, room_id, f"seed-{number}")) for number in range(3)]
        for name in ("returns", "stays-away"):
            await stack.enter_async_context(Wire(server.url, room_id, name=name, key=name))
        async with Wire(server.url, room_id, name="was-away", key="was-away"):
            pass
        keyless = await stack.enter_async_context(Wire(server.url, room_id, name="keyless"))
        await keyless.until("live")
        await asyncio.to_thread(wait_until_away, server, room_id, "was-away")
        await asyncio.to_thread(server.kill9)
        await asyncio.gather(*(lost(connection) for connection in seeds))
    await asyncio.to_thread(server.start)

    left = [event for event in await asyncio.to_thread(server.history, room_id) if "reason" in event]
    assert sorted((event["participant"], event["reason"]) for event in left) == [
        ("keyless", "lost"),
        ("seed-0", "lost"),
        ("seed-1", "lost"),
        ("seed-2", "lost"),
    ]
    assert await participants(server, room_id) == {"returns": "away", "stays-away": "away", "was-away": "away"}

    async with Wire(server.url, room_id, name="returns", key="returns") as back:
        await back.until("live")
        after = [await back.hear(), await back.hear()]  # the first that happens: the others' time is over
        assert sorted((event["event_type"], event["participant"], event["reason"]) for event in after) == [
            ("participant_left", "stays-away", "lost"),
            ("participant_left", "was-away", "lost"),
        ]
        assert await participants(server, room_id) == {"returns": "here"}
        async with seed(server, room_id, "seed-0") as again:  # and their names are free
            assert '"seed-0"' in str(await again.recv())
