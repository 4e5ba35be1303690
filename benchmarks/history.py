"""History: the newest page of 100 events, out of 1,000,000 and out of 1,000.

The database is filled by the store itself, without a server; then a server
is asked over one connection for the pages of both rooms in turn.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.report import Benchmark, Options, Table, latencies
from benchmarks.servers import Running, running
from chatty.ksuid import new_ksuid
from chatty.server.business.entries import CreateRoom, Post
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE
from tests.server.principals import speaker

SIZES: Final = (1_000_000, 1_000)
PAGE: Final = 100
BATCH: Final = 1_024


def fill(data: Path, sizes: tuple[int, ...]) -> list[str]:
    """Make a room of each size; their ids."""
    problems: list[BaseException] = []
    store = Store(data / DATABASE, on_error=problems.append)
    store.open()
    rooms = []
    for size in sizes:
        at = time.time_ns() // 1_000_000
        room = new_ksuid(at / 1000)
        store.apply([CreateRoom(room, at, f"{size} events", "", "0" * 16, b"\0" * 32)])
        for first in range(0, size, BATCH):
            store.apply([
                Post(room, at + number, speaker("Ada", b"\0" * 32), f"message {number} ".ljust(64, "x"))
                for number in range(first, min(size, first + BATCH))
            ])  # fmt: skip
            store.checkpoint(quiet=False)
        rooms.append(room)
    store.close()
    if problems:
        raise RuntimeError(f"filling the store failed: {problems[0]}")
    return rooms


def _ask(server: Running, rooms: list[str], seconds: float) -> list[list[float]]:
    """Seconds that pages took, by room."""
    times: list[list[float]] = [[] for _ in rooms]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for room, taken in zip(rooms, times, strict=True):
            began = time.perf_counter()
            connection.request("GET", f"/v1/rooms/{room}/events?limit={PAGE}")
            response = connection.getresponse()
            body = response.read()
            taken.append(time.perf_counter() - began)
            if response.status != 200 or body.count(b'"seq"') != PAGE:
                raise RuntimeError(f"no page of {PAGE} events: {response.status} {body[:200]!r}")
    connection.close()
    return times


def _run(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        rooms = fill(Path(scratch), SIZES)
        with running("chatty", data=Path(scratch)) as server:
            _ask(server, rooms, 0.3)
            times = _ask(server, rooms, options.seconds * options.runs)
    return {f"out of {size:,}": latencies(taken) for size, taken in zip(SIZES, times, strict=True)}


BENCHMARKS: Final = (Benchmark("history", f"the newest page of {PAGE} events", _run),)
