"""Readers take turns and have limits; probes are shared; nobody on this machine is ever limited."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chatty.client.http import Http
from chatty.errors import Refused
from chatty.protocol import Page
from chatty.server.platform.network.access.routes import Route, add_routes
from chatty.server.platform.network.addresses import TRUSTED_PROXIES, TrustedProxies
from chatty.server.platform.network.rate_limit import FLEET
from chatty.server.platform.network.reading import AT_ONCE, BURST, Reading
from chatty.server.settings import Settings
from tests.server.asking import UPGRADE, ask, refusal
from tests.support.server import Server

KEYS = ["a" * 43, "b" * 43]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An address may read once in 1,000 s after a burst, and join once; a room has two members."""
    limits = ("--read-rate", "0.001", "--join-rate", "1", "--room-members", "2")
    with Server(tmp_path_factory.mktemp("server") / "data", *limits, "--trusted-proxy", "127.0.0.1") as running:
        yield running


def from_(address: str, key: str = "") -> dict[str, str]:
    return {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {key}"} if key else {})


def statuses(server: Server, path: str, headers: dict[str, str], count: int) -> list[int]:
    """Of so many requests over one connection."""
    line, found = server.line(), []
    for _ in range(count):
        line.request("GET", path, headers=headers)
        response = line.getresponse()
        response.read()
        found.append(response.status)
    line.close()
    return found


@pytest.mark.parametrize("path", ["", "/events", "/events?q=hello", "/participants"])
def test_an_address_that_reads_too_often_is_told_when_to_come_back(server: Server, path: str) -> None:
    room = server.make_room()["id"]
    address = f"192.0.2.{1 + len(path)}"
    assert statuses(server, f"/v1/rooms/{room}{path}", from_(address), BURST) == [200] * BURST
    refused = ask(server, "GET", f"/v1/rooms/{room}{path}", headers=from_(address))
    assert refusal(refused) == (429, "rate_limited")
    assert 900 <= int(refused.headers["Retry-After"]) <= 1000
    assert ask(server, "GET", f"/v1/rooms/{room}{path}", headers=from_("198.51.100.1")).status == 200
    assert (
        ask(
            server, "POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "hello"}, from_(address)
        ).status
        == 201
    )


def test_nobody_on_this_machine_reads_too_often(server: Server) -> None:
    room = server.make_room()["id"]
    assert set(statuses(server, f"/v1/rooms/{room}", {}, 3 * BURST)) == {200}


def test_an_identity_has_a_limit_over_all_its_addresses(server: Server) -> None:
    path = f"/v1/rooms/{server.make_room()['id']}"
    for n in range(FLEET):
        assert set(statuses(server, path, from_(f"203.0.113.{n}", KEYS[0]), BURST)) == {200}
    assert refusal(ask(server, "GET", path, headers=from_("203.0.113.99", KEYS[0]))) == (429, "rate_limited")
    assert ask(server, "GET", path, headers=from_("203.0.113.99", KEYS[1])).status == 200


def test_so_has_one_that_joins(server: Server) -> None:
    rooms = [server.make_room()["id"] for _ in range(FLEET + 1)]
    found = [
        ask(server, "GET", f"/v1/rooms/{room}/ws?name=Ada", headers=UPGRADE | from_(f"198.18.0.{n}", KEYS[0])).status
        for n, room in enumerate(rooms)
    ]
    assert found == [101] * FLEET + [429]


def test_a_room_that_is_full_lets_in_those_who_are_in_it_and_its_owner(server: Server) -> None:
    owner = "o" * 43
    room = ask(server, "POST", "/v1/rooms", {"name": "x"}, {"Authorization": f"Bearer {owner}"}).json["id"]

    def join(name: str, key: str) -> int:
        headers = "".join(f"{header}: {value}\r\n" for header, value in UPGRADE.items())
        request = f"GET /v1/rooms/{room}/ws?name={name} HTTP/1.1\r\nHost: localhost\r\n{headers}"
        sock = open_for_now.enter_context(server.dial())
        sock.sendall(f"{request}Authorization: Bearer {key}\r\n\r\n".encode())
        return int(sock.recv(12)[9:])

    with ExitStack() as open_for_now:
        assert [join("Ada", KEYS[0]), join("Bob", KEYS[1])] == [101, 101]
        assert join("Eve", "e" * 43) == 503
        assert [join("Ada", KEYS[0]), join("Owner", owner)] == [101, 101]


def metric(server: Server, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", ask(server, "GET", "/metrics").body.decode(), re.MULTILINE)
    assert found
    return float(found[1])


def test_all_who_ask_whether_the_server_is_ready_share_one_commit_a_second(server: Server) -> None:
    before = metric(server, "chatty_entries_total")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: statuses(server, "/readyz", {}, 20), range(8)))
    assert {status for found in answers for status in found} == {200}
    after = metric(server, "chatty_entries_total")
    assert after - before < 80  # of 160 requests, and of a test that would have to take a minute


async def test_no_more_requests_are_answered_at_once_than_there_are_turns() -> None:
    inside, most, done = 0, 0, 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal inside, most, done
        inside += 1
        most, done = max(most, inside), done + 1
        for _ in range(20):
            await asyncio.sleep(0)  # the others come in meanwhile, if they are let
        inside -= 1
        return web.Response()

    app = web.Application()
    app[TRUSTED_PROXIES] = TrustedProxies("")
    node: Any = SimpleNamespace(
        settings=Settings(), loop=asyncio.get_running_loop(), log=SimpleNamespace(is_current=True)
    )
    add_routes(app, node, [Route("GET", "/v1", None, handler), Route("POST", "/v1", None, handler)], Reading(node))
    async with TestClient(TestServer(app)) as client:
        await asyncio.gather(*(client.get("/v1") for _ in range(20)))
        assert (most, done) == (AT_ONCE, 20)
        await asyncio.gather(*(client.post("/v1") for _ in range(20)))
        assert most > AT_ONCE


async def test_a_client_that_reads_waits_as_long_as_the_server_says(tmp_path: Path) -> None:
    options = ("--read-rate", "20", "--trusted-proxy", "127.0.0.1")
    with Server(tmp_path / "data", *options) as server:
        room = server.make_room()["id"]
        async with Http(server.url) as http:
            for _ in range(BURST + 30):
                await http.request("GET", f"/v1/rooms/{room}/events", Page, headers=from_("192.0.2.1"))
            with pytest.raises(Refused, match="Too many requests"):
                for _ in range(11):
                    await http.request("POST", "/v1/rooms", None, data=b'{"name": "x"}', headers=from_("192.0.2.1"))
