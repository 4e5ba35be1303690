"""What never gets to a handler is told why, in a problem document that arrives."""

from __future__ import annotations

import json
import socket
from http.client import HTTPMessage, parse_headers
from io import BytesIO
from typing import Any, NamedTuple

import pytest

from chatty.server.platform.network.connections import KEEPALIVE_SECONDS
from tests.server.asking import UPGRADE, ask, raw
from tests.support.server import PATIENCE, Server

HEAD = b"Host: localhost\r\n"


class Said(NamedTuple):
    status: int
    headers: HTTPMessage
    problem: Any


def said(answer: bytes) -> Said:
    line, _, rest = answer.partition(b"\r\n")
    head, _, body = rest.partition(b"\r\n\r\n")
    return Said(int(line.split()[1]), parse_headers(BytesIO(head + b"\r\n\r\n")), json.loads(body))


def assert_safe(headers: HTTPMessage) -> None:
    assert headers.get_all("Cache-Control") == ["no-store"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["no-referrer"]


@pytest.mark.parametrize(
    ("request_", "status", "code", "detail"),
    [
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n" + HEAD, 414, "too_large", "The address is longer than 8190 bytes."),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"Cookie: " + b"/" * 9_000 + b"\r\n", 431, "too_large", "cookies"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"Cookie: " + b"x" * 500_000 + b"\r\n", 431, "too_large", "8192 bytes"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"x" * 9_000 + b": 1\r\n", 431, "too_large", "A header is longer"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 200, 431, "too_large", "There are more than 128 headers."),
        (b"nonsense\r\n" + HEAD, 400, "bad_request", "This is not an HTTP request."),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"Content-Length: x\r\n", 400, "bad_request", "This is not an HTTP request."),
    ],
    ids=["address", "header", "huge header", "header's name", "headers", "nonsense", "length"],
)
def test_a_request_that_cannot_be_read_is_told_why(
    server: Server, request_: bytes, status: int, code: str, detail: str
) -> None:
    found = said(raw(server, request_ + b"\r\n"))
    assert (found.status, found.problem["status"], found.problem["code"]) == (status, status, code)
    assert detail in found.problem["detail"]
    assert_safe(found.headers)
    assert found.headers["Server"] == "chatty"


def test_headers_as_large_as_a_login_proxys_get_through(server: Server) -> None:
    cookies = {f"X-Cookie-{number}": "x" * 8_000 for number in range(20)}
    assert ask(server, "GET", "/healthz", headers=cookies).status == 200
    assert ask(server, "GET", "/v1/rooms/" + "x" * 8_000).status == 404


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    head = b"POST /v1/rooms HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\nConnection: close\r\n"
    found = said(raw(server, head + b"Content-Length: 9999999\r\n\r\n" + b"x" * 100_000))
    assert (found.status, found.problem["code"]) == (413, "too_large")


def test_what_aiohttp_would_say_in_its_own_words_is_a_problem_too(server: Server) -> None:
    answer = ask(server, "GET", "/healthz", headers={"Expect": "a-miracle"})
    assert (answer.status, answer.json["code"]) == (417, "bad_request")
    assert_safe(answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/v1/rooms/{}", 200),
        ("GET", "/v1/rooms/{}/events", 200),
        ("GET", "/v1/rooms/none", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/v1/rooms/{}", 401),
        ("GET", "/v1/rooms/{}/ws?name=a", 426),
        ("POST", "/chat?name=x", 201),
        ("GET", "/v1/rooms/%ff", 400),
    ],
)
def test_no_answer_is_kept_by_a_cache_taken_for_a_page_or_tells_another_site_a_room(
    server: Server, room: str, method: str, path: str, status: int
) -> None:
    answer = ask(server, method, path.format(room))
    assert answer.status == status
    assert_safe(answer.headers)


def test_neither_are_an_upgrade_and_a_stream(server: Server, room: str) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items()).encode()
    for path, headers in (("ws?name=a", head), ("stream", b"")):
        request = f"GET /v1/rooms/{room}/{path} HTTP/1.1\r\n".encode() + HEAD + headers + b"\r\n"
        _, _, answered = first_of(server, request).partition(b"\r\n")
        assert_safe(parse_headers(BytesIO(answered)))


def first_of(server: Server, request: bytes) -> bytes:
    """The head of an answer that goes on."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as line:
        line.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += line.recv(4096)
    return answer


@pytest.mark.parametrize(
    ("proxy", "seconds"), [("nginx", 60), ("AWS", 60), ("Traefik", 90), ("Caddy", 120), ("Google", 600)]
)
def test_a_connection_is_kept_for_longer_than_a_proxy_keeps_it(proxy: str, seconds: float) -> None:
    assert seconds * 1.05 <= KEEPALIVE_SECONDS
