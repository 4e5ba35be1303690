"""Fan-out: what rooms full of members get out of a server, beside the naive one.

hot     one room of 100, ten senders with 16 messages under way each
rooms   fifty rooms of 20, five senders with four under way each
quiet   one room of 100, one message at a time
steady  twenty rooms of 50, 40,000 deliveries a second whatever comes back

The client counts every delivery; a figure for which one is missing is an error.
Deliveries per CPU second are the server's own processor time: the figure that
says something on a machine that is busy otherwise.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.servers import CLIENT_CORE, PATIENCE, ROOT, Running, pinned, running


class Loader:
    """The load client's process: its connections are open; ``opened`` says how that went."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.opened = self._answer()

    def run(self) -> Figures:
        """Have the server loaded."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Figures:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load client failed; it says why above")
        figures: Figures = json.loads(line)
        if missing := figures.pop("missing"):
            raise RuntimeError(f"{missing} deliveries are missing")
        return figures


@contextlib.contextmanager
def loader(load: Load) -> Iterator[Loader]:
    """A load client with its connections open; ended with its connections at the end."""
    with pinned(CLIENT_CORE):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    with process:
        try:
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(load).decode() + "\n")
            process.stdin.flush()
            yield Loader(process)
        finally:
            process.kill()


def loaded(server: Running, load: Load) -> Figures:
    """What ``load`` makes of ``server``."""
    with loader(load) as client:
        before = server.cpu_seconds
        figures = client.run()
        spent = server.cpu_seconds - before
    share = spent / (load.warm_up + load.seconds)
    figures["deliveries_per_cpu_s"] = figures["deliveries_per_s"] / share if share else 0.0
    return figures


_LOADS: Final = {
    "hot": (1, Load(0, [], members=100, senders=10, window=16)),
    "rooms": (50, Load(0, [], members=20, senders=5, window=4)),
    "quiet": (1, Load(0, [], members=100, every_latency=True)),
    "steady": (20, Load(0, [], members=50, senders=2, rate=20, every_latency=True)),
}


def _measure(kind: str, name: str, seconds: float) -> Figures:
    count, load = _LOADS[name]
    with running(kind) as server:
        load = msgspec.structs.replace(load, port=server.port, rooms=server.make_rooms(count), seconds=seconds)
        return loaded(server, load)


def _measure_with_tokens(name: str, seconds: float) -> Figures:
    """The same on a server that lets in nobody else, each member with a token and a name of its own."""
    count, load = _LOADS[name]
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with running("chatty", data=data, options=("--access", "token")) as server:
            rooms = [_operate(data, "/v1/rooms", {"name": f"room{n}"})["id"] for n in range(count)]
            tokens = [_operate(data, "/v1/tokens", {"name": f"n{n:05d}"})["token"] for n in range(count * load.members)]
            load = msgspec.structs.replace(load, port=server.port, rooms=rooms, tokens=tokens, seconds=seconds)
            return loaded(server, load)


def _operate(data: Path, path: str, body: dict[str, str]) -> dict[str, str]:
    """A request over the control socket."""
    line = http.client.HTTPConnection("localhost", timeout=PATIENCE)
    line.sock = socket.socket(socket.AF_UNIX)
    line.sock.connect(str(data / "control"))
    with contextlib.closing(line):
        line.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer: dict[str, str] = json.loads(line.getresponse().read())
    return answer


def _with_tokens(name: str, options: Options) -> Table:
    measures = {
        "with tokens": partial(_measure_with_tokens, name, options.seconds),
        "open": partial(_measure, "chatty", name, options.seconds),
    }
    return rounds(options, measures)


def _run(name: str, options: Options) -> Table:
    return rounds(options, {kind: partial(_measure, kind, name, options.seconds) for kind in ("chatty", "naive")})


BENCHMARKS: Final = (
    Benchmark("hot", "one busy room of 100 members", partial(_run, "hot")),
    Benchmark("rooms", "fifty busy rooms of 20 members", partial(_run, "rooms")),
    Benchmark("quiet", "a room of 100, one message at a time: latency", partial(_run, "quiet")),
    Benchmark("hot-tokens", "the same room, with tokens and without", partial(_with_tokens, "hot")),
    Benchmark("rooms-tokens", "the same rooms, with tokens and without", partial(_with_tokens, "rooms")),
    Benchmark("steady", "40,000 deliveries a second, open loop: latency", partial(_run, "steady")),
)
