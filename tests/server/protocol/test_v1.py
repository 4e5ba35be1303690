"""The v1 dialect over a WebSocket: acks, numbers, resuming, presence."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.server.conftest import heard
from tests.support.server import Server

PRODUCER = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


def door(server: Server, room: str, query: str = "name=John", key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{server.url.replace('http', 'ws', 1)}/v1/rooms/{room}/ws?{query}"
    return connect(url, subprotocols=["chatty.v1"], additional_headers=headers, max_queue=None)  # type: ignore[list-item]


async def until(socket: ClientConnection, kind: str) -> list[Any]:
    """Frames up to the first of ``kind``, that one included."""
    frames: list[Any] = []
    while not frames or frames[-1]["event_type"] != kind:
        frames += await heard(socket, 1)
    return frames


async def say(socket: ClientConnection, **command: object) -> None:
    await socket.send(json.dumps(command))


def get(server: Server, path: str) -> Any:
    with urllib.request.urlopen(f"{server.url}/v1/rooms/{path}") as answer:
        return json.load(answer)


async def test_the_first_frame_welcomes_and_live_follows(server: Server, room: str) -> None:
    async with door(server, room) as john:
        assert john.subprotocol == "chatty.v1"
        welcome, live = await heard(john, 2)
    assert welcome["you"] == {"participant": "John", "can": ["read", "post"]}
    assert welcome["participants"] == ["John"]
    assert (welcome["first"], welcome["last"], welcome["participant_count"]) == (1, 1, 1)
    assert welcome["limits"] == {"message_bytes": 16_384}
    assert live == {"event_type": "live", "last": 1}


async def test_an_ack_comes_before_its_event_and_outcomes_in_the_order_of_commands(server: Server, room: str) -> None:
    async with door(server, room) as john:
        await until(john, "live")
        await say(john, op="produce", producer=PRODUCER)
        assert await heard(john, 1) == [{"event_type": "producing", "accepted": 0}]
        await say(john, op="send", n=1, text="one")
        await say(john, op="send", n=2, text=" ")
        await say(john, op="send", n=2, text="two")
        await say(john, op="send", n=2, text="two")
        await say(john, op="send", n=4, text="four")
        await say(john, op="send", text="loose", ref="mine")
        frames = await until(john, "message")
        while len([f for f in frames if f["event_type"] == "message"]) < 3:
            frames += await heard(john, 1)
    outcomes = [frame for frame in frames if frame["event_type"] in ("ack", "error")]
    assert [(f.get("n"), f.get("seq"), f.get("duplicate"), f.get("code"), f.get("ref")) for f in outcomes] == [
        (1, 2, None, None, None),
        (2, None, None, "message_empty", None),
        (2, 3, None, None, None),
        (2, None, True, None, None),
        (4, None, None, "out_of_order", None),
        (None, 4, None, None, "mine"),
    ]
    for seq in (2, 3, 4):
        kinds = [frame["event_type"] for frame in frames if frame.get("seq") == seq]
        assert kinds == ["ack", "message"]


async def test_resuming_is_exact_or_begins_with_a_gap(server: Server, room: str) -> None:
    async with door(server, room, "name=ci&join=false") as ci:
        (welcome, *_) = await until(ci, "live")
        for number in range(1200):
            await say(ci, op="send", text=str(number))
        while (await heard(ci, 1))[0].get("seq") != 1200:
            pass
    epoch = welcome["epoch"]
    async with door(server, room, f"join=false&since=100&epoch={epoch}") as reader:
        frames = await until(reader, "live")
        assert [frame["seq"] for frame in frames[1:-1]] == list(range(101, 1201))
    for query, reason, first in ((f"since=1201&epoch={epoch}", "ahead", None), ("since=5&epoch=other", "epoch", 1)):
        async with door(server, room, f"join=false&{query}") as reader:
            _, gap, *rest = await until(reader, "live")
            assert (gap["event_type"], gap["reason"], gap["first"], gap["last"]) == ("gap", reason, 1, 1200)
            assert (rest[0].get("seq") if first else rest[0]["event_type"]) == (first or "live")


async def test_last_replays_messages_only(server: Server, room: str) -> None:
    async with door(server, room, "name=ci&join=false") as ci:
        await until(ci, "live")
        for number in range(3):
            await say(ci, op="send", text=str(number))
        while (await heard(ci, 1))[0].get("seq") != 3:
            pass
    for _ in range(5):
        async with door(server, room):
            pass
    async with door(server, room, "join=false&last=2") as reader:
        frames = await until(reader, "live")
        assert [frame["text"] for frame in frames if frame["event_type"] == "message"] == ["1", "2"]
        assert len([frame for frame in frames if "seq" in frame and frame["event_type"] != "message"]) <= 1


async def test_connections_of_one_key_are_one_participant(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", "ada") as ada:
        await until(ada, "live")
        async with door(server, room, "name=John", "john") as one, door(server, room, "name=John", "john") as two:
            assert (await heard(two, 1))[0]["participant_count"] == 2
            await one.close()
            await say(two, op="send", text="still here")
            assert [f["event_type"] for f in await heard(ada, 2)] == ["participant_joined", "message"]
        assert [f["event_type"] for f in await heard(ada, 1)] == ["participant_left"]


async def test_a_member_that_is_cut_off_is_away_and_comes_back_without_an_event(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", "ada") as ada:
        await until(ada, "live")
        async with door(server, room, "name=John", "john") as john:
            await until(john, "live")
            john.transport.abort()
        away: list[Any] = []
        while not away:
            await asyncio.sleep(0.01)
            answer = await asyncio.to_thread(get, server, f"{room}/participants")
            away = [participant for participant in answer["participants"] if participant["away"]]
        async with door(server, room, "name=John", "john") as john:
            await until(john, "live")
            await say(john, op="send", text="back")
            assert [f["event_type"] for f in await heard(ada, 2)] == ["participant_joined", "message"]


async def test_a_name_belongs_to_one_key(server: Server, room: str) -> None:
    async with door(server, room, "name=John", "john"), door(server, room, "name=john&join=false", "other") as other:
        await until(other, "live")
        await say(other, op="send", text="it is me")
        assert (await heard(other, 1))[0]["code"] == "name_taken"


async def test_ten_invalid_commands_running_close_with_4501(server: Server, room: str) -> None:
    async with door(server, room) as john:
        await until(john, "live")
        for text in ("[]", "nonsense", '{"op":"fly"}', '{"op":"send"}', '{"op":"send","text":5}') * 2:
            await john.send(text)
        assert {frame["code"] for frame in await heard(john, 10)} == {"bad_request"}
        with pytest.raises(ConnectionClosed):
            await john.recv()
        assert john.close_code == 4501


async def test_a_valid_command_starts_the_count_anew(server: Server, room: str) -> None:
    async with door(server, room) as john:
        await until(john, "live")
        for _ in range(4):
            for _ in range(6):
                await john.send("nonsense")
            await say(john, op="send", text="fine")
        texts: list[Any] = []
        while len(texts) < 4:
            texts += [frame for frame in await heard(john, 1) if frame["event_type"] == "message"]


async def test_a_closed_room_is_read_to_its_end_and_closes_with_4510(server: Server) -> None:
    created = server.make_room()
    room = created["id"]
    async with door(server, room):
        pass
    request = urllib.request.Request(
        f"{server.url}/v1/rooms/{room}", method="DELETE", headers={"Authorization": f"Bearer {created['owner_token']}"}
    )
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())
    async with door(server, room, "join=false&since=0") as reader:
        frames = await until(reader, "live")
        assert frames[-2]["event_type"] == "room_closed"
        with pytest.raises(ConnectionClosed):
            await reader.recv()
        assert reader.close_code == 4510
    assert (await asyncio.to_thread(get, server, f"{room}/events"))["events"][-1]["event_type"] == "room_closed"
