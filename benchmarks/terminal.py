"""``chatty join`` in a real pseudo-terminal: what it costs, and how soon a key is on the screen.

A room of 100,000 messages is joined, and the time to the prompt taken. Then
somebody types while nothing happens, while 10 messages a second come in, and
while 500 do. At last 100,000 messages come as fast as they can be sent.

The terminal reads what is written and shows nothing: its own time comes on top.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

import chatty
from benchmarks.history import fill
from benchmarks.report import Benchmark, Figures, Options, Table, latencies
from benchmarks.servers import CLIENT_CORE, ROOT, Running, pinned, running

MESSAGES: Final = 100_000
RATES: Final = (0, 10, 500)
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
async def _joined(url: str, room: str, home: Path) -> AsyncIterator[Terminal]:
    command = [sys.executable, "-m", "chatty", "join", room, "--server", url, "--name", "bench"]
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
    """What the process uses while ``rate`` messages a second come in; then, how soon four keys a second are seen."""
    sending = asyncio.create_task(_send(room, rate))
    await asyncio.sleep(1)
    cpu, began = terminal.cpu_seconds, time.perf_counter()
    await asyncio.sleep(seconds)
    share = (terminal.cpu_seconds - cpu) / (time.perf_counter() - began)
    took: list[float] = []
    while time.perf_counter() - began < 2 * seconds:
        await asyncio.sleep(0.25)
        took.append(await terminal.type())
    sending.cancel()
    await asyncio.wait([sending])
    return {"percent_of_a_core": share * 100, "p50_ms": latencies(took)["p50_ms"], "most_ms": max(took) * 1000}


async def _send(room: chatty.Room, rate: int) -> None:
    began, number = time.perf_counter(), 0
    while rate:
        await room.post(f"message {number}: some words of an everyday length")
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))


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
    async with _joined(url, room_id, home) as terminal:
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


BENCHMARKS: Final = (
    Benchmark("terminal", f"chatty join in a pseudo-terminal, in a room of {MESSAGES:,} messages", _run),
)
