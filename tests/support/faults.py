"""Peers that misbehave, servers that lack something, and how a server fares."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode

import msgspec
import psutil

from benchmarks import wire
from tests.support.server import PATIENCE, ROOT, Server

BROKEN = 1006


class Peer(contextlib.AbstractContextManager["Peer"]):
    """A WebSocket in a room that does what it is told and nothing else: it answers no ping and reads when asked.

    ``key`` makes it a v1 member that can come back, ``seed`` one of the seed
    dialect; ``reads`` is the kernel's buffer for it, in bytes. Raises
    HTTPError if the server doesn't let it in.
    """

    def __init__(
        self,
        server: Server,
        room_id: str,
        name: str,
        *,
        key: str = "",
        seed: bool = False,
        reads: int = 0,
        **query: Any,
    ) -> None:
        path = f"/chat/join?room={room_id}&" if seed else f"/v1/rooms/{room_id}/ws?"
        self.target = path + urlencode({"name": name, **query})
        self.sock = server.dial(reads=reads)
        headers = (f"Authorization: Bearer {key}",) if key else ()
        self.sock.sendall(wire.upgrade(server.port, self.target, *headers))
        self._received = bytearray()
        while b"\r\n\r\n" not in self._received:
            data = self.sock.recv(4096)
            self._received += data
            if not data or (status := int(self._received[9:12] or b"0")) != 101:
                self.sock.close()
                raise HTTPError(server.url + self.target, status if data else 0, "refused", {}, None)  # type: ignore[arg-type]
        del self._received[: self._received.index(b"\r\n\r\n") + 4]

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def say(self, text: str) -> None:
        """Sends a text frame."""
        self.sock.sendall(wire.frame(text.encode()))

    def send(self, text: str) -> None:
        """Sends a v1 message."""
        self.say(msgspec.json.encode({"op": "send", "text": text}).decode())

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What comes, as opcodes and payloads, until the connection ends."""
        with contextlib.suppress(ConnectionError):
            while True:
                yield from wire.split(self._received)
                data = self.sock.recv(1 << 16)
                if not data:
                    return
                self._received += data

    def events(self) -> Iterator[Any]:
        """What comes in text frames, as dicts."""
        return (msgspec.json.decode(payload) for opcode, payload in self.frames() if opcode == wire.TEXT)

    def until(self, wanted: Callable[[Any], bool]) -> list[Any]:
        """Events up to and with the first that is ``wanted``."""
        seen = []
        for event in self.events():
            seen.append(event)
            if wanted(event):
                return seen
        raise AssertionError(f"the connection ended before that; it said {seen[-3:]}")

    def hear(self, text: str) -> list[Any]:
        """Events up to and with the message ``text``."""
        return self.until(lambda event: event.get("text") == text)

    def rest(self) -> tuple[list[Any], int]:
        """All events until the connection ends, and the server's close code, or 1006. Reads as fast as it can."""
        seen = []
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for opcode, payload in self.frames():
            if opcode == wire.TEXT:
                seen.append(msgspec.json.decode(payload))
            elif opcode == wire.CLOSE:
                return seen, int.from_bytes(payload[:2])
        return seen, BROKEN


class InShell(Server):
    """`Server` as a shell starts it: ``line`` is what it is told, with ``"$@"`` for the server."""

    def __init__(self, data: Path, line: str) -> None:
        super().__init__(data)
        self._line = line

    def start(self, *, wait: bool = True) -> Self:
        serve = [sys.executable, "-m", "chatty", "serve", "--port", str(self.port), "--data", str(self.data)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", self._line, "sh", *serve],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=self._env,
            )  # fmt: skip
        if wait:
            self.wait_ready_or_kill()
        return self


class Confined(InShell):
    """`Server` with at most ``files`` descriptors."""

    def __init__(self, data: Path, *, files: int) -> None:
        super().__init__(data, f'ulimit -n {files}; exec "$@"')


def read_from(fifo: Path) -> int:
    """Makes a pipe with a name; gives the descriptor of its one reader, to close when that shall go."""
    os.mkfifo(fifo)
    return os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)


def figure(server: Server, name: str) -> int:
    """One of the server's metrics, 0 if it is not there."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=PATIENCE, context=server.trusting) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return int(float(line.rpartition(" ")[2]))
    return 0


def cut_for(server: Server, code: int) -> int:
    """How many connections the server has closed with ``code``."""
    return figure(server, f'chatty_closes_total{{code="{code}"}}')


def memory(server: Server) -> int:
    """Bytes that the server has to itself."""
    return int(psutil.Process(server.pid).memory_full_info().uss)


def eventually(true: Callable[[], bool], what: str) -> None:
    """Returns as soon as it is true. What shows on the outside alone can't be awaited but by asking again."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"still not so: {what}"
        time.sleep(0.02)


def post(server: Server, room_id: str, text: str) -> int:
    """Posts a message over HTTP; gives the status, 0 where the server had no descriptor to take it with."""
    try:
        server.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "Poster", "text": text})
    except HTTPError as error:
        with error:
            return error.code
    except ConnectionResetError:
        return 0
    return 201


def wait_until_gone(sockets: list[socket.socket]) -> None:
    """Returns when the peer has ended each of these connections; drops what it says meanwhile."""
    poll, open_ones = select.poll(), {sock.fileno(): sock for sock in sockets}
    for fd in open_ones:
        poll.register(fd, select.POLLIN)
    while open_ones:
        ready = poll.poll(PATIENCE * 1000)
        assert ready, f"{len(open_ones)} are still open"
        for fd, _ in ready:
            with contextlib.suppress(ConnectionError):
                if open_ones[fd].recv(4096):
                    continue
            poll.unregister(fd)
            del open_ones[fd]


def fill_disk(server: Server, room: int) -> None:
    """From now on none of the server's files can be written more than ``room`` bytes beyond the database's end.

    The WAL has its length from the start, and what is written there is limited like the rest.
    """
    limit = max((server.data / "chatty.db").stat().st_size, server._log.stat().st_size) + room
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def free_disk(server: Server) -> None:
    """The opposite of `fill_disk`."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
