"""Over TLS, too, a peer that does not read or never ends its greeting harms nobody and is let go.

The limits are ten seconds: all who wait for one do so together, from the
module's first test on.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks import wire
from tests.server.platform.network.tls.test_transport import HELLO
from tests.support.certificates import Authority
from tests.support.faults import Peer, cut_for, eventually, figure, memory
from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server
from tests.system.faults.test_slow import BIG, KEY, MIB, SMALL_BUFFER, WHOLE, Endings

AUTHORITY = Authority()
GREETING = bytes.fromhex(HELLO)


class Waiting(NamedTuple):
    """Who is there from the beginning. Something small is said all the time."""

    server: Server
    stalled: Peer
    steady: Peer
    good: Peer
    stream: socket.socket
    idle: socket.socket
    endings: Endings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("tls")
    files = AUTHORITY.issue(directory)
    with Server(directory / "data", *files.options, trusting=AUTHORITY.trusting) as running:
        yield running


@pytest.fixture(scope="module")
def waiting(server: Server) -> Iterator[Waiting]:
    with contextlib.ExitStack() as stack:
        room = server.make_room()["id"]
        stalled = stack.enter_context(Peer(server, room, "stalled", key=KEY, reads=SMALL_BUFFER))
        steady = stack.enter_context(Peer(server, room, "steady", key=KEY, reads=SMALL_BUFFER))
        good = stack.enter_context(Peer(server, room, "good", key=KEY))
        stream = stack.enter_context(server.dial(reads=SMALL_BUFFER))
        stream.sendall(f"GET /v1/rooms/{room}/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        eventually(lambda: figure(server, "chatty_streams") == 1, "the stream is open")
        for number in range(40):
            good.send(f"{number} {BIG}")
        good.hear(f"39 {BIG}")
        assert 0 < figure(server, "chatty_write_bytes") < 3 * MIB
        over = threading.Event()

        def trickle() -> None:
            while not over.wait(0.2):
                steady.sock.recv(SMALL_BUFFER)

        def drip() -> None:
            while not over.wait(0.5):
                server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": "drop"})

        for work in (trickle, drip):
            thread = threading.Thread(target=work)
            thread.start()
            stack.callback(thread.join)
        stack.callback(over.set)

        def bare(said: bytes) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE))
            sock.sendall(said)
            return sock

        def secured(said: bytes) -> socket.socket:
            sock = stack.enter_context(server.dial())
            sock.sendall(said)
            return stack.enter_context(socket.socket(fileno=os.dup(sock.fileno())))  # its end shows without TLS

        request = wire.upgrade(server.port, "/chat/join?name=late&room=none")
        idle = stack.enter_context(server.dial())
        idle.sendall(WHOLE)
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
        endings = Endings({
            "silent": [bare(b"") for _ in range(100)],
            "half a greeting": [bare(GREETING[:100]) for _ in range(100)],
            "a greeting alone": [bare(GREETING) for _ in range(20)],
            "no request": [secured(b"") for _ in range(20)],
            "half a request": [secured(request[:-5]) for _ in range(20)],
        })  # fmt: skip
        yield Waiting(server, stalled, steady, good, stream, idle, endings)


def test_a_reader_that_takes_nothing_for_ten_seconds_is_cut_although_more_is_said(waiting: Waiting) -> None:
    server = waiting.server
    eventually(lambda: cut_for(server, 4008) == 2, "the stalled one and the stream are cut")
    assert figure(server, "chatty_streams") == 0
    assert waiting.stalled.rest()[1] == 4008
    waiting.good.send("to the end")
    assert waiting.good.hear("to the end")
    assert cut_for(server, 4008) == 2, "one that takes a little all the time is welcome"


@pytest.mark.parametrize("kind", ["silent", "half a greeting", "a greeting alone", "no request", "half a request"])
def test_a_newcomer_that_never_ends_its_greeting_goes_away(kind: str, waiting: Waiting) -> None:
    waiting.endings.wait_for(kind)


def test_one_that_asked_and_asks_nothing_more_may_ask_again(waiting: Waiting) -> None:
    for kind in ("silent", "half a greeting", "no request"):
        waiting.endings.wait_for(kind)
    waiting.idle.sendall(WHOLE)
    assert waiting.idle.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_reader_with_a_mebibyte_waiting_is_cut_and_gets_all_before_that(server: Server) -> None:
    before, room = cut_for(server, 4008), server.make_room()["id"]
    with Peer(server, room, "slow", key=KEY, reads=SMALL_BUFFER) as slow, Peer(server, room, "good", key=KEY) as good:
        sent = 0
        while cut_for(server, 4008) == before:
            good.send(f"{sent} {BIG}")
            good.hear(f"{sent} {BIG}")
            sent += 1
            assert sent < 400
        seen, code = slow.rest()
    assert code == 4008
    texts = [event["text"] for event in seen if "text" in event]
    assert texts == [f"{number} {BIG}" for number in range(len(texts))]
    assert len(texts) * len(BIG) > MIB // 2


def test_a_page_that_nobody_reads_is_forgotten(server: Server) -> None:
    room = server.make_room()["id"]
    for number in range(12):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": f"{number} " + "\0" * 16_000})
    with contextlib.ExitStack() as stack:
        waiting = figure(server, "chatty_write_bytes")
        for extra in ("", "Connection: close\r\n"):
            unread = stack.enter_context(server.dial(reads=SMALL_BUFFER))
            unread.sendall(f"GET /v1/rooms/{room}/events HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode())
        eventually(lambda: figure(server, "chatty_write_bytes") > waiting + MIB, "much waits to be read")
        eventually(lambda: figure(server, "chatty_write_bytes") < waiting + MIB // 2, "nothing waits any more")


def test_many_who_come_and_go_leave_nothing_behind(server: Server, tmp_path: Path) -> None:
    room = server.make_room()["id"]

    def come_and_go(times: int) -> int:
        for number in range(times):
            with Peer(server, room, f"n{number}", join="false"):
                pass
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as sock:
                sock.sendall(GREETING[: number % 200])
        eventually(lambda: figure(server, "chatty_connections") == 0, "all are gone")
        return memory(server)

    rounds = scaled(2_000, least=300)
    come_and_go(rounds)
    sizes = [come_and_go(1)]
    while len(sizes) < 4:  # a leak grows each time; an allocator, or a cache that fills, does so once
        sizes.append(come_and_go(rounds))
        if sizes[-1] - sizes[-2] < rounds * 4_000:
            return
    pytest.fail(f"a connection over TLS is some 40 KiB, and {rounds} made of memory: {sizes}")
