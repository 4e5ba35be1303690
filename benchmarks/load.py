"""The load client, a process of its own: `python -m benchmarks.load`, spoken to over its pipes in lines of JSON.

It reads a `Load`, opens rooms × members connections in the seed dialect,
``at_once`` handshakes at a time, and prints how that went. On the next line it
loads the server and prints that. In every room the first ``senders`` members
send, and every member must receive all of it.

    closed loop (``rate`` 0): a sender has ``window`` messages under way, and sends the next when its own comes back
    open loop: each sender sends ``rate`` messages a second whatever comes back, so that a stall shows as latency

One thread, epoll, raw sockets. In a busy room nothing in Python could look at
every delivery; so frames are counted where they lie in the receive buffer: no
text here holds the byte 0x81, with which each text frame begins. ``missing`` is
how many deliveries the counts lack in the end (negative: repeated); latencies
run from a sender's write to a member's read.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks import wire
from benchmarks.report import percentile

SETTLE_SECONDS: Final = 20.0
"""How long what is under way may take to arrive, before a load and after it."""

_SENT_AT: Final = re.compile(rb" t=(\d{19})")
_buffer: Final = bytearray(1 << 20)


class Load(Struct):
    """What to do; see the module's text. ``seconds`` are measured after ``warm_up``."""

    port: int
    rooms: list[str]
    members: int
    senders: int = 1
    window: int = 1
    rate: float = 0.0
    seconds: float = 1.0
    warm_up: float = 0.5
    at_once: int = 32
    every_latency: bool = False
    tokens: list[str] = []  # of each member by its number; none on an open server


class Member:
    """A connection."""

    __slots__ = ("due", "in_flight", "mark", "name", "number", "out", "received", "room", "sent", "sock", "tail")

    def __init__(self, number: int, room: int) -> None:
        self.sock = socket.socket()
        self.number = number
        self.name = f"n{number:05d}"
        self.room = room
        self.mark = f'"{self.name}"'.encode()
        self.received = 0
        self.in_flight = 0
        self.sent = 0
        self.due = 0.0
        self.tail = b""
        self.out = b""


class Client:
    """All connections of a load."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.poll = select.epoll()
        self.members: dict[int, Member] = {}
        self.latencies: list[float] = []
        self.received = 0
        self.measuring = False

    # --- opening --------------------------------------------------------------------------------------------

    def open(self) -> dict[str, float]:
        """Open all connections, and wait until everybody has heard of everybody."""
        load, times = self.load, []
        planned = [
            Member(room * load.members + k, room) for room in range(len(load.rooms)) for k in range(load.members)
        ]
        began = time.perf_counter()
        for first in range(0, len(planned), load.at_once):
            times += self._shake(planned[first : first + load.at_once])
        seconds = time.perf_counter() - began
        joins = load.members * (load.members + 1) // 2 * len(load.rooms)
        self._receive_until(lambda: self.received >= joins)
        return {
            "joins_per_s": len(planned) / seconds,
            "p50_ms": percentile(times, 0.5) * 1000,
            "p99_ms": percentile(times, 0.99) * 1000,
            "missing": joins - self.received,
        }

    def _shake(self, members: list[Member]) -> list[float]:
        """Seconds that each of these handshakes took; all are under way at once."""
        poll, waiting, times = select.epoll(), {}, []
        for member in members:
            sock = member.sock
            sock.connect(("127.0.0.1", self.load.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            began = time.perf_counter()
            target = f"/chat/join?name={member.name}&room={self.load.rooms[member.room]}"
            credential = (f"Authorization: Bearer {self.load.tokens[member.number]}",) if self.load.tokens else ()
            sock.sendall(wire.upgrade(self.load.port, target, *credential))
            waiting[sock.fileno()] = member, began, bytearray()
            poll.register(sock, select.EPOLLIN)
        while waiting:
            ready = poll.poll(SETTLE_SECONDS)
            if not ready:
                raise RuntimeError(f"{len(waiting)} handshakes were not answered within {SETTLE_SECONDS:.0f} s")
            for fd, _ in ready:
                member, began, head = waiting[fd]
                data = member.sock.recv(65_536)
                head += data
                if not data or (len(head) > 12 and not head.startswith(b"HTTP/1.1 101")):
                    raise RuntimeError(f"a handshake was refused: {head.decode(errors='replace')[:500]!r}")
                end = head.find(b"\r\n\r\n")
                if end < 0:
                    continue
                times.append(time.perf_counter() - began)
                del waiting[fd]
                poll.unregister(fd)
                self._admit(member, bytes(head[end + 4 :]))
        poll.close()
        return times

    def _admit(self, member: Member, rest: bytes) -> None:
        member.sock.setblocking(False)
        self.members[member.sock.fileno()] = member
        self.poll.register(member.sock, select.EPOLLIN)
        self._count(member, rest.count(b"\x81"))

    # --- receiving ------------------------------------------------------------------------------------------

    def _count(self, member: Member, frames: int) -> None:
        member.received += frames
        self.received += frames

    def receive(self, timeout: float) -> None:
        """Take what has come, waiting up to ``timeout`` seconds for something."""
        every = self.load.every_latency
        for fd, event in self.poll.poll(timeout):
            member = self.members[fd]
            if event & select.EPOLLOUT:
                self._flush(member)
            if not event & ~select.EPOLLOUT:
                continue
            size = member.sock.recv_into(_buffer)
            if not size:
                raise RuntimeError("the server ended a connection")
            frames = _buffer.count(b"\x81", 0, size)
            self._count(member, frames)
            if self.measuring:
                now = time.time_ns()
                if every:
                    self.latencies += [(now - int(at)) / 1e9 for at in _SENT_AT.findall(_buffer, 0, size)]
                elif found := _SENT_AT.search(_buffer, 0, size):
                    self.latencies.append((now - int(found[1])) / 1e9)
            if member.in_flight:
                self._own(member, size)
            if _buffer.find(b"\x89\x00", 0, size) >= 0:
                self._say(member, wire.frame(b"", wire.PONG))

    def _own(self, member: Member, size: int) -> None:
        """Count a sender's own messages among what came; a name may lie across two reads."""
        across = member.tail + bytes(_buffer[: len(member.mark) - 1])
        member.in_flight -= _buffer.count(member.mark, 0, size) + across.count(member.mark)
        member.tail = bytes(_buffer[max(0, size - len(member.mark) + 1) : size])

    def _receive_until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + SETTLE_SECONDS
        while not done() and time.monotonic() < until:
            self.receive(0.05)

    # --- sending --------------------------------------------------------------------------------------------

    def _send(self, member: Member, count: int) -> None:
        blob = b""
        for _ in range(count):
            member.sent += 1
            blob += wire.frame(f"q={member.sent:08d} t={time.time_ns()} ".ljust(64, "x").encode())
        member.in_flight += count
        self._say(member, blob)

    def _say(self, member: Member, blob: bytes) -> None:
        member.out += blob
        self._flush(member)

    def _flush(self, member: Member) -> None:
        with contextlib.suppress(BlockingIOError):
            member.out = member.out[member.sock.send(member.out) :]
        self.poll.modify(member.sock, select.EPOLLIN | (select.EPOLLOUT if member.out else 0))

    def run(self) -> dict[str, float]:
        """Load the server, and say what came of it."""
        load = self.load
        senders = [member for member in self.members.values() if member.number % load.members < load.senders]
        for member in self.members.values():
            member.received = 0
        self.received = 0
        start = time.perf_counter()
        for number, member in enumerate(senders):
            member.due = start + number / len(senders) / load.rate if load.rate else 0
        began, before = start, 0
        while (now := time.perf_counter()) < start + load.warm_up + load.seconds:
            if not self.measuring and now >= start + load.warm_up:
                self.measuring, began, before = True, now, self.received
            for member in senders:
                if load.rate:
                    if now >= member.due:
                        member.due += 1 / load.rate
                        self._send(member, 1)
                elif member.in_flight < load.window:
                    self._send(member, load.window - member.in_flight)
            self.receive(0.0005 if load.rate else 0.01)
        spent, received = time.perf_counter() - began, self.received - before
        self.measuring = False
        expected = sum(member.sent for member in senders) * load.members
        self._receive_until(lambda: self.received >= expected)
        return {
            "deliveries_per_s": received / spent,
            "p50_ms": percentile(self.latencies, 0.5) * 1000,
            "p99_ms": percentile(self.latencies, 0.99) * 1000,
            "p99.9_ms": percentile(self.latencies, 0.999) * 1000,
            "missing": expected - self.received,
        }


def main() -> None:
    client = Client(msgspec.json.decode(sys.stdin.readline(), type=Load))
    print(msgspec.json.encode(client.open()).decode(), flush=True)
    if sys.stdin.readline():
        print(msgspec.json.encode(client.run()).decode(), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
