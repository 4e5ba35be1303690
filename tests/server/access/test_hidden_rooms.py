"""Attacks 4 and 5: a room that somebody may not see isn't there, in both dialects, for reading and for writing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.server.access.callers import World, started
from tests.server.access.test_walk import ROUTES
from tests.server.asking import UPGRADE, ask, raw, refusal

MISSING: Final = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
KEYS: Final = {"nobody": "", "a weak key": "x", "a key": "x" * 43}


@pytest.fixture(scope="module", params=["open", "token"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With a room that is only for those who were let in, and one such room that is closed."""
    served, secret = started(tmp_path_factory.mktemp("world") / "data", request.param)
    with served:
        world = World(served, request.param, secret)
        for room in (world.room, world.closed):
            world.rule("PUT", f"/v1/rooms/{room}/policy", {"everyone": "nobody"})
        yield world


@pytest.fixture(scope="module")
def stranger(world: World) -> str:
    """A token of somebody who may use the server, and was let into no room."""
    return world.issue(name="stranger")


BODIES: Final[dict[str, Any]] = {
    "members": {"role": "member"}, "policy": {"locked": True}, "restrictions": {"act": "ban", "name": "x"},
    "kick": {"name": "x"}, "messages": {"participant": "stranger", "text": "x"},
    "topic": {"participant": "stranger", "topic": "x"}, "invitations": {}, "admission": {"invitation": "x"},
}  # fmt: skip
IN_ROOMS: Final = [route for route in ROUTES if "{room}" in route]


def response(world: World, method: str, path: str, room: str, credential: str, body: Any) -> bytes:
    """All of a response, byte for byte, but for the time and the room's id."""
    target = path.format(room=room, seq=1, reaction="x", member="x", restriction="x", invitation="x")
    data = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(data)}"]
    head.append("X-Request-ID: the-same")
    head += ["Content-Type: application/json"] if data else []
    head += [f"Authorization: Bearer {credential}"] if credential else []
    answer = raw(world.server, "\r\n".join([*head, "", ""]).encode() + data)
    return re.sub(rb"Date: [^\r]*", b"", answer).replace(room.encode(), b"ROOM")


@pytest.mark.parametrize("route", [*IN_ROOMS, "GET /v1/rooms/{room}/ws?name=x", "GET /v1/rooms/{room}/ws?join=false"])
def test_a_hidden_room_answers_as_one_that_is_missing_byte_for_byte(world: World, stranger: str, route: str) -> None:
    """Attack 5."""
    method, path = route.split(" ")
    body = next((body for part, body in BODIES.items() if part in path and method != "GET"), None)
    for credential in (*KEYS.values(), stranger):
        missing = response(world, method, path, MISSING, credential, body)
        assert missing.split(b" ")[1] in (b"401", b"404", b"400") or path.endswith("admission"), missing
        for room in (world.room, world.closed):
            assert response(world, method, path, room, credential, body) == missing


def test_asking_for_a_token_answers_alike_too(world: World, stranger: str) -> None:
    """Attack 5: other bodies name rooms, too."""
    for credential in (*KEYS.values(), stranger):
        for body in ({}, {"role": "reader"}, {"role": "owner"}, {"name": "ci"}, {"name": "ci", "role": "poster"}):
            missing, hidden = (
                response(world, "POST", "/v1/tokens", "unused", credential, body | {"room": room})
                for room in (MISSING, world.room)
            )
            assert hidden == missing
            assert missing.split(b" ")[1] in (b"401", b"403", b"404")


OF_EACH = ("Date", "X-Request-ID")
"""Headers that differ from answer to answer."""


async def handshake(world: World, path: str, credential: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    try:
        async with connect(f"ws://127.0.0.1:{world.server.port}{path}", additional_headers=headers, proxy=None):
            raise AssertionError(path)
    except InvalidStatus as refused:
        response = refused.response
        kept = {name: value for name, value in response.headers.raw_items() if name not in OF_EACH}
        return response.status_code, kept, bytes(response.body or b"")


@pytest.mark.parametrize("path", ["/chat/join?room={room}&name={name}", "/v1/rooms/{room}/ws?name={name}"])
async def test_a_handshake_is_refused_alike_by_a_hidden_room_and_a_missing_one(
    world: World, stranger: str, path: str
) -> None:
    """Attack 5: here it is the writer that decides."""
    for credential in (*KEYS.values(), stranger):
        name = "stranger" if credential == stranger else "x"
        missing = await handshake(world, path.format(room=MISSING, name=name), credential)
        for room in (world.room, world.closed):
            assert await handshake(world, path.format(room=room, name=name), credential) == missing
        expected = 404 if credential == stranger or world.mode == "open" else 401
        assert missing[0] == expected


def test_where_nobody_is_let_in_strangers_get_one_answer_for_all(world: World) -> None:
    """Attack 4: token mode through the original's dialect."""
    visible = world.rule("POST", "/v1/rooms", {"name": "visible"})["id"]
    for key in KEYS.values():
        headers = UPGRADE | ({"Authorization": f"Bearer {key}"} if key else {})
        for room in (visible, world.room, MISSING, "x"):
            answer = ask(world.server, "GET", f"/chat/join?name=x&room={room}", headers=headers | {"Connection": "x"})
            if world.mode == "token":
                assert refusal(answer) == (401, "unauthorized")
            else:
                assert refusal(answer) == ((426, "upgrade_required") if room == visible else (404, "room_not_found"))
        made = ask(world.server, "POST", "/chat?name=x", headers=headers | {"Connection": "x"})
        assert made.status == (401 if world.mode == "token" else 201)


AT_THE_DOOR: Final[dict[str, list[tuple[str, str, Any]]]] = {
    "room_not_found": [("PUT", "policy", {"everyone": "nobody"})],
    "banned": [("POST", "restrictions", {"act": "ban", "name": "dora"})],
    "not_allowed": [("PUT", "members/dora", {"role": "poster"})],
}
INSIDE: Final[dict[str, list[tuple[str, str, Any]]]] = {
    "muted": [("POST", "restrictions", {"act": "mute", "name": "dora"})],
    "room_locked": [("PUT", "policy", {"locked": True})],
    "not_allowed": [("PUT", "members/dora", {"role": "reader"}), ("PUT", "policy", {"everyone": "reader"})],
}


def ruled(world: World, ruling: tuple[str, str, Any]) -> tuple[str, connect]:
    """A room in which something was ruled, and a connection of one of the original's clients to it."""
    dora, room = world.issue(name="dora"), world.rule("POST", "/v1/rooms", {"name": "x"})["id"]
    method, path, body = ruling
    world.rule(method, f"/v1/rooms/{room}/{path}", body)
    url = f"ws://127.0.0.1:{world.server.port}/chat/join?room={room}"
    return room, connect(url, additional_headers={"Authorization": f"Bearer {dora}"}, proxy=None)


@pytest.mark.parametrize("code", AT_THE_DOOR)
async def test_somebody_without_the_right_to_read_does_not_get_in_by_the_original_s_dialect(
    world: World, code: str
) -> None:
    """Attack 4: policy nobody, banned, a role that is less."""
    for ruling in AT_THE_DOOR[code]:
        _, joining = await asyncio.to_thread(ruled, world, ruling)
        with pytest.raises(InvalidStatus) as refused:
            await joining
        assert json.loads(refused.value.response.body or b"")["code"] == code


@pytest.mark.parametrize("code", INSIDE)
async def test_somebody_without_the_right_to_post_is_not_heard_by_the_original_s_dialect(
    world: World, code: str
) -> None:
    """Attack 4: muted, locked, a role that only reads."""
    for ruling in INSIDE[code]:
        room, joining = await asyncio.to_thread(ruled, world, ruling)
        async with joining as socket:
            await socket.send("hello")
            frames = [json.loads(await socket.recv()) for _ in range(2)]
        assert frames[0] == {"event_type": "participant_joined", "participant": "dora"}
        assert (frames[1]["event_type"], frames[1]["code"]) == ("error", code)
        history = await asyncio.to_thread(world.rule, "GET", f"/v1/rooms/{room}/events?type=message")
        assert history["events"] == []
