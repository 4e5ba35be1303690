"""Faults: what others notice when somebody or something misbehaves. chatty alone.

slow      a busy room; five of its members never read
flood     a room at work; elsewhere somebody floods with texts, and with pings
disk      a disk that takes 300 ms for each fsync (by strace): does the server still answer at once?
halfopen  200 silent connections and 200 half-sent requests: when the server lets go of them
stop      SIGTERM with 500 members, one of which never reads: how long until the process is gone
leak      10,000 joins and leaves: descriptors and memory, before and after
"""

from __future__ import annotations

import contextlib
import http.client
import select
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import psutil

from benchmarks import wire
from benchmarks.fanout import loaded, loader
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, latencies, rounds
from benchmarks.servers import PATIENCE, Running, running

DELAY_US: Final = 300_000
Nuisance = Callable[[Running, str], contextlib.AbstractContextManager[object]]
"""Somebody who misbehaves, in the room with this id, while the context lasts."""


def join(port: int, target: str, *headers: str, receive_buffer: int = 0) -> socket.socket:
    """A WebSocket whose handshake is done. What came right behind it is dropped."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    sock.sendall(wire.upgrade(port, target, *headers))
    head = sock.recv(4096)
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"the handshake was refused: {head.decode(errors='replace')}")
    return sock


# --- others, and somebody who misbehaves --------------------------------------------------------------------


@contextlib.contextmanager
def _nobody(server: Running, room: str) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _slow_readers(server: Running, room: str) -> Iterator[None]:
    """With a key, so that whoever is cut is away for a while, and nobody hears of it."""
    with contextlib.ExitStack() as stack:
        for number in range(5):
            key = f"Authorization: Bearer {number:032d}"
            target = f"/v1/rooms/{room}/ws?name=slow{number}"
            stack.enter_context(join(server.port, target, key, receive_buffer=4096))
        yield


@contextlib.contextmanager
def _flooder(blob: bytes, server: Running, room: str) -> Iterator[None]:
    """Send ``blob`` as fast as the server takes it, in another room; come back when cut."""
    (elsewhere,) = server.make_rooms(1)
    over = threading.Event()

    def flood() -> None:
        number = 0
        while not over.is_set():
            number += 1
            with join(server.port, f"/chat/join?name=flooder{number}&room={elsewhere}") as sock:
                sock.settimeout(0.5)
                with contextlib.suppress(OSError):
                    while not over.is_set():
                        sock.sendall(blob)
                        while select.select([sock], [], [], 0)[0] and sock.recv(1 << 16):
                            pass

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _others(nuisance: Nuisance, load: Load, seconds: float) -> Figures:
    with running("chatty") as server:
        (room,) = server.make_rooms(1)
        with nuisance(server, room):
            load = Load(server.port, [room], load.members, load.senders, load.window, load.rate, seconds, 1.0,
                        every_latency=True)  # fmt: skip
            figures = loaded(server, load)
        del figures["deliveries_per_cpu_s"]
        if nuisance is _slow_readers and not server.metric('chatty_closes_total{code="4008"}'):
            raise RuntimeError("the slow readers were not cut: there was too little to read")
        return {**figures, "server_kib": server.memory / 1024}


def _compare(nuisances: dict[str, Nuisance], load: Load, options: Options) -> Table:
    return rounds(options, {
        name: partial(_others, nuisance, load, options.seconds) for name, nuisance in nuisances.items()
    })  # fmt: skip


_TEXTS: Final = wire.frame(b"flood".ljust(100, b"!")) * 200
_PINGS: Final = wire.frame(b"flood", wire.PING) * 200

# --- the disk -----------------------------------------------------------------------------------------------


def _answers(under: Sequence[str], seconds: float) -> Figures:
    """How long `/healthz` takes while messages are stored."""
    times = []
    with running("chatty", under=under) as server:
        (room,) = server.make_rooms(1)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        with loader(Load(server.port, [room], 20, senders=5, rate=20)) as client:
            answer = threading.Thread(target=client.run)
            answer.start()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                began = time.perf_counter()
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                times.append(time.perf_counter() - began)
                time.sleep(0.002)
            answer.join()
        connection.close()
    return latencies(times)


def _disk(options: Options) -> Table:
    if not shutil.which("strace"):
        raise RuntimeError("this needs strace")
    with tempfile.NamedTemporaryFile() as out:
        strace = ("strace", "-D", "-f", "-o", out.name, "-e", "trace=fdatasync")
        return rounds(options, {
            "300 ms an fsync": partial(_answers, (*strace, "-e", f"inject=fdatasync:delay_exit={DELAY_US}"),
                                       options.seconds),
            "as it is": partial(_answers, strace, options.seconds),
        })  # fmt: skip


# --- coming and going ---------------------------------------------------------------------------------------


def _half_open(_: Options) -> Table:
    with running("chatty") as server, contextlib.ExitStack() as stack:
        request = wire.upgrade(server.port, "/chat/join?name=late&room=none")
        poll, opened, taken = select.poll(), {}, []
        for number in range(400):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            sock.sendall(request[: len(request) // 2] if number % 2 else b"")
            opened[sock.fileno()] = time.perf_counter()
            poll.register(sock, select.POLLIN)
        while opened:
            ready = poll.poll(PATIENCE * 1000)
            if not ready:
                raise RuntimeError(f"{len(opened)} are still open after {PATIENCE:.0f} s")
            for fd, _event in ready:
                taken.append(time.perf_counter() - opened.pop(fd))
                poll.unregister(fd)
    return {"400 half-open": {"first_gone_s": min(taken), "last_gone_s": max(taken)}}


def _stop() -> Figures:
    with running("chatty") as server:
        (room,) = server.make_rooms(1)
        target = f"/v1/rooms/{room}/ws?name=slow"
        with join(server.port, target, f"Authorization: Bearer {0:032d}", receive_buffer=4096):
            with loader(Load(server.port, [room, *server.make_rooms(9)], 50, senders=2, window=16)) as client:
                # Until the one who doesn't read has something waiting.
                client.run()
                began = time.perf_counter()
                server.process.terminate()
                status = server.process.wait(PATIENCE)
                if status:
                    raise RuntimeError(f"the server ended with status {status}")
                return {"gone_after_s": time.perf_counter() - began}


def _leak(_: Options) -> Table:
    with running("chatty") as server:
        rooms = server.make_rooms(20)
        load = Load(server.port, rooms, 50, at_once=50)
        with loader(load):
            pass
        table = {"before": _held(server)}
        for _round in range(10):
            with loader(load):
                pass
        table["after 10,000"] = _held(server)
    return table


def _held(server: Running) -> Figures:
    until = time.monotonic() + PATIENCE
    while server.metric("chatty_connections") and time.monotonic() < until:
        time.sleep(0.05)
    return {"descriptors": psutil.Process(server.process.pid).num_fds(), "memory_kib": server.memory / 1024}


BENCHMARKS: Final = (
    Benchmark("slow", "a busy room, in which five members never read", partial(
        _compare, {"five slow readers": _slow_readers, "nobody": _nobody}, Load(0, [], 50, senders=5, window=8),
    )),
    Benchmark("flood", "a room at work, beside floods elsewhere", partial(
        _compare,
        {"texts": partial(_flooder, _TEXTS), "pings": partial(_flooder, _PINGS), "nobody": _nobody},
        Load(0, [], 50, senders=5, rate=20),
    )),
    Benchmark("disk", "/healthz on a slow disk, while messages are stored", _disk),
    Benchmark("halfopen", "connections that never ask for anything", _half_open),
    Benchmark("stop", "SIGTERM with 500 members, one of them stalled", lambda options: rounds(
        options, {"500 members": _stop}
    )),
    Benchmark("leak", "what is left of 10,000 joins and leaves", _leak),
)  # fmt: skip
