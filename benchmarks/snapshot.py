"""A new node of a cluster with many messages: when it is ready, and what the others' members notice.

snapshot  750,000 messages; a node replays them, a node makes a snapshot of them, and another one begins with that.
          Beside each there is one room of six at 120 messages a second, open loop, at a node that does none of it

All processes share this machine's cores and its disk, as in `benchmarks.cluster`. Nothing else does, while a node
replays: the others are stopped for that, because they would purge what it is to replay.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.cluster import as_running
from benchmarks.fanout import loader
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table
from chatty.server.platform.pipeline.log.jetstream.connection import connect
from chatty.server.platform.pipeline.log.jetstream.keeper import ASK
from tests.support.cluster import Cluster
from tests.support.faults import eventually, figure
from tests.support.server import Server

MESSAGES: Final = 750_000
FILL_SECONDS: Final = 5.0
WATCH_SECONDS: Final = 8.0


def _run(options: Options) -> Table:
    taken = [_measure() for _ in range(options.runs)]
    return {
        row: {figure: statistics.median(one[row][figure] for one in taken) for figure in figures}
        for row, figures in taken[0].items()
    }


def _measure() -> Table:
    with tempfile.TemporaryDirectory() as scratch, Cluster(Path(scratch) / "cluster") as cluster:
        _fill(cluster["a"])
        for node in cluster.nodes.values():
            node.kill9()
        os.sync()
        replaying = {"seconds_s": _start(cluster.make("replay"))}
        for node in cluster.nodes.values():
            node.start()
        _ask(cluster)
        _calm_down(cluster)
        room = as_running(cluster["a"]).make_rooms(1)
        return {
            "nothing else": _beside(cluster["a"], room, lambda: None),
            "a snapshot is made": _beside(cluster["a"], room, lambda: _ask(cluster)),
            "a node begins with it": _beside(cluster["a"], room, lambda: _start(cluster.make("snapshot"))),
            "a node replays all": replaying,
        }


def _fill(node: Server) -> None:
    server = as_running(node)
    while _events(node) < MESSAGES:
        load = Load(server.port, server.make_rooms(1), members=10, senders=10, window=200, seconds=FILL_SECONDS)
        with loader(load) as client:
            client.run()


def _events(node: Server) -> int:
    with closing(sqlite3.connect(f"{(node.data / 'chatty.db').as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def _calm_down(cluster: Cluster) -> None:
    """Wait until nothing is left to do of the filling: no indexing, and nothing that the disk still has to take."""
    eventually(lambda: not any(figure(node, "chatty_index_lag_events") for node in cluster.nodes.values()), "indexed")
    os.sync()


def _start(node: Server) -> float:
    """How long a node takes until it is ready, which then stops."""
    began = time.perf_counter()
    try:
        node.start()
        return time.perf_counter() - began
    finally:
        node.kill9()


def _ask(cluster: Cluster) -> float:
    """How long a snapshot takes."""

    async def ask() -> float:
        connection = await connect(cluster.nats.url, "benchmark")
        try:
            began = time.perf_counter()
            await connection.client.request(ASK, b"", timeout=300)
            return time.perf_counter() - began
        finally:
            await connection.close()

    return asyncio.run(ask())


def _beside(node: Server, rooms: list[str], work: Callable[[], float | None]) -> Figures:
    """What the members at ``node`` notice meanwhile, and how long ``work`` takes."""
    load = Load(
        node.port, rooms, members=6, senders=2, rate=60, every_latency=True, seconds=WATCH_SECONDS, warm_up=1
    )  # fmt: skip
    took: list[float | None] = []
    working = threading.Thread(target=lambda: took.append(work()))
    with loader(load) as client:
        working.start()
        figures = client.run()
        working.join()
    seconds = took[0]
    return figures | ({} if seconds is None else {"seconds_s": seconds})


BENCHMARKS: Final = (Benchmark("snapshot", "a new node of a cluster with 750,000 messages", _run),)
