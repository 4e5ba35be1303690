"""A cluster of three nodes and three servers of NATS beside a server on its own.

cluster         one room of six, 120 messages a second, open loop: latency
cluster-most    one room of twelve, ten senders with 200 messages under way each
cluster-growth  one room, 100 members at one node, and then 100 more who listen at another one

All processes and the client share this machine's cores, so that a cluster is measured at its worst: its nodes and
servers do on one machine what they would do on three. Growth is measured in processor time, because here are no more
processors to grow to.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import wire
from benchmarks.fanout import loader
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.servers import Running, beside, running
from tests.support.cluster import Cluster
from tests.support.server import Server

LISTENERS: Final = 100
_LOADS: Final = {
    "cluster": Load(0, [], members=6, senders=2, rate=60, every_latency=True),
    "cluster-most": Load(0, [], members=12, senders=10, window=200),
}
_GROWTH: Final = Load(0, [], members=LISTENERS, senders=10, rate=50)


@contextlib.contextmanager
def _cluster() -> Iterator[list[Running]]:
    with tempfile.TemporaryDirectory() as scratch, Cluster(Path(scratch) / "cluster") as cluster:
        yield [as_running(node) for node in cluster.nodes.values()]


def as_running(node: Server) -> Running:
    """A node as benchmarks know servers."""
    assert node.process is not None
    return Running(node.process, node.port)


@contextlib.contextmanager
def _server(kind: str) -> Iterator[Running]:
    """A server on its own, or a node of a cluster; on whichever cores are free."""
    if kind == "cluster":
        with _cluster() as (node, *_):
            yield node
    else:
        cores = os.sched_getaffinity(0)
        with running("chatty") as server:
            os.sched_setaffinity(server.process.pid, cores)
            yield server


def _measure(name: str, kind: str, seconds: float) -> Figures:
    load = _LOADS[name]
    with _server(kind) as server:
        load = msgspec.structs.replace(load, port=server.port, rooms=server.make_rooms(1), seconds=seconds)
        with loader(load) as client:
            figures = client.run()
    if not load.rate:
        figures["messages_per_s"] = figures.pop("deliveries_per_s") / load.members
    return figures


def _run(name: str, options: Options) -> Table:
    return rounds(options, {kind: partial(_measure, name, kind, options.seconds) for kind in ("cluster", "alone")})


def _grow(serving: int, seconds: float) -> Figures:
    """Deliveries per second of the processors of those nodes that have members."""
    with _cluster() as nodes:
        first, second, _ = nodes
        rooms = first.make_rooms(1)
        load = msgspec.structs.replace(_GROWTH, port=first.port, rooms=rooms, seconds=seconds)
        with loader(load) as client, _listening(second.port, rooms[0]) if serving == 2 else contextlib.nullcontext():
            before = [node.cpu_seconds for node in nodes[:serving]]
            figures = client.run()
            spent = [node.cpu_seconds - earlier for node, earlier in zip(nodes, before, strict=False)]
    deliveries = figures["deliveries_per_s"] * (load.warm_up + load.seconds) * serving
    return {"deliveries_per_cpu_s": deliveries / sum(spent)}


def _listening(port: int, room: str) -> AbstractContextManager[None]:
    """So many more listen to the room at another node."""
    return beside("benchmarks.cluster", port, room)


def _listen(port: int, room: str) -> None:
    lines = []
    for _ in range(LISTENERS):
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(wire.upgrade(port, f"/v1/rooms/{room}/ws?join=false"))
        line.recv(1)
        lines.append(line)
    threading.Thread(target=_drain, args=(lines,), daemon=True).start()
    print(flush=True)
    sys.stdin.read()


def _drain(lines: list[socket.socket]) -> None:
    with selectors.DefaultSelector() as ready:
        for line in lines:
            ready.register(line, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.recv(1 << 16)


BENCHMARKS: Final = (
    Benchmark("cluster", "120 messages a second, three nodes beside one server: latency", partial(_run, "cluster")),
    Benchmark("cluster-most", "as many messages as go, three nodes beside one server", partial(_run, "cluster-most")),
    Benchmark(
        "cluster-growth",
        "members at two nodes beside members at one: deliveries per processor second",
        lambda options: rounds(options, {f"{n} serving": partial(_grow, n, options.seconds) for n in (2, 1)}),
    ),
)

if __name__ == "__main__":
    _listen(int(sys.argv[1]), sys.argv[2])
