"""Crowds: joining, storming in, and sitting there.

joins   2,000 members join 100 rooms, 32 handshakes under way at a time; chatty's are durable and told to their room
storm   1,500 handshakes at once
memory  what a server needs for each of 2,000 connections that say nothing
"""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks.fanout import loader
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.servers import running

KINDS: Final = ("chatty", "naive")


def _joins(kind: str, rooms: int, members: int, at_once: int) -> Figures:
    with running(kind) as server:
        with loader(Load(server.port, server.make_rooms(rooms), members, at_once=at_once)) as client:
            return client.opened


def _memory(kind: str, rooms: int, members: int) -> Figures:
    with running(kind) as server:
        with loader(Load(server.port, server.make_rooms(5), 20)):
            pass  # what is made once, at the first connections, belongs to no connection
        before = server.memory
        with loader(Load(server.port, server.make_rooms(rooms), members)):
            each = (server.memory - before) / (rooms * members)
            return {"each_kib": each / 1024, "server_kib": server.memory / 1024}


def _compare_joins(rooms: int, members: int, at_once: int, options: Options) -> Table:
    return rounds(options, {kind: partial(_joins, kind, rooms, members, at_once) for kind in KINDS})


def _compare_memory(options: Options) -> Table:
    return rounds(options, {kind: partial(_memory, kind, 100, 20) for kind in KINDS})


BENCHMARKS: Final = (
    Benchmark("joins", "2,000 members join 100 rooms", partial(_compare_joins, 100, 20, 32)),
    Benchmark("storm", "1,500 handshakes at once", partial(_compare_joins, 30, 50, 1500)),
    Benchmark("memory", "2,000 connections that say nothing", _compare_memory),
)
