"""Searching 1,000,000 messages, and what the index costs whoever sends meanwhile.

search    pages of 100 found messages, of the newest ones, over one connection: a word that all messages
          have, its first letters, its first letter, a rare word, both, one that nobody said, one participant's
indexing  one room of 20 members, ten senders with 16 messages under way each: while the index of those
          1,000,000 messages is made, and without an index at all

Texts are ten words, of 50,000 as often as words are (the second half as often as the first, and so on), and
the same first word in each. The database is filled by the store itself, without a server.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.fanout import loaded
from benchmarks.load import Load
from benchmarks.report import Benchmark, Figures, Options, Table, latencies, rounds
from benchmarks.servers import Running, running
from chatty.ksuid import new_ksuid
from chatty.server.business.entries import CreateRoom, Post
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.search.index import INDEX
from tests.server.principals import speaker

MESSAGES: Final = 1_000_000
PAGE: Final = 100
BATCH: Final = 1_024
NAMES: Final = 50
COMMON, RARE, LAST = "everywhere", "xyzzy", "thelastone"
QUERIES: Final = {
    "in all messages": {"q": COMMON},
    "its first letters": {"q": COMMON[:4]},
    "its first letter": {"q": COMMON[:1]},
    "in one message of 10,000": {"q": RARE},
    "both of these": {"q": f"{COMMON} {RARE}"},
    "in no message": {"q": "qqqqqqqq"},
    "from one participant": {"q": COMMON, "from": "name7"},
}
INDEX_SECONDS: Final = 600.0
"""How long making the index may take."""

_LOAD: Final = Load(0, [], members=20, senders=10, window=16)


def _texts(count: int) -> list[str]:
    some = random.Random(1)
    words = ["".join(some.choices("abcdefghijklmnopqrstuvwxyz", k=some.randint(2, 9))) for _ in range(50_000)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    texts = [f"{COMMON} {' '.join(some.choices(words, cum_weights=weights, k=9))}" for _ in range(count)]
    for number in range(0, count, 10_000):
        texts[number] += f" {RARE}"
    texts[-1] += f" {LAST}"
    return texts


def fill(data: Path, count: int = MESSAGES) -> str:
    """Make a room of ``count`` messages; its id."""
    problems: list[BaseException] = []
    store = Store(data / DATABASE, on_error=problems.append)
    store.open()
    at = time.time_ns() // 1_000_000
    room = new_ksuid(at / 1000)
    store.apply([CreateRoom(room, at, "a million", "", "0" * 16, b"\0" * 32)])
    for number, batch in enumerate(_batches(_texts(count))):
        name = f"name{number % NAMES}"
        store.apply([Post(room, at + number, speaker(name, b"\0" * 32), text) for text in batch])
        store.checkpoint(quiet=False)
    store.close()
    if problems:
        raise RuntimeError(f"filling the store failed: {problems[0]}")
    return room


def _batches(texts: list[str]) -> list[list[str]]:
    return [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]


def _wait_for_index(server: Running, room: str) -> float:
    """Seconds until the index has the last message."""
    began = time.perf_counter()
    while not json.loads(server.ask("GET", f"/v1/rooms/{room}/events?q={LAST}"))["events"]:
        if time.perf_counter() - began > INDEX_SECONDS:
            raise RuntimeError("the index does not get complete")
    return time.perf_counter() - began


def _search(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        room = fill(Path(scratch))
        with running("chatty", data=Path(scratch)) as server:
            _wait_for_index(server, room)
            return {what: _ask(server, room, query, options) for what, query in QUERIES.items()}


def _ask(server: Running, room: str, query: dict[str, str], options: Options) -> Figures:
    words = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in query.items())
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    times, found = [], 0
    until = time.perf_counter() + options.seconds * options.runs / 3
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("GET", f"/v1/rooms/{room}/events?limit={PAGE}&{words}")
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - began)
        found = body.count(b'"seq"')
        if response.status != 200:
            raise RuntimeError(f"no page: {response.status} {body[:200]!r}")
    connection.close()
    return {"found": found, **latencies(times)}


def _indexing(options: Options) -> Table:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        room = fill(data)

        def anew() -> Figures:
            (data / INDEX).unlink(missing_ok=True)
            with running("chatty", data=data) as server:
                figures = _send(server, options.seconds)
                if json.loads(server.ask("GET", f"/v1/rooms/{room}/events?q={LAST}"))["events"]:
                    raise RuntimeError("the index was complete before the load had ended")
                return figures

        def without() -> Figures:
            (data / INDEX).unlink(missing_ok=True)
            (data / INDEX).mkdir()  # then there can be none
            with running("chatty", data=data) as server:
                figures = _send(server, options.seconds)
            (data / INDEX).rmdir()
            return figures

        return rounds(options, {"while it indexes": anew, "without an index": without})


def _send(server: Running, seconds: float) -> Figures:
    load = msgspec.structs.replace(_LOAD, port=server.port, rooms=server.make_rooms(1), seconds=seconds)
    return loaded(server, load)


BENCHMARKS: Final = (
    Benchmark("search", f"full-text search, {MESSAGES:,} messages: latency of a page of {PAGE}", _search),
    Benchmark("indexing", f"a busy room, while {MESSAGES:,} messages are taken into the index", _indexing),
)
