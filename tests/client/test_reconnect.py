"""A room whose connections break, whose server restarts and dies, and which comes back."""

from __future__ import annotations

import asyncio
import gc
import random
import shutil
from typing import Any

import pytest

import chatty
from chatty.client.identity import new_producer, new_secret
from chatty.client.inbox import Inbox
from chatty.client.link import LinkOptions
from chatty.client.outbox import Outbox
from chatty.client.room import Room
from chatty.client.states import Offline, Reconnecting, State
from chatty.events import Message, RoomClosed
from tests.support.proxy import Proxy
from tests.support.reading import story, texts_until
from tests.support.server import Server

# --- broken connections -------------------------------------------------------------------------------------


async def test_a_connection_that_breaks_loses_nothing_and_nobody_sees_it(
    server: Server, room_id: str, proxy: Proxy
) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        async with chatty.join(proxy.url, room_id, name="John") as john:
            for number in range(20):
                await john.post(f"line {number}")
                if number % 5 == 0:
                    assert proxy.cut() <= 1
            await john.flush()
            await ada.send("end")
            seen = [await texts_until(room, "end") for room in (john, ada)]
    assert seen == [[*(f"line {number}" for number in range(20)), "end"]] * 2
    kinds = [type(event) for event in await story(server.url, room_id, leaves=2)]
    assert kinds.count(chatty.ParticipantJoined) == 2
    assert proxy.opened > 1


@pytest.mark.parametrize("seed", range(3))
async def test_connections_that_break_at_random_lose_repeat_and_swap_nothing(
    server: Server, room_id: str, proxy: Proxy, seed: int
) -> None:
    lines = [f"line {number} {'x' * (number % 40)}" for number in range(1_500)]
    proxy.cut_at_random(seed, 500, 60_000)
    async with (
        chatty.join(proxy.url, room_id, name="writer") as writer,
        chatty.join(proxy.url, room_id, participate=False, since=0) as reader,
    ):
        reading = asyncio.create_task(texts_until(reader, "end"))
        for line in lines:
            await writer.post(line)
        await writer.send("end")
        seen = await reading
    assert seen == [*lines, "end"] == await asyncio.to_thread(server.texts, room_id)
    assert proxy.opened > 4


async def test_a_server_that_falls_silent_is_left_for_a_new_connection(server: Server, room_id: str) -> None:
    async with Proxy(server.port) as proxy:
        options = LinkOptions(
            server=proxy.url,
            room_id=room_id,
            key=new_secret(),
            name="John",
            participate=True,
            patience=None,
            heartbeat=0.2,
        )
        outbox: Outbox[Any] = Outbox(new_producer(), fresh=True)
        states: list[State] = []
        lost = asyncio.Event()

        def on_state(state: State) -> None:
            states.append(state)
            if isinstance(state, Reconnecting):
                lost.set()

        async with Room(options, Inbox(), outbox, on_state) as room:
            await room.send("a")
            proxy.freeze()
            sending = asyncio.create_task(room.send("b"))
            await lost.wait()
            proxy.cut()
            proxy.heal()
            await sending
            assert await texts_until(room, "b") == ["a", "b"]
    wait = next(state for state in states if isinstance(state, Reconnecting))
    assert (wait.attempt, wait.reason) == (1, "the server fell silent")


async def test_patience_ends(server: Server, room_id: str) -> None:
    states: list[State] = []
    async with Proxy(server.port) as proxy:
        async with chatty.join(proxy.url, room_id, name="John", patience=0.3, on_state=states.append) as room:
            await proxy.hang_up()
            proxy.cut()
            with pytest.raises(chatty.Unreachable, match="connection refused") as unreachable:
                await room.send("a")
            with pytest.raises(chatty.Unreachable):
                await room.post("b")
            with pytest.raises(chatty.Unreachable):
                async for _ in room:
                    raise AssertionError("nothing was said")
            with pytest.raises(chatty.Unreachable):
                await room.flush()
    assert unreachable.value.server == proxy.url
    assert states[-1] == Offline(str(unreachable.value))
    waits = [state for state in states if isinstance(state, Reconnecting)]
    assert [wait.attempt for wait in waits] == list(range(1, len(waits) + 1))
    assert sum(wait.in_seconds for wait in waits) <= 0.3


async def test_the_end_of_the_block_raises_if_messages_cannot_be_sent(server: Server, room_id: str) -> None:
    async with Proxy(server.port) as proxy:
        with pytest.raises(chatty.Unreachable):
            async with chatty.join(proxy.url, room_id, name="John", patience=0.1) as room:
                await proxy.hang_up()
                proxy.cut()
                future = await room.post("a")
        assert isinstance(future.exception(), chatty.Unreachable)


async def test_of_many_messages_that_nobody_asks_for_one_line_is_logged(
    server: Server, room_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Proxy(server.port) as proxy, chatty.join(proxy.url, room_id, name="John", patience=0.1) as room:
        await proxy.hang_up()
        proxy.cut()
        for number in range(100):
            await room.post(f"line {number}")
        with pytest.raises(chatty.Unreachable):
            await anext(room)
        gc.collect()
    assert [record.message.splitlines()[0] for record in caplog.records] == ["Future exception was never retrieved"]


# --- a server that restarts and dies ------------------------------------------------------------------------


async def test_a_restart_is_seen_by_nobody(own_server: Server) -> None:
    room_id = own_server.make_room()["id"]
    async with (
        chatty.join(own_server.url, room_id, name="Ada") as ada,
        chatty.join(own_server.url, room_id, name="John") as john,
    ):
        await ada.send("before")
        await asyncio.to_thread(own_server.restart)
        await ada.send("after")
        assert await texts_until(john, "after") == ["before", "after"]
        kinds = [event["event_type"] for event in await asyncio.to_thread(own_server.history, room_id)]
    assert kinds == ["participant_joined", "participant_joined", "message", "message"]


async def test_a_server_that_is_killed_while_many_lines_are_under_way_has_each_once_and_in_order(
    own_server: Server,
) -> None:
    room_id = own_server.make_room()["id"]
    lines = [f"line {number}" for number in range(6_000)]
    moments = random.Random(7)
    async with (
        chatty.join(own_server.url, room_id, name="writer", participate=False) as writer,
        chatty.join(own_server.url, room_id, participate=False, since=0) as reader,
    ):
        reading = asyncio.create_task(texts_until(reader, "end"))
        kills = sorted(moments.sample(range(len(lines)), 3))
        for number, line in enumerate(lines):
            if number in kills:
                await asyncio.to_thread(own_server.crash)
            await writer.post(line)
        await writer.send("end")
        seen = await reading
    assert seen == [*lines, "end"] == await asyncio.to_thread(own_server.texts, room_id)


async def test_a_server_that_starts_late_is_waited_for(own_server: Server) -> None:
    room_id = own_server.make_room()["id"]
    async with chatty.join(own_server.url, room_id, name="John") as room:
        await asyncio.to_thread(own_server.kill9)
        sending = [asyncio.create_task(room.send(text)) for text in "abc"]
        await asyncio.to_thread(own_server.start)
        assert [(await one).n for one in sending] == [1, 2, 3]


async def test_a_room_that_is_gone_when_one_comes_back_ends(own_server: Server) -> None:
    room_id = own_server.make_room()["id"]
    async with chatty.join(own_server.url, room_id, name="John") as room:
        await asyncio.to_thread(own_server.kill9)
        shutil.rmtree(own_server.data)
        sending = await room.post("a")
        await asyncio.to_thread(own_server.start)
        with pytest.raises(chatty.Refused) as refused:
            await sending
        assert refused.value.code == "room_not_found"


async def test_a_room_that_closed_while_one_was_away_is_read_to_its_end(server: Server) -> None:
    created = server.make_room()
    async with Proxy(server.port) as proxy, chatty.join(server.url, created["id"], name="Ada") as ada:
        async with chatty.join(proxy.url, created["id"], name="John") as john:
            await proxy.hang_up()
            proxy.cut()
            waiting = await john.post("never said")
            await ada.send("last words")
            async with chatty.Http(server.url) as http:
                await http.close_room(created["id"], created["owner_token"])
            await proxy.listen()
            events = [event async for event in john]
            assert [type(event) for event in events] == [Message, RoomClosed]
            assert isinstance(waiting.exception(), chatty.Refused)


async def test_a_first_connection_that_fails_is_raised_at_once(own_server: Server) -> None:
    room_id = own_server.make_room()["id"]
    await asyncio.to_thread(own_server.kill9)
    with pytest.raises(chatty.Unreachable, match="connection refused"):
        async with chatty.join(own_server.url, room_id, name="John", patience=None):
            pass
