"""v1 over a WebSocket: the rows of docs/protocol.md that are about one connection and its commands."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatty.digests import chained
from tests.server.asking import UPGRADE, ask, close_code, refusal
from tests.support.server import Server

PRODUCER = "2T0vAbCdEfGhIjKlMnOpQrStUvW"
NOWHERE = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


def door(server: Server, room: str, *protocols: str, key: str = "", **query: Any) -> connect:
    return connect(
        f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?{urlencode(query)}",
        subprotocols=list(protocols or ("chatty.v1",)),  # type: ignore[arg-type]
        additional_headers={"Authorization": f"Bearer {key}"} if key else {},
        max_queue=None,
    )


async def hear(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 60))


async def until(socket: ClientConnection, kind: str) -> list[Any]:
    """Frames up to the first of ``kind``, that included."""
    frames = [await hear(socket)]
    while frames[-1]["event_type"] != kind:
        frames.append(await hear(socket))
    return frames


async def answer(socket: ClientConnection, **command: Any) -> Any:
    """Says a command, and gives its answer; events that come between are passed over."""
    await socket.send(json.dumps(command))
    while (frame := await hear(socket))["event_type"] not in ("ack", "error", "producing"):
        pass
    return frame


def present(server: Server, room: str) -> Any:
    return ask(server, "GET", f"/v1/rooms/{room}/participants").json["participants"]


# --- the handshake ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (400, "name_invalid")),
        ("name=", (400, "name_invalid")),
        ("name=system", (400, "name_invalid")),
        ("name=Bob%20%E2%94%82%20x", (400, "name_invalid")),
        ("name=a&join=maybe", (400, "bad_request")),
        ("name=a&since=-1", (400, "bad_request")),
        ("name=a&since=x", (400, "bad_request")),
        ("name=a&last=-1", (400, "bad_request")),
        ("name=a&last=1.5", (400, "bad_request")),
        ("join=false&name=%00", (400, "name_invalid")),
    ],
)
def test_a_wrong_request_is_refused_before_the_upgrade(
    server: Server, room: str, query: str, expected: tuple[int, str]
) -> None:
    assert refusal(ask(server, "GET", f"/v1/rooms/{room}/ws?{query}", headers=UPGRADE)) == expected
    assert server.history(room) == []


def test_refusals_are_those_of_the_seed_dialect(server: Server) -> None:
    made = server.make_room()
    path = f"/v1/rooms/{made['id']}/ws?name=a"
    assert refusal(ask(server, "GET", f"/v1/rooms/{NOWHERE}/ws?name=a", headers=UPGRADE)) == (404, "room_not_found")
    plain = ask(server, "GET", path)
    assert refusal(plain) == (426, "upgrade_required")
    assert plain.headers["Upgrade"] == "websocket"
    server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
    assert refusal(ask(server, "GET", path, headers=UPGRADE)) == (410, "room_closed")


async def test_a_key_may_come_as_a_subprotocol_and_is_not_sent_back(server: Server, room: str) -> None:
    async with door(server, room, "chatty.v1", "chatty.key.secret", name="John") as one:
        assert one.subprotocol == "chatty.v1"
        assert one.response is not None
        assert "secret" not in str(one.response.headers)
        async with door(server, room, key="secret", name="john") as other:
            welcome = await hear(other)
    assert welcome["participants"] == ["John"]


async def test_a_welcome_shows_the_room_as_it_is_with_oneself_in_it(server: Server, room: str) -> None:
    async with door(server, room, name="Ada"), door(server, room, name=" John ") as john:
        welcome = await hear(john)
    assert list(welcome) == [
        "event_type", "room", "you", "participants", "participant_count", "epoch", "first", "last", "limits",
    ]  # fmt: skip
    assert welcome["you"] == {"participant": "John", "can": ["read", "post"]}
    assert welcome["participants"] == ["Ada", "John"]
    assert (welcome["participant_count"], welcome["first"], welcome["last"]) == (2, 1, 2)
    shown = server.ask("GET", f"/v1/rooms/{room}")
    assert welcome["room"]["id"] == room
    assert welcome["epoch"] == shown["epoch"]


async def test_a_reader_is_nobody_and_can_not_send(server: Server, room: str) -> None:
    async with door(server, room, join="false") as reader:
        welcome = (await until(reader, "live"))[0]
        assert welcome["you"] == {"can": ["read", "post"]}
        assert welcome["participant_count"] == 0
        assert (await answer(reader, op="send", text="x"))["code"] == "name_invalid"
    assert server.history(room) == []


async def test_a_client_that_sends_without_joining_is_not_a_participant(server: Server, room: str) -> None:
    async with door(server, room, name="ci", join="false") as ci:
        assert (await answer(ci, op="send", text="built"))["seq"] == 1
        assert present(server, room) == []
    assert [event["event_type"] for event in server.history(room)] == ["message"]


# --- commands -----------------------------------------------------------------------------------------------


async def test_a_ref_comes_back_in_the_ack_and_in_the_error(server: Server, room: str) -> None:
    async with door(server, room, name="John") as john:
        assert (await answer(john, op="send", text="x", ref="a7"))["ref"] == "a7"
        assert (await answer(john, op="send", text="", ref="r" * 64))["ref"] == "r" * 64
        assert (await answer(john, op="send", text="x", ref="r" * 65))["code"] == "bad_request"
        assert "ref" not in await answer(john, op="send", text="x")


async def test_a_producers_numbers_are_remembered_from_one_connection_to_the_next(server: Server, room: str) -> None:
    async with door(server, room, key="k", name="John") as john:
        assert (await answer(john, op="produce", producer=PRODUCER))["accepted"] == 0
        for n in (1, 2):
            assert (await answer(john, op="send", text=str(n), n=n))["seq"] == n + 1
        assert (await answer(john, op="send", text="4", n=4))["code"] == "out_of_order"
    async with door(server, room, key="k", name="John") as john:
        assert (await answer(john, op="produce", producer=PRODUCER))["accepted"] == 2
        again = await answer(john, op="send", text="2", n=2)
        assert (again["n"], again["duplicate"]) == (2, True)
        assert "duplicate" not in await answer(john, op="send", text="3", n=3)
    assert server.texts(room) == ["1", "2", "3"]


async def test_a_producer_gets_a_digest_of_its_messages(server: Server, room: str) -> None:
    async with door(server, room, key="k", name="John") as john:
        assert "digest" not in await answer(john, op="produce", producer=PRODUCER)
        await answer(john, op="send", text="Hello", n=1)
        told = await answer(john, op="produce", producer=PRODUCER)
        assert (told["accepted"], told["digest"]) == (1, "58148aebc17724b27a94133573eb7d9c")  # docs/protocol.md has it
        await answer(john, op="topic", topic="cats", n=2)
        second = await answer(john, op="produce", producer=PRODUCER)
        assert bytes.fromhex(second["digest"]) == chained(bytes.fromhex(told["digest"]), "topic\ncats")
        assert (await answer(john, op="send", text="Hello", n=2))["code"] == "idempotency_conflict"
        assert (await answer(john, op="topic", topic="cats", n=2))["duplicate"]


async def test_a_producer_belongs_to_one_identity(server: Server, room: str) -> None:
    for key in ("one", "other"):
        async with door(server, room, key=key, name=key) as socket:
            assert (await answer(socket, op="produce", producer=PRODUCER))["accepted"] == 0
            assert "duplicate" not in await answer(socket, op="send", text=key, n=1)
    assert server.texts(room) == ["one", "other"]


@pytest.mark.parametrize("producer", ["", "short", "x" * 28, "é" * 27, "-" * 27])
async def test_a_producer_that_is_not_a_ksuid_is_refused(server: Server, room: str, producer: str) -> None:
    async with door(server, room, name="John") as john:
        assert (await answer(john, op="produce", producer=producer))["code"] == "bad_request"
        assert (await answer(john, op="send", text="x", n=1))["code"] == "bad_request"
        assert (await answer(john, op="send", text="x"))["event_type"] == "ack"


async def test_ten_commands_that_ask_for_something_impossible_are_invalid_commands_too(
    server: Server, room: str
) -> None:
    async with door(server, room, name="John") as john:
        for number in range(10):
            command = {"op": "produce", "producer": "short"} if number % 2 else {"op": "send", "text": "x", "n": 0}
            await john.send(json.dumps(command))
        assert await close_code(john) == 4501


async def test_a_refusal_for_another_reason_does_not_count_as_an_invalid_command(server: Server, room: str) -> None:
    async with door(server, room, name="John") as john:
        for _ in range(20):
            assert (await answer(john, op="send", text=""))["code"] == "message_empty"
        for _ in range(9):
            assert (await answer(john, op="fly"))["code"] == "bad_request"
        assert (await answer(john, op="produce", producer=PRODUCER))["accepted"] == 0
        for _ in range(9):
            assert (await answer(john, op="fly"))["code"] == "bad_request"


async def test_binary_frames_large_ones_and_floods_of_pings_end_the_connection(server: Server, room: str) -> None:
    async with door(server, room, name="a") as socket:
        await socket.send(b"\x00")
        assert await close_code(socket) == 1003
    async with door(server, room, name="b") as socket:
        await socket.send("x" * 131_073)
        assert await close_code(socket) == 1009
    async with door(server, room, name="c") as socket:
        with suppress(ConnectionClosed):  # or all of them fit into what the kernel holds
            for _ in range(10_000):
                await socket.ping()
        assert await close_code(socket) == 4013


async def test_a_client_that_goes_on_sending_after_the_close_still_learns_why(server: Server, room: str) -> None:
    async with door(server, room, name="a") as socket:
        await socket.send(b"\x00")
        with suppress(ConnectionClosed):
            for _ in range(10_000):
                await socket.send('{"op":"send","text":"and another thing"}')
        assert await close_code(socket) == 1003


# --- leaving ------------------------------------------------------------------------------------------------


async def test_a_close_frame_is_a_farewell_and_a_lost_connection_is_not(server: Server, room: str) -> None:
    async with door(server, room, name="reader", join="false") as reader:
        await until(reader, "live")
        async with door(server, room, key="j", name="John") as john:
            await until(john, "live")
        joined, left = await hear(reader), await hear(reader)
        assert (joined["event_type"], left["event_type"]) == ("participant_joined", "participant_left")
        assert left["reason"] == "left"
        async with door(server, room, key="a", name="Ada") as ada:
            await until(ada, "live")
            ada.transport.abort()
            while not any(one["away"] for one in await asyncio.to_thread(present, server, room)):
                await asyncio.sleep(0.01)  # that somebody is away is no event to wait for
        assert await asyncio.to_thread(present, server, room) == [{"name": "Ada", "away": True}]


async def test_a_connection_without_a_key_that_is_lost_has_left(server: Server, room: str) -> None:
    async with door(server, room, name="reader", join="false") as reader:
        await until(reader, "live")
        async with door(server, room, name="John") as john:
            await until(john, "live")
            john.transport.abort()
        assert (await until(reader, "participant_left"))[-1]["reason"] == "lost"


async def test_a_rooms_end_reaches_members_readers_and_senders_and_closes_with_4510(server: Server) -> None:
    made = server.make_room()
    room = made["id"]
    async with (
        door(server, room, name="John") as john,
        door(server, room, join="false") as reader,
        door(server, room, join="false", since=0) as resumed,
    ):
        for socket in (john, reader, resumed):
            await until(socket, "live")
        await asyncio.to_thread(server.ask, "DELETE", f"/v1/rooms/{room}", token=made["owner_token"])
        for socket in (john, reader, resumed):
            await until(socket, "room_closed")
            assert await close_code(socket) == 4510
    async with door(server, room, join="false", since=0) as late:
        assert [frame["event_type"] for frame in await until(late, "live")] == [
            "welcome", "participant_joined", "room_closed", "live",
        ]  # fmt: skip
        assert await close_code(late) == 4510


async def test_a_sender_that_never_reads_is_cut_off_and_harms_nobody(server: Server, room: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    writer.write(f"GET /v1/rooms/{room}/ws?name=flood HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    text = json.dumps({"op": "send", "text": "x" * 8_000}).encode()
    frame = b"\x81\xfe" + len(text).to_bytes(2) + bytes(4) + text
    async with door(server, room, name="Ada") as ada:
        for _ in range(60):
            writer.write(frame * 32)
            try:
                async with asyncio.timeout(60):
                    await writer.drain()
            except ConnectionError:
                break
            async with asyncio.timeout(60):
                assert (await answer(ada, op="send", text="still here"))["event_type"] == "ack"
            if not any(one["name"] == "flood" for one in await asyncio.to_thread(present, server, room)):
                break
        assert not any(one["name"] == "flood" for one in await asyncio.to_thread(present, server, room))
    writer.transport.abort()
    assert server.running
