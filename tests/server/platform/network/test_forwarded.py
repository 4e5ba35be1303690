"""Proxies' headers decide the URL of a new room; they decide limits only where the proxy is trusted."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.asking import UPGRADE, Answer, ask, refusal
from tests.support.server import Server


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "https"}, "https://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "https, http"}, "https://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "http,https"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "gopher"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Host": "chat.example, inner:8080"}, "http://chat.example"),
        ({"X-Forwarded-Host": "chat.example:8443", "X-Forwarded-Proto": "HTTPS"}, "https://chat.example:8443"),
        ({"X-Forwarded-Host": "evil.example/x"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "/chatty"}, "http://127.0.0.1:{port}/chatty"),
        ({"X-Forwarded-Prefix": "/chatty/"}, "http://127.0.0.1:{port}/chatty"),
        ({"X-Forwarded-Prefix": "/apps, /chatty"}, "http://127.0.0.1:{port}/apps/chatty"),
        ({"X-Forwarded-Prefix": "/"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "chatty"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "/, /evil.example"}, "http://127.0.0.1:{port}/evil.example"),
        ({"X-Forwarded-Prefix": "/a?b"}, "http://127.0.0.1:{port}"),
    ],
)
def test_a_new_rooms_address_is_the_one_that_its_maker_can_use(
    server: Server, headers: dict[str, str], base: str
) -> None:
    made = ask(server, "POST", "/v1/rooms", {"name": "x"}, headers)
    base = base.format(port=server.port)
    assert made.status == 201
    assert made.json["url"] == f"{base}/v1/rooms/{made.json['id']}"
    path = "/" + "/".join(base.split("/")[3:]) if base.count("/") > 2 else ""
    assert made.headers["Location"] == f"{path}/v1/rooms/{made.json['id']}"


def made(server: Server, *forwarded_for: str) -> int:
    """The status of making a room, for a client of whom a proxy on this machine says this."""
    with server.dial() as sock:
        headers = "".join(f"X-Forwarded-For: {text}\r\n" for text in forwarded_for)
        request = f"POST /chat?name=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        sock.sendall(request.encode("utf-8", "surrogateescape"))
        return int(sock.recv(12)[9:])


@pytest.fixture
def limited(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that lets an address make one room, join once, and have two connections."""
    limits = ("--room-rate", "1", "--join-rate", "1", "--connections-per-ip", "2")
    with Server(tmp_path / "data", *limits, "--trusted-proxy", request.param) as server:
        yield server


@pytest.mark.parametrize("limited", ["127.0.0.1, 10.0.0.0/8", "127.0.0.0/8,10.0.0.0/8"], indirect=True)
def test_a_trusted_proxy_tells_its_clients_apart_and_they_cannot_be_others(limited: Server) -> None:
    assert made(limited, "203.0.113.5") == 201
    for again in (
        ["203.0.113.5"],
        ["203.0.113.5:999"],
        ["198.51.100.1, 203.0.113.5"],
        ["198.51.100.2", "203.0.113.5"],
        ["127.0.0.1, 203.0.113.5, 10.1.1.1"],
        ["::ffff:203.0.113.5"],
    ):
        assert made(limited, *again) == 429, again
    assert made(limited, "203.0.113.6") == 201
    assert made(limited, "2001:db8:1:2::1") == 201
    assert made(limited, "2001:db8:1:2:ffff::1") == 429, "the same site"
    for garbage in ("unknown", "", "nonsense", "203.0.113.7, \udcff"):
        assert made(limited, garbage) == (201 if garbage == "unknown" else 429), "the proxy itself is the client"
    assert made(limited, "127.0.0.1") == 429, "so it is where the proxy has this machine for its client"
    for _ in range(3):
        assert made(limited) == 201, "a program on this machine, which has no limits"
    assert "share the limits" not in limited.log


@pytest.mark.parametrize("limited", ["", "10.0.0.0/8,::1"], indirect=True)
def test_without_trust_nothing_that_a_client_says_changes_what_it_is_limited_as(limited: Server) -> None:
    assert made(limited, "203.0.113.5") == 201
    for other in ("203.0.113.6", "10.0.0.1", "127.0.0.1", "nonsense", "", "203.0.113.7, 10.0.0.1"):
        assert made(limited, other) == 429, other
    assert made(limited) == 201
    warning = "all clients of a proxy on this machine share the limits of one address"
    assert limited.log.count(warning) == 1
    assert "start the server with --trusted-proxy 127.0.0.1" in limited.log


@pytest.mark.parametrize("limited", ["127.0.0.1"], indirect=True)
def test_the_control_socket_has_no_limits_and_no_proxies(limited: Server) -> None:
    for said in ("", "X-Forwarded-For: 203.0.113.5\r\n"):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(limited.data / "control"))
                sock.sendall(f"POST /chat?name=x HTTP/1.1\r\nHost: localhost\r\n{said}\r\n".encode())
                assert sock.recv(12) == b"HTTP/1.1 201"


@pytest.mark.parametrize("limited", ["127.0.0.1"], indirect=True)
def test_joins_are_limited_by_client_too(limited: Server) -> None:
    room = limited.make_room()["id"]

    def join(path: str, client: str) -> Answer:
        return ask(limited, "GET", path, headers={**UPGRADE, "X-Forwarded-For": client})

    for number, path in enumerate((f"/v1/rooms/{room}/ws?name=a", f"/chat/join?room={room}&name=b")):
        assert join(path, f"203.0.113.{number}").status == 101
        assert refusal(join(path, f"203.0.113.{number}")) == (429, "rate_limited")


@pytest.mark.parametrize("limited", ["127.0.0.1"], indirect=True)
def test_a_connection_that_a_proxy_keeps_counts_for_each_client_while_it_is_answered(limited: Server) -> None:
    room = limited.make_room()["id"]
    answers: list[http.client.HTTPResponse] = []  # a stream lasts as long as its answer

    def status(line: http.client.HTTPConnection, path: str, client: str) -> int:
        line.request("GET", path, headers={"X-Forwarded-For": client})
        answers.append(line.getresponse())
        if not path.endswith("stream"):
            answers[-1].read()
        return answers[-1].status

    with contextlib.ExitStack() as stack:
        kept, *lines = [stack.enter_context(contextlib.closing(limited.line())) for _ in range(5)]
        for _ in range(5):
            for client in ("203.0.113.5", "203.0.113.6"):
                assert status(kept, "/healthz", client) == 200
        stream = f"/v1/rooms/{room}/stream"
        assert [status(line, stream, "203.0.113.5") for line in lines[:3]] == [200, 200, 429]
        assert status(lines[3], stream, "203.0.113.6") == 200
        assert status(kept, "/healthz", "203.0.113.6") == 200, "its second one"
        assert status(kept, "/healthz", "203.0.113.5") == 429
