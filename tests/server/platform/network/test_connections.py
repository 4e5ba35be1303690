"""Limits on the connections of an address, and connections that don't speak HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.server.asking import UPGRADE, ask, raw
from tests.support.server import PATIENCE, Server

FORWARDED = {"X-Forwarded-For": "192.0.2.7"}
"""Requests through a proxy on this machine are not exempt from limits."""


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets an address have two connections."""
    with Server(tmp_path_factory.mktemp("narrow") / "data", "--connections-per-ip", "2") as server:
        yield server


def connected(server: Server, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, int]:
    """A connection that stays open, and the status of its first response."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    line.request("GET", path, headers=headers)
    response = line.getresponse()
    if response.status != 200 or not response.chunked:
        response.read()
    return line, response.status


@pytest.mark.parametrize("path", ["/healthz", "/v1/rooms/{}", "/v1/rooms/{}/stream", "/v1/rooms/{}/ws?name=a"])
def test_an_address_has_a_limited_number_of_connections_for_any_purpose(narrow: Server, path: str) -> None:
    room = narrow.make_room()["id"]
    with ExitStack() as stack:
        for _ in range(2):
            line, status = connected(narrow, f"/v1/rooms/{room}", FORWARDED)
            stack.callback(line.close)
            assert status == 200
        headers = FORWARDED | (UPGRADE if "/ws" in path else {})
        answer = ask(narrow, "GET", path.format(room), headers=headers)
        assert (answer.status, answer.json["code"]) == (429, "too_many_connections")
        assert answer.headers["Retry-After"] == "10"
        assert answer.headers["Connection"] == "close"
        assert ask(narrow, "GET", "/healthz").status == 200  # this machine's own has no limit
        assert connected(narrow, "/healthz", FORWARDED)[1] == 429


def test_a_connection_that_ended_counts_no_more(narrow: Server) -> None:
    for _ in range(10):
        assert ask(narrow, "GET", "/healthz", headers=FORWARDED | {"Connection": "close"}).status == 200


def test_one_connection_may_ask_as_often_as_it_likes(narrow: Server) -> None:
    line, status = connected(narrow, "/healthz", FORWARDED)
    try:
        for _ in range(10):
            assert status == 200
            line.request("GET", "/healthz", headers=FORWARDED)
            response = line.getresponse()
            response.read()
            status = response.status
    finally:
        line.close()


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_request_that_is_not_http_gets_a_problem_document_without_versions(server: Server, request_: bytes) -> None:
    head, _, body = raw(server, request_).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"application/problem+json" in head
    assert b'"code":"bad_request"' in body
    assert b"aiohttp" not in head
    assert b"Python" not in head
