"""However long somebody reads, the write-ahead log is short again afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatty.protocol import MESSAGE_BYTES
from chatty.server.business.entries import CreateRoom, Post
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.write_ahead_log import LONG_BYTES, WAL_BYTES
from tests.server.principals import speaker
from tests.support.faults import eventually
from tests.support.server import Server

ROOM = "a-room"
AT = 1_700_000_000_000
BIG = "x" * MESSAGE_BYTES
A_BATCH = 32


class Kept:
    """A store to which somebody talks, as the log does it: after each batch it may make a checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wal = path.with_name(path.name + "-wal")
        self.store = Store(path, on_error=self._failed)
        self.store.open()
        self.store.apply([CreateRoom(ROOM, AT, "A room", "", "epoch", b"o" * 32)])

    def _failed(self, error: BaseException) -> None:
        raise error

    def talk(self, megabytes: int) -> None:
        for _ in range(megabytes * 1_000_000 // (MESSAGE_BYTES * A_BATCH) + 1):
            self.store.apply([Post(ROOM, AT, speaker("Ada", b"a" * 16), BIG)] * A_BATCH)
            self.store.checkpoint(quiet=False)

    def rest(self) -> None:
        """Quiet moments, until nothing is left to do."""
        eventually(lambda: not self.store.checkpoint(quiet=True), "the log has nothing to do")

    @property
    def wal_bytes(self) -> int:
        return self.wal.stat().st_size

    @property
    def database_bytes(self) -> int:
        return self.path.stat().st_size


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "chatty.db")
    yield kept
    kept.store.close()


def reading(path: Path) -> sqlite3.Connection:
    """A reader that holds on to one state of the database until its connection is closed."""
    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    return reader


def test_after_a_long_reader_a_quiet_moment_makes_it_short(kept: Kept) -> None:
    with closing(reading(kept.path)):
        kept.talk(megabytes=20)
        assert kept.store.checkpoint(quiet=True), "it waits for the reader"
        assert kept.wal_bytes > 20_000_000
    kept.rest()
    assert kept.wal_bytes < WAL_BYTES + 100_000
    assert kept.database_bytes > 20_000_000


def test_after_a_long_reader_it_gets_short_where_no_moment_is_ever_quiet(kept: Kept) -> None:
    with closing(reading(kept.path)):
        kept.talk(megabytes=20)
        assert kept.wal_bytes > 20_000_000
    kept.talk(megabytes=10)
    assert kept.wal_bytes <= LONG_BYTES
    assert kept.database_bytes > 20_000_000


def test_pages_that_a_reader_held_up_get_into_the_database_without_another_message(kept: Kept) -> None:
    kept.talk(megabytes=1)
    kept.rest()
    before = kept.database_bytes
    with closing(reading(kept.path)):
        kept.talk(megabytes=2)
        assert kept.store.checkpoint(quiet=True)
        assert kept.database_bytes < before + 2_000_000
    kept.rest()
    assert kept.database_bytes > before + 2_000_000


def test_a_reader_that_was_there_before_the_store_is_waited_for_too(tmp_path: Path) -> None:
    first = Kept(tmp_path / "chatty.db")
    with closing(reading(first.path)):
        first.talk(megabytes=20)
        first.store.close()
        second = Kept(tmp_path / "chatty.db")
        assert second.store.checkpoint(quiet=True)
    second.rest()
    assert second.wal_bytes < WAL_BYTES + 100_000
    second.store.close()


def test_without_readers_it_keeps_its_length_and_rests(kept: Kept) -> None:
    for _ in range(3):
        kept.talk(megabytes=6)
        assert WAL_BYTES <= kept.wal_bytes <= LONG_BYTES
        kept.rest()
    assert not kept.store.checkpoint(quiet=True)


def test_a_server_makes_it_short_by_itself(server: Server) -> None:
    room = server.make_room()["id"]
    wal = server.data / "chatty.db-wal"
    with closing(reading(server.data / "chatty.db")):
        for _ in range(LONG_BYTES // MESSAGE_BYTES + 100):
            server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": BIG})
        assert wal.stat().st_size > LONG_BYTES
    eventually(lambda: wal.stat().st_size < WAL_BYTES + 100_000, "the log is short")
