"""Several rooms of one `Http`: one set of connections, one key, and each room by itself."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

import chatty
from chatty.client.identity import derive_key, new_secret
from chatty.protocol import Live
from tests.support.proxy import Proxy
from tests.support.reading import texts_until
from tests.support.scripted import Scripted, talks
from tests.support.server import Server

MANY = 120  # more than the connections that aiohttp pools by default


async def test_rooms_of_one_http_are_independent_of_each_other(server: Server) -> None:
    a, b = (server.make_room()["id"] for _ in range(2))
    async with (
        chatty.Http(server.url, key=derive_key(new_secret(), server.url)) as http,
        http.join(a, name="Ada") as one,
        http.join(b, name="Grace") as two,
    ):
        await one.send("in a")
        await two.send("in b")
        assert await texts_until(one, "in a") == ["in a"]
        assert await texts_until(two, "in b") == ["in b"]
        await one.close()
        await two.send("still here")
        assert (await http.room(b)).participant_count == 1


async def test_more_rooms_than_a_pool_has_connections_are_open_at_once_and_requests_still_find_one(
    server: Server,
) -> None:
    made = await asyncio.to_thread(lambda: [server.make_room()["id"] for _ in range(MANY)])
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(chatty.Http(server.url, key=new_secret()))
        rooms = await asyncio.gather(
            *(stack.enter_async_context(http.join(room_id, name="Ada", participate=False)) for room_id in made)
        )
        acks = await asyncio.gather(*(room.send("hello") for room in rooms))
        assert len(acks) == MANY
        infos = await asyncio.gather(*(http.room(room_id) for room_id in made))
        assert [info.last for info in infos] == [1] * MANY


async def test_each_room_comes_back_by_itself_when_the_connections_break(server: Server, proxy: Proxy) -> None:
    made = [server.make_room()["id"] for _ in range(3)]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(chatty.Http(proxy.url, key=new_secret()))
        rooms = [await stack.enter_async_context(http.join(room_id, name="Ada")) for room_id in made]
        assert proxy.cut() >= len(made)
        await asyncio.gather(*(room.send("back") for room in rooms))
    for room_id in made:
        assert await asyncio.to_thread(server.texts, room_id) == ["back"]


async def test_each_room_has_its_own_present_node(server: Server, room_id: str) -> None:
    async with Proxy(server.port) as first, Proxy(server.port) as second:
        other = server.make_room()["id"]
        async with chatty.Http(f"{first.url},{second.url}", key=new_secret()) as http:
            async with http.join(room_id, name="Ada") as one:
                await first.hang_up()
                first.cut()
                await one.send("by the second")
                await first.listen()
                async with http.join(other, name="Ada") as two:
                    await two.send("by the first")
                    assert (one.http().server.split(",")[0], two.http().server.split(",")[0]) == (second.url, first.url)


async def test_rooms_of_an_http_without_a_key_are_one_client_that_comes_back(
    server: Server, room_id: str, proxy: Proxy
) -> None:
    async with chatty.Http(proxy.url) as http, http.join(room_id, name="Ada") as room:
        ack = await room.send("first")
        proxy.cut()
        await room.edit(ack.seq or 0, "second")  # which only the same client may
        async with room.http() as same:
            await same.edit(room_id, ack.seq or 0, "third", name="Ada")
    assert await asyncio.to_thread(server.texts, room_id) == ["third"]


async def test_readers_and_requests_of_a_room_go_by_the_same_connections_and_leave_them_open(
    server: Server, room_id: str, proxy: Proxy
) -> None:
    async with chatty.Http(proxy.url, key=new_secret()) as http, http.join(room_id, name="Ada") as room:
        await room.send("hello")
        async with room.http() as same:
            await same.room(room_id)
        opened = proxy.opened
        assert [message.text async for message in room.history()] == ["hello"]
        async with room.http() as same:
            assert (await same.room(room_id)).id == room_id
        assert proxy.opened == opened
        async with room.reader(since=0) as reader:
            assert await texts_until(reader, "hello") == ["hello"]
        await room.send("and goodbye")


async def test_a_room_needs_an_http_that_is_entered() -> None:
    with pytest.raises(RuntimeError, match="async with Http"):
        chatty.Http("http://a").join("room")


async def test_a_room_whose_http_was_closed_before_it_says_so() -> None:
    async with Scripted(talks(Live(0))) as scripted:
        http = chatty.Http(scripted.url, key=new_secret())
        async with http:
            room = http.join("room", name="Ada")
        with pytest.raises(RuntimeError, match="leave its rooms first"):
            await room.__aenter__()
