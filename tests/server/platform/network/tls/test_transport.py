"""TLS on real sockets: what goes through it is what went in, it ends properly, and what isn't TLS ends at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import warnings
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web

from benchmarks import wire
from chatty.server.platform.network.addresses import TrustedProxies
from chatty.server.platform.network.connections import HANDSHAKE_SECONDS, Connection
from chatty.server.platform.network.tls.transport import TlsTransport
from chatty.server.settings import Settings
from tests.server.asking import ask, raw, refusal
from tests.support.certificates import Authority
from tests.support.faults import Peer, eventually, figure
from tests.support.server import PATIENCE, Server

AUTHORITY = Authority()
KEY = "k" * 32
RECORD = 16 * 1024
HELLO = "16030100c8010000c40303" + "42" * 32 + "0000041301c02f0100009700150093" + "00" * 0x93
"""A ClientHello: 200 bytes of handshake, filled up by padding."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("tls")
    files = AUTHORITY.issue(directory)
    with Server(directory / "data", *files.options, trusting=AUTHORITY.trusting) as running:
        yield running
        assert running.log.count("\n") <= 2, running.log  # nothing that strangers did is logged


@pytest.fixture
def room(server: Server) -> str:
    created: str = server.make_room()["id"]
    return created


def bare(server: Server) -> socket.socket:
    """A connection without TLS."""
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def end_of(sock: socket.socket) -> bytes:
    """All that comes until the connection ends, in whatever way."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(1 << 16):
            said += part
    return said


def test_everything_that_names_the_server_says_https(server: Server) -> None:
    assert f"chatty listens on {server.url}, and" in server.log
    assert f"chatty create general --server {server.url} " in server.log
    assert (server.data / "address").read_text() == f"{server.url}\n"
    made = server.make_room()
    assert made["url"] == f"{server.url}/v1/rooms/{made['id']}"


@pytest.mark.parametrize("size", [0, 1, 200, RECORD - 1, RECORD, RECORD + 1, 10 * RECORD])
def test_messages_and_pages_of_any_size_are_the_same_as_without(server: Server, room: str, size: int) -> None:
    text = f"{size} " + "x" * min(size, 16_000)
    count = max(1, size // 16_000)
    with (
        Peer(server, room, "Ada", key=KEY) as ada,
        Peer(server, room, "Bob", seed=True) as bob,
        server.dial() as stream,
    ):
        stream.sendall(f"GET /v1/rooms/{room}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        ada.sock.sendall(wire.frame(msgspec.json.encode({"op": "send", "text": text})) * count)
        for peer in (ada, bob):
            for _ in range(count):
                assert peer.hear(text)
        heard = b""
        while heard.count(text.encode()) < count:
            heard += stream.recv(1 << 16)
    page = ask(server, "GET", f"/v1/rooms/{room}/events?type=message")
    assert [event["text"] for event in page.json["events"]] == [text] * count


def test_requests_that_come_with_the_end_of_the_handshake_or_in_pieces_are_answered(server: Server) -> None:
    """Neither a record nor a request need begin or end where a packet does."""
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = AUTHORITY.trusting.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with bare(server) as sock:

        def until_done(step: Any) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(1 << 16))

        until_done(tls.do_handshake)
        tls.write(request)
        sock.sendall(outgoing.read())  # the client's last word of the handshake, and the request
        assert until_done(lambda: tls.read(1000)).startswith(b"HTTP/1.1 200 OK\r\n")
        for byte in request:
            tls.write(bytes([byte]))
            for part in outgoing.read():
                sock.sendall(bytes([part]))
        assert until_done(lambda: tls.read(1000)).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_refusal_can_be_read_to_its_end_although_the_client_goes_on_talking(server: Server) -> None:
    said = raw(server, b"nonsense\r\n\r\n" + b"x" * 100_000)
    assert said.startswith(b"HTTP/1.0 400 ")
    assert said.endswith(b'"code":"bad_request"}')


def test_the_server_says_when_it_has_said_everything(server: Server) -> None:
    with server.dial() as sock:
        assert isinstance(sock, ssl.SSLSocket)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b""
        while part := sock.recv(1 << 16):
            said += part
        assert said.endswith(b"ok\n")
        sock.unwrap().close()  # raises if the server's end is not a proper one


@pytest.mark.parametrize("last", [b"", wire.frame(b'{"op":"send","text":"last"}')])
def test_a_client_that_ends_its_side_is_gone_and_what_it_said_counts(server: Server, room: str, last: bytes) -> None:
    with Peer(server, room, "Ada", key=KEY) as ada:
        assert isinstance(ada.sock, ssl.SSLSocket)
        ada.until(lambda event: event["event_type"] == "live")
        ada.sock.sendall(last)
        with contextlib.suppress(OSError):  # what was on its way comes before the server's own end
            ada.sock.unwrap()
        eventually(lambda: figure(server, "chatty_connections") == 0, "the session is over")
    assert server.texts(room) == (["last"] if last else [])


def test_a_client_without_tls_is_told_so(server: Server) -> None:
    with bare(server) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, _, body = end_of(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Cache-Control: no-store" in head
    problem = msgspec.json.decode(body)
    assert (problem["code"], "https://" in problem["detail"]) == ("bad_request", True)


@pytest.mark.parametrize(
    "said",
    [
        b"\x00" * 64, b"SSH-2.0-x\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000,
        bytes.fromhex(HELLO)[:5] + b"\xff" * 200, b"\x15\x03\x01\x00\x02\x02\x28", b"PATCH /v1/rooms HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_tls_ends_at_once(server: Server, said: bytes) -> None:
    with bare(server) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(said)
        assert b"HTTP/1.1 200" not in end_of(sock)
    assert ask(server, "GET", "/healthz").status == 200


def test_a_record_that_was_tampered_with_ends_the_connection(server: Server, room: str) -> None:
    with Peer(server, room, "Ada", key=KEY) as ada:
        ada.until(lambda event: event["event_type"] == "live")
        with socket.socket(fileno=ada.sock.detach()) as sock:
            sock.settimeout(PATIENCE)
            sock.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
            end_of(sock)
    eventually(lambda: figure(server, "chatty_connections") == 0, "the session is over")


def test_older_versions_than_1_2_are_not_spoken(server: Server) -> None:
    old = ssl.create_default_context()
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        with warnings.catch_warnings(), bare(server) as sock:
            warnings.simplefilter("ignore", DeprecationWarning)  # it is about the very version
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            old.maximum_version = version
            with contextlib.nullcontext() if spoken else pytest.raises(ssl.SSLError):
                with old.wrap_socket(sock) as secured:
                    assert secured.version() == "TLSv1.2"


def test_a_greeting_in_tls_is_refused_by_a_server_without(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Server(tmp_path_factory.mktemp("plain") / "data") as plain:
        with bare(plain) as sock, pytest.raises(ssl.SSLError):
            AUTHORITY.trusting.wrap_socket(sock, server_hostname="localhost")
        assert refusal(ask(plain, "GET", "/nowhere")) == (404, "address_not_found")


class Wire(asyncio.Transport):
    """The transport of a socket whose peer has the address 192.0.2.1."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.aborted = False
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def test_a_newcomer_counts_for_its_address_before_its_handshake_and_is_cut_if_that_takes_too_long() -> None:
    node: Any = SimpleNamespace(
        loop=asyncio.get_running_loop(), settings=Settings(connections_per_ip=2), connections={}, addresses=Counter()
    )
    server, context = web.Server(lambda request: None), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # type: ignore[arg-type,return-value]
    wires = [Wire() for _ in range(5)]
    newcomers = []
    for line in wires:
        connection = Connection(node, server, TrustedProxies(""))
        newcomers.append(TlsTransport(context, connection))
        newcomers[-1].connection_made(line)
    assert node.addresses == {"192.0.2.1": 5}
    assert [line.aborted for line in wires] == [False] * 4 + [True], "so many are not worth a handshake"
    now = node.loop.time()
    newcomers[0].data_received(bytes.fromhex(HELLO)[:50])
    for connection in list(node.connections):
        connection.check(now + HANDSHAKE_SECONDS - 1)
    assert not any(line.aborted for line in wires[:4])
    for connection in list(node.connections):
        connection.check(now + HANDSHAKE_SECONDS + 1)
    assert all(line.aborted for line in wires)
    for newcomer in newcomers:
        newcomer.connection_lost(None)
    assert (node.addresses, node.connections) == ({}, {})
