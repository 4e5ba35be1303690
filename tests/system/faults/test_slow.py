"""Whoever does not read, or never finishes asking, harms nobody and is let go.

The limits are ten seconds: all who wait for one do so together, from the
module's first test on.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks import wire
from tests.support.faults import Peer, cut_for, eventually, figure, memory
from tests.support.server import PATIENCE, Server

MIB = 1024 * 1024
BIG = "x" * 16_000
SMALL_BUFFER = 4096
KEY = "k" * 32
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Endings:
    """Watches connections of several kinds, and notes in which order they end."""

    def __init__(self, kinds: dict[str, list[socket.socket]]) -> None:
        self.order: list[str] = []
        self._kinds = {sock.fileno(): (kind, sock) for kind, sockets in kinds.items() for sock in sockets}
        self._expected = {kind: len(sockets) for kind, sockets in kinds.items()}
        self._changed = threading.Condition()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        poll = select.poll()
        for fd in self._kinds:
            poll.register(fd, select.POLLIN)
        while self._kinds:
            for fd, _ in poll.poll(1000):
                kind, sock = self._kinds[fd]
                with contextlib.suppress(ConnectionError):
                    if sock.recv(4096):
                        continue
                poll.unregister(fd)
                del self._kinds[fd]
                with self._changed:
                    self.order.append(kind)
                    self._changed.notify_all()

    def wait_for(self, kind: str) -> None:
        """Returns when all of ``kind`` have ended."""
        with self._changed:
            done = self._changed.wait_for(lambda: self.order.count(kind) == self._expected[kind], PATIENCE)
        assert done, f"only {self.order.count(kind)} of {self._expected[kind]} have ended"


class Waiting(NamedTuple):
    """Who is there from the beginning: ``stalled`` never reads, ``steady`` a little, and the rest never ends asking."""

    server: Server
    stalled: Peer
    steady: Peer
    good: Peer
    idle: socket.socket
    endings: Endings


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(tmp_path_factory.mktemp("slow") / "data"))
        room = server.make_room()["id"]
        stalled = stack.enter_context(Peer(server, room, "stalled", key=KEY, reads=SMALL_BUFFER))
        steady = stack.enter_context(Peer(server, room, "steady", key=KEY, reads=SMALL_BUFFER))
        good = stack.enter_context(Peer(server, room, "good", key=KEY))
        for number in range(40):
            good.send(f"{number} {BIG}")
        good.hear(f"39 {BIG}")
        assert 0 < figure(server, "chatty_write_bytes") < MIB
        over = threading.Event()

        def trickle() -> None:
            while not over.wait(0.2):
                steady.sock.recv(SMALL_BUFFER)

        reading = threading.Thread(target=trickle)
        reading.start()
        stack.callback(reading.join)
        stack.callback(over.set)

        def connection(said: bytes) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            sock.sendall(said)
            return sock

        request = wire.upgrade(server.port, "/chat/join?name=late&room=none")
        idle = connection(WHOLE)
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
        yield Waiting(
            server,
            stalled,
            steady,
            good,
            idle,
            Endings(
                {
                    "half a second one": [connection(WHOLE + request[:-5]) for _ in range(20)],
                    "silent": [connection(b"") for _ in range(200)],
                    "half a request": [connection(request[:-5]) for _ in range(200)],
                }
            ),
        )


def test_a_reader_with_a_mebibyte_waiting_is_cut_and_can_resume(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        with (
            Peer(server, room, "slow", key=KEY, reads=SMALL_BUFFER) as slow,
            Peer(server, room, "good", key=KEY) as good,
        ):
            sent, most_waiting = 0, 0
            while not cut_for(server, 4008):
                good.send(f"{sent} {BIG}")
                good.hear(f"{sent} {BIG}")  # nobody else waits for the slow one
                most_waiting = max(most_waiting, figure(server, "chatty_write_bytes"))
                sent += 1
                assert sent < 400
            good.send(f"{sent} {BIG}")
            good.hear(f"{sent} {BIG}")
            sent += 1
            assert abs(most_waiting - MIB) < 2 * len(BIG)  # the last figure before the cut
            seen, code = slow.rest()
        assert code == 4008
        numbers = [event["seq"] for event in seen if event.get("seq")]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))

        epoch = server.ask("GET", f"/v1/rooms/{room}")["epoch"]
        with Peer(server, room, "slow", key=KEY, since=numbers[-1], epoch=epoch) as back:
            resumed = [event["text"] for event in back.hear(f"{sent - 1} {BIG}") if "text" in event]
        texts = [event["text"] for event in seen if "text" in event]
        assert texts + resumed == [f"{number} {BIG}" for number in range(sent)]


def test_what_a_slow_reader_was_not_given_is_not_kept_in_memory(tmp_path: Path) -> None:
    def talk(good: Peer, times: int) -> None:
        for _ in range(times):
            good.send(BIG)
            good.hear(BIG)

    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        with Peer(server, room, "good", key=KEY) as good:
            talk(good, 500)
            alone = -memory(server)
            talk(good, 600)
            alone += memory(server)
            with contextlib.ExitStack() as stack:
                for number in range(10):
                    stack.enter_context(Peer(server, room, f"slow{number}", key=KEY, reads=SMALL_BUFFER))
                beside = -memory(server)
                talk(good, 600)
                beside += memory(server)
                eventually(lambda: cut_for(server, 4008) == 10, "all ten are cut")
    # Together they were to have 96 MB. A mebibyte each may wait, and as much again while the buffers grow.
    assert beside < max(alone, 0) + 2 * 10 * MIB


def test_a_reader_that_takes_nothing_for_ten_seconds_is_cut_even_if_little_waits(waiting: Waiting) -> None:
    server = waiting.server
    eventually(lambda: cut_for(server, 4008) > 0, "the stalled one is cut")
    assert cut_for(server, 4008) == 1  # whoever takes a little all the time is welcome
    assert waiting.stalled.rest()[1] == 4008
    waiting.good.send("to the end")
    assert waiting.good.hear("to the end")


@pytest.mark.parametrize("kind", ["silent", "half a request", "half a second one"])
def test_whoever_never_finishes_asking_goes_away(kind: str, waiting: Waiting) -> None:
    waiting.endings.wait_for(kind)


def test_whoever_asked_and_asks_nothing_more_may_ask_again(waiting: Waiting) -> None:
    for kind in ("silent", "half a request", "half a second one"):
        waiting.endings.wait_for(kind)
    waiting.idle.sendall(WHOLE)
    assert waiting.idle.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_whoever_asked_properly_stays(waiting: Waiting) -> None:
    waiting.endings.wait_for("half a request")
    waiting.good.send("unharmed")
    assert waiting.good.hear("unharmed")
