"""``chatty join`` in a real pseudo-terminal: what it costs, and how soon a key is on the screen.

A room of 100,000 messages is joined, and the time to the prompt taken. Then
somebody types while nothing happens, while 10 messages a second come in, and
while 500 do. At last 100,000 messages come as fast as they can be sent.

Then somebody has 20 rooms open, with 10 messages a second in each, types, and turns to the one with 100,000 messages.

The terminal reads what is written and shows nothing: its own time comes on top.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import psutil

import chatty
from benchmarks.history import fill
from benchmarks.report import Benchmark, Figures, Options, Table, latencies
from benchmarks.servers import CLIENT_CORE, ROOT, SERVER_CORE, Running, beside, pinned, running

MESSAGES: Final = 100_000
RATES: Final = (0, 10, 500)
ROOMS: Final = 20
ROOM_RATE: Final = 10
TURNS: Final = 20
EVERY: Final = 0.1
"""Seconds between two keys."""
PATIENCE: Final = 120.0
"""Seconds for anything to be on the screen."""

_FIRST, _KEYS = 0x100, 120
"""Keys that stand in no message, so that one that is on the screen was just pressed."""
_CLEAR = b"\x15"


class Terminal:
    """A process in a terminal of 80 columns and 24 rows."""

    def __init__(self, pid: int, descriptor: int, began: float) -> None:
        self.began = began
        self.process = psutil.Process(pid)
        self._descriptor = descriptor
        self._wanted = b""
        self._written = bytearray()
        self._seen: asyncio.Future[float] | None = None
        self._pressed = 0

    def read(self) -> None:
        """Take what was written."""
        self._written += os.read(self._descriptor, 65_536)
        if self._seen and not self._seen.done() and self._wanted in self._written:
            self._seen.set_result(time.perf_counter())

    async def sees(self, what: str, keys: bytes = b"") -> float:
        """The moment at which ``what`` is written, after ``keys`` were pressed."""
        self._wanted = what.encode()
        self._written.clear()
        self._seen = asyncio.get_running_loop().create_future()
        os.write(self._descriptor, keys)
        async with asyncio.timeout(PATIENCE):
            return await self._seen

    async def type(self) -> float:
        """Press a key, and give the seconds until it is on the screen."""
        if self._pressed % _KEYS == 0:
            os.write(self._descriptor, _CLEAR)
        key = chr(_FIRST + self._pressed % _KEYS)
        self._pressed += 1
        began = time.perf_counter()
        return await self.sees(key, key.encode()) - began

    @property
    def cpu_seconds(self) -> float:
        """The processor's time that the process has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def memory_kib(self) -> float:
        """What the process has in memory of its own."""
        return float(self.process.memory_full_info().uss) / 2**10


@asynccontextmanager
async def _joined(url: str, rooms: Sequence[str], home: Path) -> AsyncIterator[Terminal]:
    command = [sys.executable, "-m", "chatty", "join", *rooms, "--server", url, "--name", "bench"]
    env = {**os.environ, "TERM": "xterm-256color", "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.perf_counter()
    with pinned(CLIENT_CORE):
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=ROOT, start_new_session=True
        )
    os.close(theirs)
    terminal = Terminal(process.pid, ours, began)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, terminal.read)
    try:
        yield terminal
    finally:
        loop.remove_reader(ours)
        process.kill()
        await process.wait()
        os.close(ours)


async def _at_rate(terminal: Terminal, room: chatty.Room, rate: int, seconds: float) -> Figures:
    """The costs while ``rate`` messages a second come in."""
    sending = asyncio.create_task(_send(room.post, rate))
    figures = await _costs(terminal, seconds)
    sending.cancel()
    await asyncio.wait([sending])
    return figures


async def _costs(terminal: Terminal, seconds: float) -> Figures:
    """What the process uses; then, how soon ten keys a second are seen."""
    await asyncio.sleep(1)
    cpu, began = terminal.cpu_seconds, time.perf_counter()
    await asyncio.sleep(seconds)
    share = (terminal.cpu_seconds - cpu) / (time.perf_counter() - began)
    took: list[float] = []
    while time.perf_counter() - began < 2 * seconds:
        await asyncio.sleep(EVERY)
        took.append(await terminal.type())
    figures = latencies(took)
    return {"percent_of_a_core": share * 100, "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"]}


async def _send(post: Callable[[str], Awaitable[object]], rate: int) -> None:
    """Say so many messages a second."""
    began, number = time.perf_counter(), 0
    while rate:
        await post(f"message {number}: some words of an everyday length")
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))


async def _in_rooms(server: Running, rooms: Sequence[str], home: Path, seconds: float) -> Figures:
    """Somebody has all ``rooms`` open, the ninth of which has many messages."""
    url = f"http://127.0.0.1:{server.port}"
    async with _joined(url, rooms[:1], home) as terminal:
        await terminal.sees("/help")
        await asyncio.sleep(1)
        alone = terminal.memory_kib
    async with _joined(url, rooms, home) as terminal:
        await terminal.sees("/help")
        # In another process: here, its work would delay the moment at which a key is seen.
        with beside("benchmarks.terminal", url, *rooms, core=SERVER_CORE):
            figures = await _costs(terminal, seconds)
        figures["each_room_kib"] = (terminal.memory_kib - alone) / (len(rooms) - 1)
        took = [await _turn(terminal, 9 if turn % 2 else 1) for turn in range(1, 1 + TURNS)]
    return {**figures, "turn_ms": statistics.median(took[::2]) * 1000}


async def _send_to_all(url: str, rooms: Sequence[str]) -> None:
    """Send to all rooms, until this process is killed."""
    async with chatty.Http(url) as http, asyncio.TaskGroup() as group:
        print(flush=True)
        for number, room in enumerate(rooms):
            group.create_task(_post(http, room, number / len(rooms) / ROOM_RATE))


async def _post(http: chatty.Http, room: str, delay: float) -> None:
    await asyncio.sleep(delay)
    await _send(partial(http.send, room, name="sender"), ROOM_RATE)


async def _turn(terminal: Terminal, number: int) -> float:
    """The seconds until another room is shown."""
    began = time.perf_counter()
    return await terminal.sees("━━ ", f"\x1b{number}".encode()) - began


async def _flood(terminal: Terminal, room: chatty.Room) -> Figures:
    before, began = terminal.memory_kib, time.perf_counter()
    for number in range(MESSAGES):
        await room.post(f"message {number}: some words of an everyday length")
    await room.flush()
    await room.post("the last one")
    await terminal.sees("the last one")
    took = time.perf_counter() - began
    return {"before_kib": before, "after_kib": terminal.memory_kib, "took_s": took}


async def _measure(server: Running, room_id: str, home: Path, seconds: float) -> Table:
    url = f"http://127.0.0.1:{server.port}"
    table: Table = {}
    async with _joined(url, [room_id], home) as terminal:
        table["joining"] = {"took_s": await terminal.sees("connected") - terminal.began}
        async with chatty.join(url, room_id, name="sender", participate=False) as room:
            for rate in RATES:
                table[f"{rate} messages/s"] = await _at_rate(terminal, room, rate, seconds)
            table[f"{MESSAGES:,} messages"] = await _flood(terminal, room)
    return table


def _run(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        (room,) = fill(data, (MESSAGES,))
        with running("chatty", data=data) as server:
            return asyncio.run(_measure(server, room, Path(scratch) / "home", options.seconds * options.runs))


def _run_rooms(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        many, *rooms = fill(data, (MESSAGES, *[100] * (ROOMS - 1)))
        rooms.insert(8, many)
        with running("chatty", data=data) as server:
            figures = asyncio.run(_in_rooms(server, rooms, Path(scratch) / "home", options.seconds * options.runs))
    return {f"{ROOMS} rooms, {ROOM_RATE} messages/s each": figures}


BENCHMARKS: Final = (
    Benchmark("terminal", f"chatty join in a pseudo-terminal, in a room of {MESSAGES:,} messages", _run),
    Benchmark("terminal-rooms", f"chatty join in {ROOMS} rooms, one of them of {MESSAGES:,} messages", _run_rooms),
)

if __name__ == "__main__":
    asyncio.run(_send_to_all(sys.argv[1], sys.argv[2:]))
