"""A real server of NATS, and stores that are as if they had applied a log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from chatty.server.business.entries import CreateRoom, Entry, Post
from chatty.server.platform.pipeline.log.jetstream.bucket import STREAM as BUCKET
from chatty.server.platform.pipeline.log.jetstream.connection import (
    STREAM,
    SUBJECT,
    Connection,
    Refusal,
    StreamInfo,
    connect,
    stream_of,
)
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.ledger import Incarnation, LogState
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.principals import speaker
from tests.support.nats import Nats


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """One that all tests of a module share. Its files can be read, to see what is in them."""
    with Nats(tmp_path_factory.mktemp("nats"), is_encrypted=False) as servers:
        yield servers


@pytest.fixture
async def connection(nats_server: Nats) -> AsyncIterator[Connection]:
    """A connection to a server that has no streams."""
    connection = await connect(nats_server.url, "test")
    for stream in (STREAM, BUCKET):
        with suppress(Refusal):
            await connection.api(f"STREAM.DELETE.{stream}")
    yield connection
    await connection.close()


class Replica:
    """A node's store, which applies a log of which each message is one entry. Its log has messages of the same size."""

    def __init__(self, path: Path, connection: Connection, generation: str, node: str = "a") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection, self.generation, self.node = connection, generation, node
        self.store = Store(path, on_error=self._failed, replicated=True)
        self.store.open()
        self.position = self.store.log_state().position

    def _failed(self, error: BaseException) -> None:
        raise error

    def close(self) -> None:
        self.store.close()

    def rank(self, room: str) -> int:
        """It is alone."""
        return 0

    async def apply(self, *entries: Entry) -> None:
        """Put each entry into the log, and apply it here."""
        for entry in entries:
            answer = await self.connection.client.request(SUBJECT, repr(entry).encode(), timeout=10)
            self.follow(entry, json.loads(answer.data)["seq"])

    def follow(self, entry: Entry, position: int) -> None:
        """Apply what the log has at ``position``, and pass over what it has before that."""
        self.position = position
        nodes = {self.node: Incarnation("first", self.position)}
        state = LogState(self.generation, self.position, b"chain", 1, nodes)
        self.store.apply([entry], lambda *_: state)

    async def say(self, *texts: str) -> None:
        """A message of the log for each text."""
        await self.apply(*(Post(ROOM, AT, speaker("Ada", b"a" * 16), text) for text in texts))


async def begun(connection: Connection, path: Path, **metadata: str) -> tuple[StreamInfo, Replica]:
    """A new log, and a node with a room."""
    # NATS may still be removing the directory of a log before it, and refuses meanwhile: this asks again.
    info = await stream_of(connection, 1, metadata, create=True)
    replica = Replica(path, connection, info.generation)
    await replica.apply(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER))
    return info, replica


async def now(connection: Connection) -> StreamInfo:
    """The stream as it is now."""
    info = await connection.info()
    assert info is not None
    return info


def tables(database: Path) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with closing(sqlite3.connect(database)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}  # noqa: S608
