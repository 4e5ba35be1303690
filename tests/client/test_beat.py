"""A room that is in no hurry: it reads several events at once, and misses none."""

from __future__ import annotations

import asyncio

import chatty
from chatty.client import beat
from chatty.client.room import Room
from tests.support.server import Server

KEY = "k" * 43


async def said(server: Server, room: str, count: int, *, first: int = 0) -> list[str]:
    texts = [f"message {number}" for number in range(first, first + count)]
    async with chatty.Http(server.url, key=KEY) as http:
        for text in texts:
            await http.send(room, text, name="Ada")
    return texts


async def heard(room: Room, count: int) -> list[str]:
    return [(await anext(room)).text for _ in range(count)]  # type: ignore[union-attr]  # there are only messages


def is_reading(room: Room) -> bool:
    assert room._link is not None
    assert room._link._connection is not None
    transport = room._link._connection._transport
    assert transport is not None
    return transport.is_reading()


async def test_it_gets_every_event_in_order(server: Server) -> None:
    room_id = server.make_room()["id"]
    async with chatty.join(server.url, room_id, participate=False) as room:
        room.unhurried = True
        texts = await said(server, room_id, 40)
        assert await heard(room, 40) == texts
        texts = await said(server, room_id, 40, first=40)
        assert await heard(room, 40) == texts


async def test_between_two_beats_it_takes_nothing_from_the_wire(server: Server) -> None:
    room_id = server.make_room()["id"]
    async with chatty.join(server.url, room_id, participate=False) as room:
        room.unhurried = True
        await said(server, room_id, 1)
        await heard(room, 1)
        assert not is_reading(room)
        async with asyncio.timeout(20):
            while not is_reading(room):
                await asyncio.sleep(beat.SECONDS / 10)


async def test_an_ack_is_not_kept_waiting_and_neither_is_somebody_who_is_in_a_hurry_again(server: Server) -> None:
    room_id = server.make_room()["id"]
    async with chatty.join(server.url, room_id, name="John") as room:
        room.unhurried = True
        await said(server, room_id, 1)
        await heard(room, 1)
        assert not is_reading(room)
        sent = await room.post("mine")
        assert is_reading(room)
        await sent
        await said(server, room_id, 1)
        await heard(room, 2)
        room.unhurried = False
        assert is_reading(room)


async def test_it_takes_no_more_than_can_be_held(server: Server) -> None:
    room_id = server.make_room()["id"]
    async with chatty.join(server.url, room_id, participate=False) as room:
        assert room._link is not None
        connection = room._link._connection
        assert connection is not None
        wire = connection._websocket._conn
        assert wire is not None
        assert wire.protocol is not None
        connection.pause()
        wire.protocol.pause_reading()  # as aiohttp does when too much waits
        connection.resume()
        assert not is_reading(room)


async def test_a_connection_that_ends_meanwhile_is_noticed(server: Server) -> None:
    created = server.make_room()
    async with chatty.join(server.url, created["id"], participate=False) as room:
        room.unhurried = True
        await said(server, created["id"], 1)
        await heard(room, 1)
        async with chatty.Http(server.url) as http:
            await http.close_room(created["id"], created["owner_token"])
        async with asyncio.timeout(20):
            async for _ in room:
                pass
        assert room.closed
