"""Too much of everything: texts, pings, newcomers, comings and goings."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from urllib.error import HTTPError

import psutil
import pytest

from benchmarks import wire
from chatty.protocol import Close
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES
from chatty.server.platform.store.reads import THREADS
from tests.support.faults import Peer, cut_for, eventually, figure, memory, wait_until_gone
from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server

KEY = "k" * 32
SPOKEN = 50
READERS = 3 * THREADS
"""The store's readers open their database, log and shared memory when they are first needed."""


@contextlib.contextmanager
def in_background(peer: Peer, blob: bytes) -> Iterator[None]:
    """``peer`` says ``blob`` again and again, as fast as the server takes it, and reads all that comes."""
    over = threading.Event()

    def write() -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                peer.sock.sendall(blob)

    def read() -> None:
        with contextlib.suppress(OSError):
            while peer.sock.recv(1 << 20):
                pass

    threads = [threading.Thread(target=write), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        with contextlib.suppress(OSError):
            peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def test_whoever_floods_a_room_does_not_keep_others_from_speaking_there(server: Server, room_id: str) -> None:
    flood = wire.frame(b'{"op":"send","text":"flood"}') * 2000
    with Peer(server, room_id, "flooder", key=KEY) as flooder, Peer(server, room_id, "Ada", key="a" * 32) as ada:
        with in_background(flooder, flood):
            ada.hear("flood")
            waits = []
            for number in range(SPOKEN):
                ada.send(f"line {number}")
                waits.append(len(ada.hear(f"line {number}")))
    # In texts, not in seconds: what the flooder had before hers is a few batches, however much it has sent.
    assert sorted(waits)[SPOKEN // 2] < 4 * MOST_ENTRIES


def test_a_flooder_that_does_not_read_what_it_causes_is_cut(server: Server, room_id: str) -> None:
    blob = wire.frame(b'{"op":"send","text":"' + b"x" * 8000 + b'"}') * 100
    with Peer(server, room_id, "flooder", key=KEY, reads=4096) as flooder:
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                flooder.sock.sendall(blob)
        eventually(lambda: cut_for(server, Close.SLOW) == 1, "the flooder is cut")
    with Peer(server, room_id, "Ada") as ada:
        ada.send("unharmed")
        assert ada.hear("unharmed")


def test_pings_are_answered_until_they_are_a_flood(server: Server, room_id: str) -> None:
    with Peer(server, room_id, "Ada", seed=True) as ada, Peer(server, room_id, "flooder", seed=True) as flooder:
        flooder.sock.sendall(b"".join(wire.frame(str(number).encode(), wire.PING) for number in range(10_000)))
        said = list(flooder.frames())
        pongs = [payload for opcode, payload in said if opcode == wire.PONG]
        closes = [int.from_bytes(payload[:2]) for opcode, payload in said if opcode == wire.CLOSE]
        assert pongs == [str(number).encode() for number in range(len(pongs))]
        assert 50 <= len(pongs) < 500
        assert closes == [Close.CONTROL_FLOOD]
        ada.say("unharmed")
        assert ada.hear("unharmed")


def test_others_are_heard_while_pings_flood_in(server: Server, room_id: str) -> None:
    blob = wire.frame(b"flood", wire.PING) * 2000
    over = threading.Event()

    def come_back_and_flood() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            with Peer(server, room_id, f"flooder{number}", seed=True) as flooder, contextlib.suppress(ConnectionError):
                while not over.is_set():
                    flooder.sock.sendall(blob)

    with Peer(server, room_id, "Ada", key=KEY) as ada:
        flooding = threading.Thread(target=come_back_and_flood)
        flooding.start()
        try:
            for number in range(100):
                ada.send(f"line {number}")
                ada.hear(f"line {number}")
            eventually(lambda: cut_for(server, Close.CONTROL_FLOOD) >= 3, "flooders are cut, however often they come")
        finally:
            over.set()
            flooding.join()
        ada.send("unharmed")
        assert ada.hear("unharmed")


def test_a_storm_of_connections_is_let_in(server: Server) -> None:
    count, rooms = 1500, [server.make_room()["id"] for _ in range(30)]
    with contextlib.ExitStack() as stack:
        sockets = []
        for number in range(count):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(("127.0.0.1", server.port))
            sockets.append((sock, f"/chat/join?name=n{number}&room={rooms[number % len(rooms)]}"))
        for sock, target in sockets:
            sock.settimeout(PATIENCE)
            sock.sendall(wire.upgrade(server.port, target))
        assert [sock.recv(12) for sock, _ in sockets] == [b"HTTP/1.1 101"] * count
        present = [server.ask("GET", f"/v1/rooms/{room}")["participant_count"] for room in rooms]
        assert present == [count // len(rooms)] * len(rooms)


def test_thousands_who_come_and_go_leave_nothing_behind(server: Server) -> None:
    rooms = [server.make_room()["id"] for _ in range(20)]
    in_a_room = 25

    def come_and_go(rounds: int) -> tuple[int, int]:
        for number in range(rounds):
            with contextlib.ExitStack() as stack:
                peers = [
                    stack.enter_context(Peer(server, room, f"n{name}", seed=name % 2 == 0, join="false"))
                    for name in range(in_a_room)
                    for room in rooms
                ]
                if number % 2:
                    for peer in peers:
                        peer.sock.sendall(wire.frame((1000).to_bytes(2), wire.CLOSE))
                    wait_until_gone([peer.sock for peer in peers])
            eventually(lambda: figure(server, "chatty_connections") == 0, "all are gone")
        return psutil.Process(server.pid).num_fds(), memory(server)

    rounds = scaled(20, least=2)
    descriptors, before = come_and_go(rounds)
    descriptors_after, after = come_and_go(2 * rounds)
    assert descriptors_after <= descriptors + READERS
    # What remains is the database's own cache of what was stored, two events a join; a connection is some 20 KiB.
    assert after - before < 2 * rounds * in_a_room * len(rooms) * 1000
    assert figure(server, "chatty_rooms") == 0


def test_who_is_refused_leaves_nothing_behind_either(server: Server, room_id: str) -> None:
    def be_refused(times: int) -> tuple[int, int]:
        for _ in range(times):
            with pytest.raises(HTTPError, match="404"):
                Peer(server, "0" * 27, "Ada")
            with pytest.raises(HTTPError, match="409"):
                Peer(server, room_id, "Ada", seed=True)
        return psutil.Process(server.pid).num_fds(), memory(server)

    with Peer(server, room_id, "Ada", key=KEY):
        descriptors, before = be_refused(300)
        descriptors_after, after = be_refused(600)
    assert descriptors_after <= descriptors + READERS
    assert after - before < 1200 * 2000
