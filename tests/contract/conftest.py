"""All kinds of logs. The tests here hold for each of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from chatty.server.business.entries import Entry
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.local import LocalLog
from chatty.server.platform.pipeline.log.protocol import Delivery, Log, Reply
from chatty.server.platform.store.applied import Applied, StoredEvent
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import explain
from chatty.server.platform.store.ledger import Ledger

MakeLog = Callable[["Bench"], Log]


class Failing(Store):
    """A store whose next commits fail as the test says: SQLite's own errors, from a real transaction."""

    failure: sqlite3.Error | None = None

    def apply(self, batch: Sequence[Entry], ledger: Ledger | None = None) -> Applied:
        if self.failure is None:
            return super().apply(batch, ledger)
        raise explain(self.failure)


class Bench(Delivery):
    """A log at work, which remembers its deliveries, and checks that each of them was durable by then."""

    log: Log

    def __init__(self, path: Path, make: MakeLog) -> None:
        self.path = path
        self.delivered: dict[str, list[StoredEvent]] = {}
        self.batches: list[list[Outcome]] = []
        self.missing: list[StoredEvent] = []
        self.fatal: list[BaseException] = []
        self.stopped = asyncio.Event()
        self.refuse_delivery: Exception | None = None
        self.store = Failing(path, on_error=self.fatal.append)
        self.store.open()
        self.log = make(self)

    def on_fatal(self, error: BaseException) -> None:
        self.fatal.append(error)
        self.stopped.set()

    def deliver(self, applied: Applied, replies: list[Reply | None], seconds: float, since: float) -> None:
        if self.refuse_delivery is not None:
            raise self.refuse_delivery
        self.batches.append(applied.outcomes)
        # A connection of its own sees only what is committed.
        db = sqlite3.connect(self.path)
        kept = {body for (body,) in db.execute("SELECT body FROM events")}
        db.close()
        for room, events in applied.events.items():
            self.delivered.setdefault(room, []).extend(events)
            self.missing += [stored for stored in events if stored[1] not in kept]
        for reply, outcome in zip(replies, applied.outcomes, strict=True):
            if reply is not None:
                reply(outcome)


def local(bench: Bench) -> Log:
    """The log of one machine."""
    return LocalLog(bench.store, bench, on_fatal=bench.on_fatal)


@pytest.fixture(params=[local], ids=["local"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "chatty.db", request.param)
    yield bench
    if not bench.stopped.is_set():
        await bench.log.close()
