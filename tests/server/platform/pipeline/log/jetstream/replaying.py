"""A node's copy of a log, in a process of its own: ``python -m … FILE SEED`` applies the file's messages in batches
whose sizes follow from the seed, starts again now and then, and prints the chain, and a hash over all rows.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from chatty.server.memory_limit import PLENTY
from chatty.server.platform.pipeline.log.jetstream.replica import Message, Replica
from chatty.server.platform.store.applying import Store

KEY = b"k" * 32
GENERATION = "generation"


def _fail(error: BaseException) -> None:
    raise error


def replay(messages: list[bytes], seed: int, path: Path) -> str:
    """The chain and the marks after all messages, and a hash over all rows."""
    chance = random.Random(seed)
    marks: dict[int, bytes] = {}
    place = 0
    budget = PLENTY._replace(rooms=chance.choice([1, PLENTY.rooms]))
    store = Store(path, on_error=_fail, budget=budget, replicated=True)
    store.open()
    replica = Replica(store, KEY, GENERATION)
    while place < len(messages):
        size = chance.choice([1, 1, 2, 5, 64])
        batch = [Message(place + 1 + index, data) for index, data in enumerate(messages[place : place + size])]
        applied = replica.apply(batch, "a", "one")
        marks |= applied.marks
        place += applied.taken
        if chance.random() < 0.05:
            store.close()
            store = Store(path, on_error=_fail, replicated=True)
            store.open()
            replica = Replica(store, KEY, GENERATION)
    state = replica.state
    store.close()
    with closing(sqlite3.connect(path)) as db:
        rows = hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()
    said = [state.position, state.chain.hex(), *(f"{position}:{mark.hex()}" for position, mark in marks.items()), rows]
    return " ".join(map(str, said))


if __name__ == "__main__":
    file, given = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        print(replay(msgspec.msgpack.decode(Path(file).read_bytes()), int(given), Path(scratch) / "chatty.db"))  # noqa: T201
