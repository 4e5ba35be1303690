"""A member's latency beside 16 connections that only read: pages of history, searches, ``/readyz``, ``/metrics``.

readers   one room of two, 50 messages a second, alone and beside each kind of reader; each reader asks again
          as soon as it has its answer, as a script without a pause would

The readers are one process with a low priority, so that they take the client's core from no measurement. The room
has 50,000 messages of ten words.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
import tempfile
import threading
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.fanout import loaded
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.search import COMMON, fill
from benchmarks.servers import CLIENT_CORE, beside, running

CONNECTIONS: Final = 16
MESSAGES: Final = 50_000
_LOAD: Final = Load(0, [], members=2, rate=50, every_latency=True)
_READS: Final = {
    "pages of 500": "/v1/rooms/{room}/events?limit=500&before=40000",
    "searches": f"/v1/rooms/{{room}}/events?limit=100&q={COMMON[:1]}",
    "readyz": "/readyz",
    "metrics": "/metrics",
}


def _measure(data: Path, room: str, path: str, seconds: float) -> Figures:
    with running("chatty", data=data) as server:
        load = msgspec.structs.replace(_LOAD, port=server.port, rooms=server.make_rooms(1), seconds=seconds)
        with _readers(server.port, path.format(room=room)) if path else contextlib.nullcontext():
            figures = loaded(server, load)
    return {name: figures[name] for name in ("p50_ms", "p99_ms")}


def _readers(port: int, path: str) -> AbstractContextManager[None]:
    """So many connections ask for ``path`` again and again."""
    return beside("benchmarks.readers", port, path, core=CLIENT_CORE)


def _readers_beside(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        room = fill(data, MESSAGES)
        measures = {"alone": partial(_measure, data, room, "", options.seconds)}
        measures |= {what: partial(_measure, data, room, path, options.seconds) for what, path in _READS.items()}
        return rounds(options, measures)


def _ask(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path}: {response.status}")


def main() -> None:
    os.nice(19)
    port, path = int(sys.argv[1]), sys.argv[2]
    for _ in range(CONNECTIONS):
        threading.Thread(target=_ask, args=(port, path), daemon=True).start()
    print(flush=True)
    sys.stdin.read()


BENCHMARKS: Final = (
    Benchmark("readers", f"a member's latency beside {CONNECTIONS} connections that only read", _readers_beside),
)

if __name__ == "__main__":
    main()
