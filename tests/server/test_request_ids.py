"""Every request has an id, which its answer and the log bear."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from chatty.credentials import new_token
from chatty.server import request_ids
from tests.server.asking import ask
from tests.support.server import Server

TOKEN = new_token()
NEW = re.compile(r"[0-9a-f]{16}")


@pytest.mark.parametrize("given", ["a", "01JDS.r-1_x", "7d1a4f6e-0b2c-4c2b-9e53-7a1df3f5a7f0", "k=/+@:", "x" * 64])
def test_an_id_that_a_proxy_gave_is_kept(given: str) -> None:
    assert request_ids.begin(given) == request_ids.current() == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", 'a"b', "a\nb", "ü", "a;b", TOKEN], ids=range(8))
def test_an_id_that_could_harm_a_log_is_replaced(given: str) -> None:
    assert NEW.fullmatch(request_ids.begin(given))


def test_every_answer_bears_an_id_of_its_own(server: Server, room: str) -> None:
    paths = ["/healthz", f"/v1/rooms/{room}", "/v1/rooms/none", "/nowhere"]
    ids = [ask(server, "GET", path).headers["X-Request-ID"] for path in paths]
    assert all(map(NEW.fullmatch, ids))
    assert len(set(ids)) == len(ids)
    assert (
        ask(server, "GET", "/healthz", headers={"X-Request-ID": "of-a-proxy"}).headers["X-Request-ID"] == "of-a-proxy"
    )


def test_so_does_the_answer_to_what_is_not_even_http(server: Server) -> None:
    with server.dial() as line:
        line.sendall(b"what?\r\n\r\n")
        answer = line.makefile("rb").read().decode()
    assert re.search(r"^X-Request-ID: [0-9a-f]{16}\r$", answer, re.MULTILINE)


async def test_so_does_the_answer_to_a_handshake(server: Server, room: str) -> None:
    url = f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?name=Ada"
    async with connect(url, additional_headers={"X-Request-ID": "shake"}) as socket:
        assert socket.response is not None
        assert socket.response.headers["X-Request-ID"] == "shake"


def test_requests_of_one_connection_keep_their_ids_apart(server: Server) -> None:
    line = server.line()
    for given in ("one", None, "three"):
        line.request("GET", "/healthz", headers={"X-Request-ID": given} if given else {})
        response = line.getresponse()
        response.read()
        assert (response.headers["X-Request-ID"] == given) == (given is not None)
    line.close()


FAILING = """
from chatty.server.platform.network import rooms
async def fail(self, request):
    raise RuntimeError("a fault")
rooms.RoomHandlers.show = fail
from chatty.cli import main
main()
"""


def lines_of(server: Server, request_id: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, server.log.splitlines()) if line.get("request_id") == request_id]


def test_everything_that_is_logged_about_a_request_has_its_id(tmp_path: Path) -> None:
    program = (sys.executable, "-c", FAILING)
    with Server(tmp_path / "data", "--log-format", "json", program=program) as server:
        room = server.make_room()["id"]
        answer = ask(server, "GET", f"/v1/rooms/{room}", headers={"X-Request-ID": "find-me"})
        assert (answer.status, answer.json["code"], answer.json["request_id"]) == (500, "internal", "find-me")
        assert ask(server, "GET", "/healthz", headers={"X-Request-ID": "fine"}).status == 200
        cause, line = lines_of(server, "find-me")
        assert cause["error"] == "RuntimeError: a fault"
        assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/rooms/{room}", 500)
        assert room not in json.dumps(line)
        assert lines_of(server, "fine") == []


async def test_a_task_that_a_request_starts_logs_under_its_id() -> None:
    request_ids.begin("outer")
    assert await asyncio.create_task(asyncio.to_thread(request_ids.current)) == "outer"
