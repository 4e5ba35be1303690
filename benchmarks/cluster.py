"""A cluster of three nodes and three servers of NATS beside a server on its own.

cluster        one room of six, 120 messages a second, open loop: latency
cluster-most   one room of twelve, ten senders with 20 messages under way each

All processes and the client share this machine's cores, so that a cluster is measured at its worst: its nodes and
servers do on one machine what they would do on three.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.fanout import loader
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.servers import Running, running
from tests.support.cluster import Cluster

_LOADS: Final = {
    "cluster": Load(0, [], members=6, senders=2, rate=60, every_latency=True),
    "cluster-most": Load(0, [], members=12, senders=10, window=20),
}


@contextlib.contextmanager
def _cluster() -> Iterator[Running]:
    """One node of a cluster."""
    with tempfile.TemporaryDirectory() as scratch, Cluster(Path(scratch) / "cluster") as cluster:
        node = cluster["a"]
        assert node.process is not None
        yield Running(node.process, node.port)


def _measure(name: str, kind: str, seconds: float) -> Figures:
    load = _LOADS[name]
    cores = os.sched_getaffinity(0)
    with _cluster() if kind == "cluster" else running("chatty") as server:
        os.sched_setaffinity(server.process.pid, cores)
        load = msgspec.structs.replace(load, port=server.port, rooms=server.make_rooms(1), seconds=seconds)
        with loader(load) as client:
            figures = client.run()
    if not load.rate:
        figures["messages_per_s"] = figures.pop("deliveries_per_s") / load.members
    return figures


def _run(name: str, options: Options) -> Table:
    return rounds(options, {kind: partial(_measure, name, kind, options.seconds) for kind in ("cluster", "alone")})


BENCHMARKS: Final = (
    Benchmark("cluster", "120 messages a second, three nodes beside one server: latency", partial(_run, "cluster")),
    Benchmark("cluster-most", "as many messages as go, three nodes beside one server", partial(_run, "cluster-most")),
)
