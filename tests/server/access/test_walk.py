"""Attack 1: every route and every command, by every kind of caller, in both dialects, on an open and a closed server.

The tables below have a row for each route and each command, and say what it
needs. A new one without a row fails the tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from chatty.errors import CODES
from chatty.protocol import Command
from chatty.server.platform.network.access.sign_in import SignInHandlers
from chatty.server.platform.network.listener import routes
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import Reads
from chatty.server.settings import Settings
from tests.server.access.callers import Caller, World, started
from tests.support.server import PATIENCE

NOWHERE: Final = 999_999
"""The number of no message: who may change messages learns that there is none, and all others are refused before."""

ANYTHING: Final = "any right at all"
NEITHER: Final = "whoever it is"
UNASKED: Final = "not even a credential is looked at"
NOBODY: Final = "nobody"
RECOGNIZED: Final = "somebody with a key of its own, or a token, wherever that counts"
AS_ITSELF: Final = "somebody with a key of its own, or a token"


class Row(NamedTuple):
    """One way to ask: the rights that it needs, and its outcome for those who have them.

    The needs are letters of read, post, moderate and own, in the room, or ``on``
    the server. ``keyed``: only somebody who can be recognized may ask.
    """

    needs: str
    outcome: int | str
    body: Any = None
    query: str = ""
    on: str = "room"
    room: str = "room"
    keyed: bool = False


def server(needs: str, outcome: int | str, body: Any = None, query: str = "") -> Row:
    return Row(needs, outcome, body, query, on="server")


def rules(moderate: str, see: str, rule: str, on: str) -> dict[str, list[Row]]:
    """The addresses of a scope's rules, with what is needed to moderate, to see and to change them."""
    rows = {
        "GET members": [Row(moderate, 200)],
        "PUT members/{member}": [
            Row(moderate, 204, {"role": "member"}),
            Row(rule, 204, {"role": "moderator", "expires_in": 0.001}),
        ],
        "GET policy": [Row(see, 200)],
        "PUT policy": [Row(moderate, 204, {"locked": False}), Row(rule, 204, {"topic": "member"})],
        "POST restrictions": [Row(moderate, 201, {"act": "mute", "name": "troll"})],
        "GET restrictions": [Row(moderate, 200)],
        "DELETE restrictions/{restriction}": [Row(moderate, "target_not_found")],
        "GET audit": [Row(moderate, 200)],
        "POST invitations": [Row(moderate, 201, {}), Row(rule, 201, {"role": "moderator"})],
        "GET invitations": [Row(moderate, 200)],
        "DELETE invitations/{invitation}": [Row(moderate, "target_not_found")],
        "POST admission": [Row(RECOGNIZED, "not_admitted", {"invitation": "x"})],
    }
    return {route: [row._replace(on=on) for row in asked] for route, asked in rows.items()}


def under(path: str, rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return {f"{method} {path}/{rest}": row for name, row in rows.items() for method, rest in [name.split(" ", 1)]}


MESSAGE: Final = "/v1/rooms/{room}/messages/{seq}"

ROUTES: Final[dict[str, list[Row]]] = {
    "GET /healthz": [server(UNASKED, 200)],
    "GET /readyz": [server(UNASKED, 200)],
    "GET /metrics": [server(UNASKED, 200)],
    "GET /v1": [server(NEITHER, 200)],
    "POST /v1/login": [server(UNASKED, "not_allowed")],  # this server believes nobody else
    "GET /v1/me": [server(NEITHER, 200)],
    "POST /v1/tokens": [
        server(AS_ITSELF, 201, {"role": "reader"}),
        server(AS_ITSELF, 201, {}),
        server("o", 201, {"name": "somebody"}),
        server("o", 201, {"name": "somebody", "room": "{room}"}),
    ],
    "GET /v1/tokens": [server(AS_ITSELF, 200), server("o", 200, query="?all=true")],
    "DELETE /v1/tokens/{token}": [server("o", "target_not_found")],
    "POST /chat": [server("rp", 201, query="?name=room")],
    "POST /v1/rooms": [server("rp", 201, {"name": "room"})],
    "GET /chat/join": [Row("r", "upgrade_required", query="?name={name}&room={room}")],
    "GET /v1/rooms/{room}/ws": [
        Row("r", "upgrade_required", query="?name={name}"),
        Row(ANYTHING, "upgrade_required", query="?join=false"),
    ],
    "GET /v1/rooms/{room}/stream": [Row("r", 204, room="closed")],  # nothing will ever come there
    "GET /v1/rooms/{room}": [Row("r", 200)],
    "DELETE /v1/rooms/{room}": [Row("o", "room_closed", room="closed", keyed=True)],  # it is closed already
    "GET /v1/rooms/{room}/events": [Row("r", 200), Row("r", 200, query="?q=all")],
    "GET /v1/rooms/{room}/participants": [Row("r", 200)],
    "POST /v1/rooms/{room}/messages": [
        Row("p", 201, {"participant": "{name}", "text": "hello"}),
        Row("rp", "message_not_found", {"participant": "{name}", "text": "hello", "reply_to": NOWHERE}),
    ],
    f"PATCH {MESSAGE}": [Row("rp", "message_not_found", {"participant": "{name}", "text": "hello"}, keyed=True)],
    f"DELETE {MESSAGE}": [Row(ANYTHING, "message_not_found", query="?name={name}", keyed=True)],
    f"PUT {MESSAGE}/reactions/{{reaction}}": [Row("rp", "message_not_found", query="?name={name}", keyed=True)],
    f"DELETE {MESSAGE}/reactions/{{reaction}}": [Row("rp", "message_not_found", query="?name={name}", keyed=True)],
    "PUT /v1/rooms/{room}/topic": [Row("rp", 200, {"participant": "{name}", "topic": "tea"}, keyed=True)],
    "POST /v1/rooms/{room}/deletions": [
        Row("m", "message_not_found", {"messages": [NOWHERE]}),
        Row("m", 200, {"name": "ghost"}),
        Row("m", "target_not_found", {"restriction": "x" * 12}),
    ],
    "POST /v1/rooms/{room}/kick": [Row("m", "target_not_found", {"name": "ghost"})],
    **under("/v1/rooms/{room}", rules("m", "r", "o", "room")),
    "GET /v1/cluster": [server("o", "target_not_found")],  # this server is on its own
    "PUT /v1/cluster/level": [server("o", "target_not_found", {"level": 2})],
    "POST /v1/cluster/examinations": [server("o", "target_not_found")],
    **under("/v1/server", rules("o", "o", "o", "server")),
}
"""For each route the ways to ask."""

COMMANDS: Final[dict[str, Row]] = {
    "send": Row("p", "ack", {"text": "hello"}),
    "edit": Row("rp", "message_not_found", {"of": NOWHERE, "text": "hello"}),
    "delete": Row(ANYTHING, "message_not_found", {"of": NOWHERE}),
    "react": Row("rp", "ack", {"reaction": "+"}),
    "topic": Row("rp", "ack", {"topic": "tea"}),
    "rename": Row("rp", "ack", {"name": "renamed-{name}"}),
    "produce": Row(ANYTHING, "producing", {"producer": "2SzErhA2PvYGjf4PQ4pvTh9BfE0"}),
    "typing": Row("rp", "typing", {}),
}
"""For each command of a WebSocket what it needs, and what comes of it."""


def refusal(caller: Caller, row: Row) -> str:
    """The code with which ``caller`` is refused, or an empty string."""
    if row.needs == UNASKED:
        return ""
    if caller.shut_out == "unauthorized" and caller.has_token:
        return "unauthorized"
    if row.needs == NEITHER:
        return ""
    if row.needs == RECOGNIZED:
        return "" if len(caller.credential) >= 32 else ("not_allowed" if caller.credential else "unauthorized")
    has, shut_out = (caller.room, caller.shut_out) if row.on == "room" else (caller.server, "unauthorized")
    if row.needs == AS_ITSELF:
        return _as_itself(caller, row)
    needed = set() if row.needs == ANYTHING else set(row.needs)
    if has and row.keyed and not caller.credential:
        return "unauthorized"
    if has and needed <= set(has):
        return ""
    if row.on == "server" and (has or caller.has_token):
        return "not_allowed"  # it is known, so it is told
    if not has:
        return "room_not_found" if shut_out == "hidden" else shut_out
    return "muted" if caller.kind == "muted" and needed <= set("rp") else "not_allowed"


def _as_itself(caller: Caller, row: Row) -> str:
    """Whether it may see and issue tokens of its own: it needs something that they could be worth."""
    if row.outcome == 200:
        return "" if len(caller.credential) >= 32 else "unauthorized"
    if not caller.server:
        return "not_allowed" if caller.has_token else "unauthorized"
    if len(caller.credential) < 32:
        return "not_allowed"
    return "not_allowed" if row.body and "r" not in caller.server else ""


def outcome(caller: Caller, row: Row) -> tuple[int, str]:
    """The status and the code that ``caller`` has to get."""
    code = refusal(caller, row) or row.outcome
    return (code, "") if isinstance(code, int) else (CODES[code].status, code)


@pytest.fixture(scope="module", params=["open", "token"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    served, secret = started(tmp_path_factory.mktemp("world") / "data", request.param)
    with served:
        yield World(served, request.param, secret)


async def test_every_route_has_a_row(tmp_path: Path) -> None:
    reads = Reads(tmp_path / "chatty.db")
    node = Node(Settings(data=tmp_path), "1", reads, Hub(), Metrics())
    rooms = RoomHandlers(node)
    served = routes(node, rooms, SignInHandlers(node, rooms.may_post))
    assert {f"{route.method} {route.path}" for route in served} == set(ROUTES)
    reads.close()


def test_every_command_has_a_row() -> None:
    assert {command.__struct_config__.tag for command in get_args(Command)} == set(COMMANDS)


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_does_what_the_caller_may_and_nothing_else(world: World, route: str) -> None:
    method, path = route.split()
    line = world.server.line()
    expected, found = {}, {}
    for number, row in enumerate(ROUTES[route]):
        for caller in world.callers:
            expected[caller.kind, number] = outcome(caller, row)
            found[caller.kind, number] = _ask(line, method, path, row, caller, world)
    line.close()
    assert {key: one for key, one in found.items() if one != expected[key]} == {}, expected


def _ask(line: HTTPConnection, method: str, path: str, row: Row, caller: Caller, world: World) -> tuple[int, str]:
    filled = {
        "room": world.closed if row.room == "closed" else world.room, "seq": str(NOWHERE), "reaction": "x",
        "token": "x" * 12, "restriction": "x" * 12, "invitation": "x" * 12, "member": "target", "name": caller.name,
    }  # fmt: skip
    target = (path + row.query).format(**filled)
    body = None if row.body is None else {key: _filled(value, filled) for key, value in row.body.items()}
    headers = caller.headers | ({"Content-Type": "application/json"} if body is not None else {})
    line.request(method, target, body if body is None else json.dumps(body), headers)
    answer = line.getresponse()
    said = answer.read()
    return answer.status, json.loads(said)["code"] if answer.status >= 400 else ""


def _filled(value: Any, filled: dict[str, str]) -> Any:
    return value.format(**filled) if isinstance(value, str) else value


# --- WebSockets ---------------------------------------------------------------------------------------------


def socket_to(world: World, path: str, caller: Caller) -> connect:
    return connect(
        f"ws://127.0.0.1:{world.server.port}{path}",
        subprotocols=["chatty.v1"] if path.startswith("/v1") else None,  # type: ignore[list-item]
        additional_headers=caller.headers,
        proxy=None,
    )


async def hear(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


async def test_a_command_does_what_the_sender_may_and_nothing_else(world: World) -> None:
    expected: dict[tuple[str, str], Any] = {}
    found: dict[tuple[str, str], Any] = {}
    async with socket_to(world, f"/v1/rooms/{world.room}/ws", world.callers[-1]) as witness:
        for caller in world.callers:
            joins = Row("r", "")
            expected[caller.kind, "join"] = refusal(caller, joins)
            expected |= {(caller.kind, op): _answer(caller, op) for op in COMMANDS if _gets_in(caller)}
            found |= {(caller.kind, op): answer for op, answer in (await _talk(world, caller)).items()}
        # What they typed came to the witness before this.
        await witness.send(json.dumps({"op": "send", "text": "that was all", "ref": "end"}))
        while (frame := await hear(witness)).get("ref") != "end":
            if frame["event_type"] == "typing":
                found[frame["participant"].removeprefix("renamed-"), "typing"] = "typing"
    typing = {(caller.kind, "typing"): "typing" for caller in world.callers if set("rp") <= set(caller.room)}
    quiet = {key: value for key, value in expected.items() if key[1] != "typing"}
    assert {(kind.replace("-", " "), op): value for (kind, op), value in found.items()} == quiet | typing


def _gets_in(caller: Caller) -> bool:
    return refusal(caller, Row(ANYTHING, "")) == ""


def _answer(caller: Caller, op: str) -> Any:
    if op == "rename" and caller.has_token and set("rp") <= set(caller.room):
        return "not_allowed"  # its token gives it its name
    return refusal(caller, COMMANDS[op]) or COMMANDS[op].outcome


async def _talk(world: World, caller: Caller) -> dict[str, str]:
    """The answer to each command, over a socket that joined if the caller may."""
    answers = {"join": ""}
    path = f"/v1/rooms/{world.room}/ws"
    name = "" if caller.has_token else f"name={caller.name}"
    try:
        async with socket_to(world, f"{path}?{name}", caller):
            pass
    except InvalidStatus as refused:
        answers["join"] = json.loads(refused.response.body or b"")["code"]
    try:
        async with socket_to(world, f"{path}?{name}&join={str(not answers['join']).lower()}", caller) as socket:
            for op, row in COMMANDS.items():
                body = {key: _filled(value, {"name": caller.name}) for key, value in row.body.items()}
                of = {"of": world.message} if op == "react" else {}
                await socket.send(json.dumps({"op": op, **body, **of}))
                if op != "typing":
                    answers[op] = await _answered(socket)
            # Commands are handled in order, so the last one has been by now.
            await socket.send(json.dumps({"op": "delete", "of": NOWHERE}))
            await _answered(socket)
    except InvalidStatus as refused:
        answers["join"] = json.loads(refused.response.body or b"")["code"]
    return answers


async def _answered(socket: ClientConnection) -> str:
    while (frame := await hear(socket))["event_type"] not in ("ack", "error", "producing"):
        pass
    kind: str = frame.get("code") or frame["event_type"]
    return kind


async def test_the_original_s_clients_do_what_they_may_and_nothing_else(world: World) -> None:
    expected, found = {}, {}
    for caller in world.callers:
        joins, speaks = refusal(caller, Row("r", "")), refusal(caller, Row("p", ""))
        expected[caller.kind] = joins or speaks or "message"
        name = "" if caller.has_token else f"&name={caller.name}"
        try:
            async with socket_to(world, f"/chat/join?room={world.room}{name}", caller) as socket:
                await socket.send("hello")
                while "text" not in (frame := await hear(socket)) and frame["event_type"] != "error":
                    pass
                found[caller.kind] = frame.get("code", "message")
        except InvalidStatus as refused:
            found[caller.kind] = json.loads(refused.response.body or b"")["code"]
    assert {key: one for key, one in found.items() if one != expected[key]} == {}, expected
