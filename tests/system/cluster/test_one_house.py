"""Three nodes are one house: what is done at one of them is so at the others."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

import chatty
from chatty.protocol import Typing
from tests.support.cluster import NAMES, Cluster
from tests.support.server import PATIENCE, Server

KEY = "a key that is long enough to be told from others"


def rooms_called(node: Server, name: str) -> list[str]:
    """The ids of the rooms of that name in a node's database."""
    with closing(sqlite3.connect(f"{(node.data / 'chatty.db').as_uri()}?mode=ro", uri=True)) as db:
        return [room for (room,) in db.execute("SELECT id FROM rooms WHERE name = ? AND closed_at = 0", (name,))]


def post(cluster: Cluster, node: str, room_id: str, text: str, key: str) -> tuple[int, int]:
    """The status and the message's number."""
    request = urllib.request.Request(
        f"{cluster[node].url}/v1/rooms/{room_id}/messages",
        json.dumps({"participant": "ada", "text": text}).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    with urllib.request.urlopen(request) as response:
        return response.status, json.load(response)["seq"]


def test_the_room_that_three_nodes_are_started_with_is_one_and_another_follows_it(cluster: Cluster) -> None:
    (general,) = {room for node in cluster.nodes.values() for room in rooms_called(node, "general")}
    cluster["a"].operate("DELETE", f"/v1/rooms/{general}")
    for node in cluster.nodes.values():
        node.restart()
    (other,) = {room for node in cluster.nodes.values() for room in rooms_called(node, "general")}
    assert other != general


def test_one_idempotency_key_at_three_nodes_is_one_message(cluster: Cluster, room_id: str) -> None:
    answers = [post(cluster, node, room_id, "once", "a key") for node in NAMES * 2]
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert len({seq for _, seq in answers}) == 1
    assert [node.texts(room_id) for node in cluster.nodes.values()] == [["once"]] * 3


async def test_a_name_is_taken_on_all_nodes_at_once(cluster: Cluster, room_id: str) -> None:
    async def join(node: str) -> chatty.Room | str:
        room = chatty.join(cluster[node].url, room_id, name="Ada")
        try:
            return await room.__aenter__()
        except chatty.Refused as refused:
            return refused.code

    found = await asyncio.gather(*(join(node) for node in NAMES * 2))
    assert [one for one in found if isinstance(one, str)] == ["name_taken"] * 5
    for one in found:
        if isinstance(one, chatty.Room):
            await one.close()


async def press_keys(room: chatty.Room) -> None:
    """Types, until it is cancelled."""
    while True:
        room.typing()
        await asyncio.sleep(0.1)


async def test_typing_is_seen_at_other_nodes(cluster: Cluster, room_id: str) -> None:
    async with (
        chatty.join(cluster["a"].url, room_id, name="Ada") as ada,
        chatty.join(cluster["b"].url, room_id, name="Bo") as bo,
    ):
        keys = asyncio.create_task(press_keys(ada))  # one alone may get lost
        async with asyncio.timeout(60):
            async for frame, _, _ in bo.frames():
                if isinstance(frame, Typing):
                    assert frame.participant == "Ada"
                    break
        keys.cancel()


async def test_a_new_name_holds_for_the_same_participant_at_another_node(cluster: Cluster, room_id: str) -> None:
    async with (
        chatty.join(cluster["a"].url, room_id, name="Ada", key=KEY) as here,
        chatty.join(cluster["b"].url, room_id, name="Ada", key=KEY) as there,
    ):
        await here.rename("Ada L.")
        await there.send("hello")
        async with asyncio.timeout(60):
            async for event in here:
                if isinstance(event, chatty.Message):
                    assert event.participant == "Ada L."
                    return


async def test_what_is_acknowledged_at_one_node_is_read_at_another_at_once(cluster: Cluster, room_id: str) -> None:
    async with chatty.join(cluster["a"].url, room_id, name="Ada", participate=False) as ada:
        async with chatty.Http(cluster["c"].url) as http:
            for number in range(50):
                ack = await ada.send(f"message {number}")
                assert (await http.events(room_id)).last == ack.seq


def test_a_room_is_found_at_another_node_as_soon_as_it_is_made(cluster: Cluster) -> None:
    for number in range(20):
        made = cluster["a"].make_room(f"room {number}")
        assert cluster["b"].ask("GET", f"/v1/rooms/{made['id']}")["name"] == f"room {number}"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        cluster["c"].ask("GET", "/v1/rooms/3MkcQUMq9mnBX9UOXZrOwtTMhX9")


def say(node: Server, room_id: str, key: str, address: str) -> int:
    """The status of a message from ``address``, behind a proxy."""
    request = urllib.request.Request(
        f"{node.url}/v1/rooms/{room_id}/messages",
        json.dumps({"participant": key.split()[0], "text": "hello"}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}", "X-Forwarded-For": address},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_ban_at_one_node_holds_at_others_for_the_address_that_a_third_one_saw(cluster: Cluster) -> None:
    room_id = cluster["a"].make_room("banned")["id"]
    path = f"/v1/rooms/{room_id}/restrictions"
    assert say(cluster["a"], room_id, "mallory " * 6, "192.0.2.66") == 201
    deadline = time.monotonic() + PATIENCE
    while "address" not in cluster["b"].operate("POST", path, {"act": "ban", "of": 1})["holds_for"]:
        assert time.monotonic() < deadline  # the nodes tell each other beside the log
    assert say(cluster["c"], room_id, "trudy " * 8, "192.0.2.66") == 403
    assert say(cluster["c"], room_id, "victor " * 7, "192.0.2.67") == 201
