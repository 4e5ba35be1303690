"""What is sent once over several runs of a program, and what is noticed where a later run sends something else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import chatty
from chatty.client.identity import new_producer, new_secret, producer_from_key
from chatty.protocol import Command, Live, Produce, Producing, Send
from tests.support.proxy import Proxy
from tests.support.scripted import Scripted, accepts, talks
from tests.support.server import Server


async def test_a_second_run_with_the_same_producer_sends_only_what_is_missing(server: Server, room_id: str) -> None:
    key, producer = new_secret(), new_producer()

    async def run(*texts: str) -> list[bool]:
        async with chatty.join(server.url, room_id, name="ci", key=key, participate=False, producer=producer) as room:
            return [(await room.send(text)).duplicate for text in texts]

    assert await run("a", "b") == [False, False]
    assert await run("a", "b", "c") == [True, True, False]
    assert await run("a", "b", "c", "d") == [True, True, True, False]
    assert await asyncio.to_thread(server.texts, room_id) == ["a", "b", "c", "d"]


async def test_messages_that_no_server_accepts_do_not_shift_the_numbers_of_a_second_run(
    server: Server, room_id: str
) -> None:
    key, producer = new_secret(), new_producer()
    for duplicate in (False, True):
        async with chatty.join(server.url, room_id, name="ci", key=key, participate=False, producer=producer) as room:
            outcomes = [await room.post(text) for text in ("a", " ", "x" * 20_000, "b")]
            await room.flush()
            assert [outcomes[index].result().duplicate for index in (0, 3)] == [duplicate, duplicate]
            assert [type(outcomes[index].exception()) for index in (1, 2)] == [chatty.Refused, chatty.Refused]
    assert await asyncio.to_thread(server.texts, room_id) == ["a", "b"]


class Runs:
    """Runs of a program that sends texts under one producer."""

    def __init__(self, url: str, room_id: str) -> None:
        self._join: Any = {
            "server": url,
            "room_id": room_id,
            "key": new_secret(),
            "producer": new_producer(),
        }

    def room(self, **options: Any) -> chatty.Room:
        return chatty.join(**self._join, **options, name="cron", participate=False)

    async def run(self, *texts: str) -> list[str]:
        """What became of each: stored, repeated, or a code."""
        async with self.room() as room:
            futures = []
            for text in texts:
                try:
                    futures.append(await room.post(text))
                except chatty.Refused as refusal:
                    return [*await asyncio.gather(*map(outcome, futures)), refusal.code]
            return await asyncio.gather(*map(outcome, futures))


async def outcome(future: asyncio.Future[chatty.Ack]) -> str:
    try:
        return "repeated" if (await future).duplicate else "stored"
    except chatty.Refused as refusal:
        return refusal.code


@pytest.mark.parametrize("others", [("a", "x", "c"), ("x", "b", "c"), ("b", "a", "c")], ids="".join)
async def test_a_later_run_with_other_messages_sends_nothing(
    server: Server, room_id: str, others: tuple[str, ...]
) -> None:
    runs = Runs(server.url, room_id)
    assert await runs.run("a", "b") == ["stored"] * 2
    assert await runs.run(*others) == ["repeated", "idempotency_conflict", "idempotency_conflict"]
    assert await runs.run("a", "b", "c") == ["repeated", "repeated", "stored"]
    assert await asyncio.to_thread(server.texts, room_id) == ["a", "b", "c"]


async def test_a_program_that_waits_for_each_ack_learns_it_by_the_last_message_of_the_earlier_run(
    server: Server, room_id: str
) -> None:
    runs = Runs(server.url, room_id)
    await runs.run("a", "b")
    async with runs.room() as room:
        assert (await room.send("x")).duplicate
        with pytest.raises(chatty.Refused, match="first 2 messages are not those"):
            await room.send("b")
        with pytest.raises(chatty.Refused, match="first 2 messages are not those"):
            await room.send("c")
    assert await asyncio.to_thread(server.texts, room_id) == ["a", "b"]


async def test_all_that_can_be_said_is_compared(server: Server, room_id: str) -> None:
    runs = Runs(server.url, room_id)

    async def run(topic: str) -> None:
        async with runs.room() as room:
            seq = (await room.send("a")).seq or 1
            await room.edit(seq, "b")
            await room.react(seq, "👍")
            await room.set_topic(topic)
            await room.delete(seq)

    await run("cats")
    await run("cats")
    with pytest.raises(chatty.Refused) as refused:
        await run("dogs")
    assert refused.value.code == "idempotency_conflict"


async def test_a_run_learns_how_much_was_stored_before_it(server: Server, room_id: str, proxy: Proxy) -> None:
    runs = Runs(proxy.url, room_id)
    async with runs.room() as room:
        assert await room.stored_before() == 0
        await room.send("a")
        await room.send("b")
        proxy.cut()
        await room.send("c")
        assert await room.stored_before() == 0
    async with runs.room() as room:
        assert await room.stored_before() == 3
        await room.send("a")
    async with chatty.join(server.url, room_id, name="Ada") as room:
        assert await room.stored_before() == 0


async def test_how_much_was_stored_is_not_waited_for_in_a_room_that_has_ended() -> None:
    def silence(command: Any) -> Any:
        return Live(0) if isinstance(command, Produce) else accepts(command)

    async with Scripted(talks(reply=silence)) as scripted:
        async with chatty.join(scripted.url, "room", name="John", producer=new_producer()) as room:
            asking = asyncio.create_task(room.stored_before())
            await asyncio.sleep(0)
        with pytest.raises(chatty.Disconnected):
            await asking


async def test_where_an_older_server_knows_no_digest_a_number_is_all_that_is_compared() -> None:
    heard: list[Command] = []

    def reply(command: Any) -> Any:
        return Producing(1) if isinstance(command, Produce) else accepts(command)

    async with Scripted(talks(reply=reply, heard=heard)) as scripted:
        async with chatty.join(scripted.url, "room", name="John", producer=producer_from_key("k")) as room:
            assert (await room.send("anything")).duplicate
            assert not (await room.send("b")).duplicate
    assert [command for command in heard if isinstance(command, Send)] == [Send(text="b", n=2)]
