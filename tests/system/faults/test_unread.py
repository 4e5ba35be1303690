"""Whoever asks for much and does not read it keeps none of it in memory, and no connection, for long."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faults import eventually, figure, memory
from tests.support.server import PATIENCE, Server

LONGEST = "\0" * 16_000
"""JSON makes six bytes of each character."""
SMALL_BUFFER = 4096
WHOLE_PAGE = 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as it:
        yield it


def asking(server: Server, path: str, *headers: str) -> socket.socket:
    line = socket.socket()
    line.settimeout(PATIENCE)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    line.connect(("127.0.0.1", server.port))
    line.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
    return line


def received(line: socket.socket, until: int) -> int:
    """How many bytes come before the end, or ``until`` enough have come."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    count = 0
    with contextlib.suppress(ConnectionError):
        while count < until and (data := line.recv(1 << 16)):
            count += len(data)
    return count


def test_answers_and_streams_that_nobody_reads_are_cut_and_forgotten(server: Server) -> None:
    room = server.make_room()["id"]
    for number in range(12):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": f"{number} {LONGEST}"})
    page, stream = f"/v1/rooms/{room}/events", f"/v1/rooms/{room}/stream?after=0"
    with contextlib.ExitStack() as stack:
        unread = [
            stack.enter_context(asking(server, path, *headers))
            for path, headers in ((page, ()), (page, ("Connection: close",)), (stream, ()))
            for _ in range(5)
        ]
        eventually(lambda: figure(server, "chatty_write_bytes") > 10 * WHOLE_PAGE // 2, "much waits to be read")
        eventually(lambda: figure(server, "chatty_streams") == 5, "the streams are open")
        eventually(lambda: figure(server, "chatty_write_bytes") == 0, "nothing waits any more")
        eventually(lambda: figure(server, "chatty_streams") == 0, "no stream is open")
        for line in unread:
            assert received(line, WHOLE_PAGE) < WHOLE_PAGE


def test_an_answer_to_who_has_hung_up_is_not_kept(server: Server) -> None:
    room = server.make_room()["id"]
    for number in range(12):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": f"{number} {LONGEST}"})

    def hang_up(times: int) -> None:
        for _ in range(times):
            with asking(server, f"/v1/rooms/{room}/events") as line:
                line.recv(1)
        eventually(lambda: figure(server, "chatty_write_bytes") == 0, "the server knows")

    hang_up(30)
    before = memory(server)
    hang_up(100)
    assert memory(server) - before < 40 * WHOLE_PAGE


def test_who_reads_slowly_gets_it_all(server: Server) -> None:
    room = server.make_room()["id"]
    for number in range(12):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": f"{number} {LONGEST}"})
    with (
        asking(server, f"/v1/rooms/{room}/events", "Connection: close") as unread,
        asking(server, f"/v1/rooms/{room}/events", "Connection: close") as steady,
    ):
        eventually(lambda: figure(server, "chatty_write_bytes") > WHOLE_PAGE, "much waits to be read")
        taken, over = 0, threading.Event()

        def trickle() -> None:
            nonlocal taken
            while not over.wait(0.1):
                taken += len(steady.recv(SMALL_BUFFER))

        reading = threading.Thread(target=trickle)
        reading.start()
        try:
            eventually(lambda: figure(server, "chatty_write_bytes") < WHOLE_PAGE // 2, "who takes nothing is cut")
        finally:
            over.set()
            reading.join()
        assert received(unread, WHOLE_PAGE) < WHOLE_PAGE
        assert taken + received(steady, WHOLE_PAGE) >= WHOLE_PAGE
