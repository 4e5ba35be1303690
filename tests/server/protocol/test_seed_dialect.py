"""Clients of the original service get its documented behavior, to the letter."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.asking import close_code
from tests.server.conftest import heard
from tests.support.server import Server


def door(server: Server, room: str, name: str) -> str:
    return f"{server.url.replace('http', 'ws', 1)}/chat/join?name={quote(name)}&room={room}"


async def refusal(url: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url):
            pass
    body: dict[str, Any] = json.loads(caught.value.response.body or b"{}")
    return caught.value.response.status_code, body["code"]


def test_creating_a_room_answers_with_exactly_its_id_and_name(server: Server) -> None:
    request = urllib.request.Request(f"{server.url}/chat?name=RoomName", method="POST")
    with urllib.request.urlopen(request) as answer:
        created = json.load(answer)
        assert answer.status == 201
    assert list(created) == ["id", "name"]
    assert created["name"] == "RoomName"
    assert len(created["id"]) == 27
    assert created["id"].isalnum()


async def test_everyone_hears_the_same_in_one_order_and_a_joiner_itself_first(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john, connect(door(server, room, "Ada")) as ada:
        await john.send("Hello World!")
        first = await heard(john, 3)
        assert first == [
            {"event_type": "participant_joined", "participant": "John"},
            {"event_type": "participant_joined", "participant": "Ada"},
            {"text": "Hello World!", "participant": "John"},
        ]
        assert await heard(ada, 2) == first[1:]
        await ada.close()
        assert await heard(john, 1) == [{"event_type": "participant_left", "participant": "Ada"}]


async def test_a_frame_is_byte_for_byte_as_the_original_documented_it(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await john.send("Hello World!")
        assert await john.recv() == '{"event_type":"participant_joined","participant":"John"}'
        assert await john.recv() == '{"text":"Hello World!","participant":"John"}'


@pytest.mark.parametrize(
    "text", ['"quoted"', "two\nlines\r\n", "😀 é \u202e", '{"op":"send"}', "a\0b", " padded ", "x" * 16_384, "\\u0000"]
)
async def test_a_text_arrives_as_it_was_sent(server: Server, room: str, text: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await john.send(text)
        assert (await heard(john, 2))[1] == {"text": text, "participant": "John"}


@pytest.mark.parametrize(
    ("text", "code"), [("", "message_empty"), (" \n\t", "message_empty"), ("x" * 16_385, "message_too_long")]
)
async def test_a_refused_text_is_reported_to_its_sender_alone_who_stays(
    server: Server, room: str, text: str, code: str
) -> None:
    async with connect(door(server, room, "John")) as john, connect(door(server, room, "Ada")) as ada:
        await john.send("before")
        await john.send(text)
        await john.send("after")
        john_heard = await heard(john, 5)
        assert [frame.get("text", frame.get("event_type")) for frame in john_heard if "participant" in frame] == [
            "participant_joined", "participant_joined", "before", "after",
        ]  # fmt: skip
        (error,) = [frame for frame in john_heard if frame.get("event_type") == "error"]
        assert list(error) == ["event_type", "code", "message"]
        assert error["code"] == code
        assert [frame.get("text") for frame in await heard(ada, 3)][1:] == ["before", "after"]


async def test_many_messages_keep_their_order(server: Server, room: str) -> None:
    # A client has to read in order to see the answer to its close frame.
    async with connect(door(server, room, "John"), max_queue=None) as john, connect(door(server, room, "Ada")) as ada:
        for number in range(500):
            await john.send(str(number))
        frames = await heard(ada, 501)
        assert [frame["text"] for frame in frames[1:]] == [str(number) for number in range(500)]


async def test_refusals_come_before_the_upgrade(server: Server, room: str) -> None:
    nowhere = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
    assert await refusal(door(server, room, "")) == (400, "name_invalid")
    assert await refusal(door(server, room, "x" * 33)) == (400, "name_invalid")
    assert await refusal(door(server, room, "a\x07b")) == (400, "name_invalid")
    assert await refusal(door(server, room, "Bob │ x")) == (400, "name_invalid")
    assert await refusal(door(server, "", "John")) == (400, "bad_request")
    assert await refusal(door(server, nowhere, "John")) == (404, "room_not_found")
    async with connect(door(server, room, "John")):
        assert await refusal(door(server, room, "John")) == (409, "name_taken")
        assert await refusal(door(server, room, "JOHN")) == (409, "name_taken")
        assert await refusal(door(server, room, "Ｊohn")) == (409, "name_taken")


def test_joining_without_an_upgrade_is_refused_with_the_reason(server: Server, room: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/chat/join?name=John&room={room}")
    assert (caught.value.code, json.load(caught.value)["code"]) == (426, "upgrade_required")


async def test_a_name_is_free_again_when_its_holder_has_left(server: Server, room: str) -> None:
    async with connect(door(server, room, "Ada")) as ada:
        async with connect(door(server, room, "John")):
            pass
        assert (await heard(ada, 3))[2] == {"event_type": "participant_left", "participant": "John"}
        async with connect(door(server, room, "John")) as john:
            assert await heard(john, 1) == [{"event_type": "participant_joined", "participant": "John"}]


async def test_a_binary_frame_closes_with_1003(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await john.send(b"\x00\x01")
        assert await close_code(john) == 1003


async def test_a_frame_over_128_kib_closes_with_1009(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await john.send("x" * (128 * 1024))
        assert (await heard(john, 2))[1]["code"] == "message_too_long"
        await john.send("x" * (128 * 1024 + 1))
        assert await close_code(john) == 1009


async def test_invalid_utf8_closes_with_1007(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await john.send(b"\xff\xfe", text=True)
        assert await close_code(john) == 1007


async def test_compression_is_not_negotiated(server: Server, room: str) -> None:
    async with connect(door(server, room, "John"), compression="deflate") as john:
        assert john.protocol.extensions == []


async def test_the_rooms_end_is_delivered_and_closes_with_4510(server: Server) -> None:
    created = server.make_room()
    async with connect(door(server, created["id"], "John")) as john:
        await asyncio.to_thread(server.ask, "DELETE", f"/v1/rooms/{created['id']}", token=created["owner_token"])
        assert (await heard(john, 2))[1] == {"event_type": "room_closed"}
        assert await close_code(john) == 4510
    assert await refusal(door(server, created["id"], "John")) == (410, "room_closed")


async def test_a_ping_is_answered_and_a_flood_of_them_closes_with_4013(server: Server, room: str) -> None:
    async with connect(door(server, room, "John")) as john:
        await (await john.ping(b"are you there?"))
        with suppress(ConnectionClosed):  # or all of them fit into what the kernel holds
            for _ in range(10_000):
                await john.ping()
        assert await close_code(john) == 4013
