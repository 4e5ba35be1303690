"""A page from elsewhere can't use a visitor's browser to enter a room, by whatever origin, host or target.

Every row of the tables is sent as it is over a socket: as the handshake of both dialects, as a question about a room
and as a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from tests.server.asking import UPGRADE
from tests.support.certificates import Authority
from tests.support.server import Server

AUTHORITY: Final = Authority()
EVIL: Final = "http://evil.example"


class Route(NamedTuple):
    """What a page may want to do; ``done`` is the status if it may."""

    method: str
    path: str
    body: str
    done: int


ROUTES: Final = (
    Route("GET", "/v1/rooms/{room}/ws?name=mallory", "", 101),
    Route("GET", "/v1/rooms/{room}/ws?join=false", "", 101),
    Route("GET", "/chat/join?room={room}&name=eve", "", 101),
    Route("GET", "/v1/rooms/{room}/stream", "", 200),
    Route("GET", "/v1/rooms/{room}", "", 200),
    Route("POST", "/v1/rooms/{room}/messages?name=mallory", "planted", 201),
)


class Asked(NamedTuple):
    """A request as a browser is made to send it. ``{port}`` stands for the server's port, in all of it."""

    origins: tuple[str, ...]
    host: str = "127.0.0.1:{port}"
    target: str = ""
    headers: tuple[str, ...] = ()


def page(origin: str, host: str = "127.0.0.1:{port}", *headers: str, target: str = "") -> Asked:
    return Asked((origin,), host, target, headers)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("plain") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("secured")
    options = AUTHORITY.issue(directory).options
    with Server(directory / "data", *options, trusting=AUTHORITY.trusting) as server:
        yield server


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose proxy, on this machine, is trusted."""
    options = ("--allowed-host", "chat.example", "--trusted-proxy", "127.0.0.1")
    with Server(tmp_path_factory.mktemp("proxied") / "data", *options) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose trusted proxy is on another machine."""
    options = ("--allowed-host", "chat.example", "--trusted-proxy", "10.0.0.1")
    with Server(tmp_path_factory.mktemp("elsewhere") / "data", *options) as server:
        yield server


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may have a proxy that nobody named."""
    with Server(tmp_path_factory.mktemp("unnamed") / "data", "--allowed-host", "chat.example") as server:
        yield server


def statuses(server: Server, asked: Asked) -> dict[str, int]:
    """What each route answers."""
    room = server.make_room()["id"]
    answered = {}
    for route in ROUTES:
        path = route.path.format(room=room)
        lines = [
            f"Host: {asked.host}",
            *(f"Origin: {origin}" for origin in asked.origins),
            *asked.headers,
            *(f"{name}: {value}" for name, value in UPGRADE.items() if route.done == 101),
            "Content-Type: text/plain",
            f"Content-Length: {len(route.body)}",
        ]
        head = "\r\n".join([f"{route.method} {asked.target}{path} HTTP/1.1", *lines, "", ""])
        with server.dial() as sock:
            sock.sendall(head.replace("{port}", str(server.port)).encode() + route.body.encode())
            answered[route.path] = int(sock.recv(12)[9:])
    if not any(route.done == answered[route.path] for route in ROUTES):
        assert server.history(room) == [], "it left something behind"
    return answered


DONE: Final = {route.path: route.done for route in ROUTES}


def may(server: Server, asked: Asked) -> bool:
    """Whether all routes do what is asked; otherwise all of them refuse it."""
    answered = statuses(server, asked)
    if answered == DONE:
        return True
    assert set(answered.values()) <= {400, 403}, answered
    return False


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:1", "http://127.0.0.1:{port}0",
        "http://localhost:{port}", EVIL, EVIL + ":{port}", "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1.evil.example:{port}", "http://127.0.0.1:{port}@evil.example", "http://evil@127.0.0.1:{port}",
        "http://:@127.0.0.1:{port}", "chrome-extension://127.0.0.1:{port}", "moz-extension://127.0.0.1:{port}",
        "safari-web-extension://127.0.0.1:{port}", "vscode-webview://127.0.0.1:{port}", "app://127.0.0.1:{port}",
        "ws://127.0.0.1:{port}", "wss://127.0.0.1:{port}", "ftp://127.0.0.1:{port}", "file://", "file:///", "data:",
        "about:blank", "blob:http://127.0.0.1:{port}", "javascript://127.0.0.1:{port}", "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/x", "http://127.0.0.1:{port}?", "http://127.0.0.1:{port}#", "http:127.0.0.1:{port}",
        "http:/127.0.0.1:{port}", "http:///127.0.0.1:{port}", "//127.0.0.1:{port}", "127.0.0.1:{port}",
        "http://127.0.0.1:{port} " + EVIL, "http://127.0.0.1:{port}, " + EVIL, "http://127.0.0.1:{port}, null",
        "http://127.1:{port}", "http://2130706433:{port}", "http://0x7f000001:{port}", "http://0177.0.0.1:{port}",
        "http://0.0.0.0:{port}", "http://0:{port}", "http://[::1]:{port}", "http://127.0.0.1..:{port}",
        "http://127.0.0.1\\@evil.example:{port}", "http://127.0.0.1%2eevil.example:{port}", "*", "http://*:{port}",
    ],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused(plain: Server, origin: str) -> None:
    assert not may(plain, page(origin))


@pytest.mark.parametrize(
    "asked",
    [
        Asked(()),
        page("http://127.0.0.1:{port}"),
        page("HTTP://127.0.0.1:{port}"),
        page("http://LocalHost:{port}", "localhost:{port}"),
        page("http://localhost:{port}", "LOCALHOST.:{port}"),
        page("http://localhost.:{port}", "localhost:{port}"),
        page("http://[::1]:{port}", "[0:0::1]:{port}"),
        page("http://127.0.0.1:{port}", target="http://127.0.0.1:{port}"),
        page("http://localhost:{port}", "evil.example", target="HTTP://LOCALHOST.:{port}"),
    ],
)
def test_a_page_of_the_servers_own_and_a_program_are_not(plain: Server, asked: Asked) -> None:
    assert may(plain, asked)


OWN: Final = "http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "asked",
    [
        Asked((OWN, EVIL)),
        Asked((EVIL, OWN)),
        Asked((OWN, OWN)),
        Asked(("null", OWN)),
        Asked((OWN, "")),
        Asked((), headers=(f"Sec-WebSocket-Origin: {EVIL}",)),
        Asked((OWN,), headers=(f"Sec-WebSocket-Origin: {EVIL}",)),
    ],
)
def test_several_origins_are_none(plain: Server, asked: Asked) -> None:
    assert not may(plain, asked)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "evil@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example", ":{port}", "",
        "127.0.0.1.evil.example:{port}", "localhost.evil.example", "evil-localhost:{port}", "127.0.0.1:{port}/",
        "127.0.0.1:{port}, evil.example", "127.0.0.1:{port} evil.example", "evil.example\\@127.0.0.1", "[::1",
        "127.0.0.1:99999", "0.0.0.0:{port}", "0:{port}", "[::]:{port}", "127.1:{port}", "2130706433:{port}", "*",
        "169.254.169.254", "localtest.me:{port}",
    ],
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_machine_is_refused_whatever_the_page(plain: Server, host: str) -> None:
    for origins in ((f"http://{host}",), (OWN,), ()):
        assert not may(plain, Asked(origins, host))


@pytest.mark.parametrize(
    "asked",
    [
        page(OWN, target="http://evil.example:{port}"),
        page(EVIL, target="http://evil.example"),
        page(EVIL, "evil.example", target="http://127.0.0.1:{port}"),
        page(OWN, target="http://evil@127.0.0.1:{port}"),
        page(OWN, target="http://127.0.0.1:{port}@evil.example"),
        page(OWN, target="http://127.0.0.1:1"),
        page("https://127.0.0.1:{port}", target="https://127.0.0.1:{port}"),
        page("https://127.0.0.1:{port}", "127.0.0.1:{port}", "X-Forwarded-Proto: https"),
        page(OWN, "127.0.0.1:{port}", "Host: evil.example"),
        page(EVIL, "127.0.0.1:{port}", "X-Forwarded-Host: evil.example"),
        page(EVIL, "evil.example", "X-Forwarded-Host: 127.0.0.1:{port}", "Forwarded: host=127.0.0.1"),
    ],
)
def test_neither_a_target_nor_another_header_changes_that(plain: Server, asked: Asked) -> None:
    assert not may(plain, asked)


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (Asked(()), True),
        (page("https://127.0.0.1:{port}"), True),
        (page("HTTPS://LOCALHOST.:{port}", "localhost:{port}"), True),
        (page("https://127.0.0.1:{port}", target="http://127.0.0.1:{port}"), True),
        (page("http://127.0.0.1:{port}"), False),
        (page("http://127.0.0.1:{port}", target="http://127.0.0.1:{port}"), False),
        (page("http://127.0.0.1:{port}", "127.0.0.1:{port}", "X-Forwarded-Proto: http"), False),
        (page("https://127.0.0.1"), False),
        (page("https://evil.example", "evil.example"), False),
        (page("null"), False),
    ],
)
def test_over_tls_a_page_must_have_come_over_tls(secured: Server, asked: Asked, allowed: bool) -> None:
    assert may(secured, asked) is allowed


@pytest.mark.parametrize(
    ("origin", "said", "allowed"),
    [
        ("https://chat.example", ("X-Forwarded-Proto: https",), True),
        ("https://chat.example:443", ("X-Forwarded-Proto: HTTPS, http",), True),
        ("http://chat.example", ("X-Forwarded-Proto: https",), False),
        ("http://chat.example", ("X-Forwarded-Proto: http",), True),
        ("https://chat.example", ("X-Forwarded-Proto: http",), False),
        ("https://chat.example", ("X-Forwarded-Proto: http,https",), False),
        ("https://evil.example", ("X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example"), False),
        # A proxy that says nothing may have taken TLS off, or not.
        ("https://chat.example", (), True),
        ("http://chat.example", (), True),
    ],
)
def test_a_trusted_proxy_knows_how_the_page_came(
    proxied: Server, origin: str, said: tuple[str, ...], allowed: bool
) -> None:
    assert may(proxied, page(origin, "chat.example", *said)) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "said", "allowed"),
    [
        ("http://chat.example", "chat.example", (), True),
        ("http://chat.example", "chat.example", ("X-Forwarded-Proto: https",), True),
        ("https://chat.example", "chat.example", (), False),
        ("https://chat.example", "chat.example", ("X-Forwarded-Proto: https",), False),
        ("https://chat.example:8443", "chat.example:8443", ("X-Forwarded-Proto: https",), False),
    ],
)
def test_who_is_not_the_trusted_proxy_is_not_believed(
    elsewhere: Server, origin: str, host: str, said: tuple[str, ...], allowed: bool
) -> None:
    assert may(elsewhere, page(origin, host, *said)) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "said", "allowed"),
    [
        ("https://chat.example", "chat.example", (), True),
        ("http://chat.example", "chat.example", (), True),
        ("http://chat.example", "chat.example", ("X-Forwarded-Proto: https",), False),
        ("https://chat.example", "chat.example", ("X-Forwarded-Proto: https",), True),
        # Nothing can be in between where the page's port is the server's own.
        ("https://chat.example:{port}", "chat.example:{port}", (), False),
        ("https://chat.example:{port}", "chat.example:{port}", ("X-Forwarded-Proto: https",), False),
        ("http://chat.example:{port}", "chat.example:{port}", (), True),
    ],
)
def test_what_an_unnamed_proxy_says_can_only_rule_a_page_out(
    unnamed: Server, origin: str, host: str, said: tuple[str, ...], allowed: bool
) -> None:
    assert may(unnamed, page(origin, host, *said)) is allowed
