"""All kinds of logs. The tests here hold for each of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from chatty.server.business.entries import Entry
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, stream_of
from chatty.server.platform.pipeline.log.jetstream.log import JetStreamLog
from chatty.server.platform.pipeline.log.jetstream.opening import BEGIN, Identity, metadata, reach
from chatty.server.platform.pipeline.log.local import LocalLog
from chatty.server.platform.pipeline.log.protocol import Delivery, Log, Reply
from chatty.server.platform.pipeline.log.whispers import Whisper
from chatty.server.platform.store.applied import Applied, StoredEvent
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import explain
from chatty.server.platform.store.ledger import Ledger
from chatty.server.settings import Settings
from tests.support.nats import Nats


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

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delivered: dict[str, list[StoredEvent]] = {}
        self.batches: list[list[Outcome]] = []
        self.missing: list[StoredEvent] = []
        self.fatal: list[BaseException] = []
        self.stopped = asyncio.Event()
        self.abandoned = asyncio.Event()
        self.closed = False
        self.whispers: list[Whisper] = []
        self.incarnations: list[str] = []
        self.refuse_delivery: Exception | None = None
        self.store = Failing(path, on_error=self.fatal.append)
        self.store.open()

    def on_fatal(self, error: BaseException) -> None:
        self.fatal.append(error)
        self.stopped.set()

    def hear(self, whisper: Whisper) -> None:
        self.whispers.append(whisper)

    def abandon(self) -> None:
        self.abandoned.set()

    def begin_incarnation(self, incarnation: str) -> None:
        self.incarnations.append(incarnation)

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


async def local(bench: Bench, nats: Nats) -> Log:
    """The log of one machine."""
    return LocalLog(bench.store, bench, on_fatal=bench.on_fatal)


async def jetstream(bench: Bench, nats: Nats) -> Log:
    """The log of a cluster, which is new for each test."""
    settings = Settings(log=nats.url, node="a", replicas=1, secret_file=str(nats.secret))
    connection, _, secret = await reach(settings, create=True)
    await connection.api(f"STREAM.DELETE.{STREAM}")
    stream = await stream_of(connection, 1, metadata(secret, BEGIN), create=True)
    log = JetStreamLog(bench.store, bench, connection, Identity("a", secret, ""), on_fatal=bench.on_fatal)
    await log.open(stream)
    await log.begin(1)
    bench.batches.clear()
    return log


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    with Nats(tmp_path_factory.mktemp("nats")) as nats:
        yield nats


@pytest.fixture(params=[local, jetstream], ids=["local", "jetstream"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path, nats: Nats) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "chatty.db")
    bench.log = await request.param(bench, nats)
    yield bench
    if not bench.closed:
        await bench.log.close()
