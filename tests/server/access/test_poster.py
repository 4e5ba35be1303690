"""Attack 17: somebody who only posts reads nothing, in no way: a token in a build server tells a thief nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.server.access.callers import World, started
from tests.server.asking import Answer, ask, refusal
from tests.support.wire import Ended, Wire

SECRET: Final = "the plan"
NOWHERE: Final = 999
PRODUCER: Final = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


@pytest.fixture(scope="module", params=["open", "token"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    served, secret = started(tmp_path_factory.mktemp("world") / "data", request.param)
    with served:
        yield World(served, request.param, secret)


class Room:
    """A room with a topic, a message and a member, and a job's token with which one only posts there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id = world.rule("POST", "/v1/rooms", {"name": "deploys", "topic": SECRET})["id"]
        self.token = world.issue(name="ci", room=self.id, role="poster")
        self.said = world.rule("POST", self.path("messages"), {"participant": "admin", "text": SECRET})["seq"]

    def path(self, rest: str) -> str:
        return f"/v1/rooms/{self.id}/{rest}".rstrip("/")

    def ask(self, method: str, rest: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.world.server, method, self.path(rest), body, sent | {"Authorization": f"Bearer {self.token}"})

    def post(self, text: str, key: str = "", **more: Any) -> Answer:
        headers = {"Idempotency_Key": key} if key else {}
        return self.ask("POST", "messages", {"participant": "ci", "text": text} | more, **headers)

    def wire(self) -> Wire:
        return Wire(self.world.server.url, self.id, key=self.token, join="false")


@pytest.fixture
def room(world: World) -> Room:
    return Room(world)


@pytest.mark.parametrize(
    "rest",
    ["", "events", "events?after=0", "events?q=plan", "events?from=admin", "participants", "stream", "policy",
     "members", "restrictions", "audit", "ws"],
)  # fmt: skip
def test_nothing_of_the_room_can_be_read(room: Room, rest: str) -> None:
    """History, search, stream, participants, information, rules."""
    answer = room.ask("GET", rest)
    assert refusal(answer) == (403, "not_allowed")
    assert SECRET.encode() not in answer.body


def test_a_message_is_taken_and_nothing_comes_back_not_even_its_number(room: Room) -> None:
    answer = room.post("built")
    assert (answer.status, answer.json) == (201, {"event_type": "ack"})
    assert room.world.server.ask("GET", room.path("events"), token=room.world.admin)["events"][-1]["text"] == "built"


def test_a_repeated_request_is_told_so_and_nothing_else(room: Room) -> None:
    room.post("built", "key-1")
    answer = room.post("built", "key-1")
    assert (answer.status, answer.json) == (200, {"event_type": "ack", "duplicate": True})
    assert refusal(room.post("something else", "key-1")) == (409, "idempotency_conflict")


def test_another_identity_s_idempotency_key_has_no_effect(room: Room) -> None:
    body = {"participant": "admin", "text": "built"}
    admin = {"Authorization": f"Bearer {room.world.admin}", "Idempotency-Key": "key-1"}
    first = ask(room.world.server, "POST", room.path("messages"), body, admin)
    for text in ("built", "something else"):
        assert room.post(text, f"{'key-1'}").status == (201 if text == "built" else 409)
    again = ask(room.world.server, "POST", room.path("messages"), body, admin)
    assert (again.status, again.json["seq"]) == (200, first.json["seq"])


def test_no_refusal_tells_which_messages_there_are(room: Room) -> None:
    """The oracle of replies, edits, deletions and reactions."""
    admin = {"Authorization": f"Bearer {room.world.admin}"}
    deleted = ask(
        room.world.server, "POST", room.path("messages"), {"participant": "admin", "text": "x"}, admin
    ).json["seq"]  # fmt: skip
    ask(room.world.server, "DELETE", room.path(f"messages/{deleted}?name=admin"), headers=admin)

    def told(of: int) -> list[tuple[int, bytes]]:
        edited = {"participant": "ci", "text": "x"}
        answers = [
            room.post("re", reply_to=of), room.ask("PATCH", f"messages/{of}", edited),
            room.ask("DELETE", f"messages/{of}?name=ci"), room.ask("PUT", f"messages/{of}/reactions/x?name=ci"),
            room.ask("DELETE", f"messages/{of}/reactions/x?name=ci"),
        ]  # fmt: skip
        return [(answer.status, answer.body) for answer in answers]

    assert told(room.said) == told(deleted) == told(NOWHERE)
    assert {status for status, _ in told(room.said)} == {403, 404}


def test_what_one_has_said_can_be_taken_back_without_a_word_of_the_rest(room: Room) -> None:
    room.post("oops")
    answer = room.ask("DELETE", f"messages/{room.said + 1}?name=ci")
    assert (answer.status, answer.body) == (204, b"")


async def test_a_socket_says_nothing_but_whether_messages_are_taken(room: Room) -> None:
    """Welcome, acks, repeated numbers, replies, typing; and what others do meanwhile."""
    heard: list[Any] = []

    async def say(**command: Any) -> Any:
        await wire.say(**command)
        heard.append(await wire.hear())
        return heard[-1]

    async with (
        Wire(room.world.server.url, room.id, key=room.world.admin) as member,
        room.wire() as wire,
    ):
        await member.until("live")
        heard += await wire.until("live")
        assert heard[0]["you"] == {"can": ["post"]}
        await member.say(op="send", text=SECRET, ref="1")
        await member.say(op="typing")
        await member.say(op="topic", topic=SECRET, ref="2")
        assert (await member.until("topic_changed"))[-1]["topic"] == SECRET
        assert await say(op="send", text="built", ref="1") == {"event_type": "ack", "ref": "1"}
        assert (await say(op="produce", producer=PRODUCER))["accepted"] == 0
        assert await say(op="send", text="built", n=1) == {"event_type": "ack", "n": 1}
        assert await say(op="send", text="built", n=1) == {"event_type": "ack", "n": 1, "duplicate": True}
        refused = [await say(op="send", text="re", reply_to=of) for of in (room.said, NOWHERE)]
        assert refused[0] == refused[1]
        refused = [await say(op="delete", of=of) for of in (room.said, NOWHERE)]
        assert refused[0] == refused[1]
        for command in (
            {"op": "rename", "name": "admin"},
            {"op": "rename", "name": "nobody"},
            {"op": "topic", "topic": "x"},
        ):
            assert (await say(**command))["code"] == "not_allowed"
        await wire.say(op="typing")
        assert (await say(op="send", text="that was all"))["event_type"] == "ack"
    assert {frame["event_type"] for frame in heard} == {"welcome", "live", "ack", "producing", "error"}
    assert SECRET not in json.dumps(heard)
    assert "admin" not in json.dumps(heard)
    numbers = re.findall(r'"(?:seq|first|last|participant_count)": ([1-9][0-9]*)', json.dumps(heard))
    assert numbers == []


@pytest.mark.parametrize("ruling", ["ban", "role", "revoke"])
async def test_a_socket_ends_with_the_right_to_post(room: Room, ruling: str) -> None:
    """It listens to nothing, and still must not stay open when the last right is gone."""
    world = room.world
    async with room.wire() as wire:
        await wire.until("live")
        if ruling == "ban":
            world.rule("POST", room.path("restrictions"), {"act": "ban", "name": "ci"})
        elif ruling == "role":
            world.rule("PUT", room.path("members/ci"), {"role": "nobody"})
            world.rule("PUT", room.path("policy"), {"everyone": "nobody"})
        else:
            tokens = world.rule("GET", "/v1/tokens?all=true")["tokens"]
            world.rule("DELETE", "/v1/tokens/" + next(one["id"] for one in tokens if one.get("room") == room.id))
        with pytest.raises(Ended) as ended:
            await wire.hear()
    assert ended.value.code == (4020 if ruling == "revoke" else 4503)


async def test_a_socket_waits_for_the_end_of_a_mute(room: Room) -> None:
    async with room.wire() as wire:
        await wire.until("live")
        made = room.world.rule("POST", room.path("restrictions"), {"act": "mute", "name": "ci"})
        await silenced(wire, "muted")
        room.world.rule("DELETE", room.path(f"restrictions/{made['id']}"))
        await heard_again(wire)


async def test_a_socket_waits_until_the_room_is_unlocked(room: Room) -> None:
    async with room.wire() as wire:
        await wire.until("live")
        room.world.rule("PUT", room.path("policy"), {"locked": True})
        await silenced(wire, "room_locked")
        room.world.rule("PUT", room.path("policy"), {"locked": False})
        await heard_again(wire)


async def silenced(wire: Wire, code: str) -> None:
    assert await wire.hear() == {"event_type": "you", "can": []}
    await wire.say(op="send", text="x", ref="1")
    assert (await wire.hear())["code"] == code


async def heard_again(wire: Wire) -> None:
    assert await wire.hear() == {"event_type": "you", "can": ["post"]}
    await wire.say(op="send", text="x", ref="2")
    assert await wire.hear() == {"event_type": "ack", "ref": "2"}
