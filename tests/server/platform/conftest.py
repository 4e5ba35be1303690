"""A store with its readers and its log, as one process has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatty.server.business.entries import Connect, CreateRoom, Disconnect, Entry, Post
from chatty.server.business.rights import Trust
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.reads import Reads
from tests.server.principals import speaker

AT = 1_700_000_000_000
ROOM = "a-room"
OWNER = b"o" * 32


class Shelf:
    """A room in a store that is written in this thread, and read as the server reads."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, on_error=self._failed)
        self.store.open()
        self.reads = Reads(path)
        self.at = AT
        self._members = 0
        self.apply(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER))

    def _failed(self, error: BaseException) -> None:
        raise error

    def close(self) -> None:
        self.reads.close()
        self.store.close()

    def apply(self, *entries: Entry) -> None:
        self.store.apply(entries)

    def say(self, *texts: str, at: int | None = None) -> None:
        """One event each."""
        self.apply(*(Post(ROOM, at or self.at, speaker("Ada", b"a" * 16), text) for text in texts))

    def come_and_go(self, count: int) -> None:
        """Two events each."""
        entries: list[Entry] = []
        for _ in range(count):
            self._members += 1
            one = f"node/1/{self._members}"
            entries.append(Connect(ROOM, self.at, one, speaker("Bob", b"b" * 16, Trust.NONE)))
            entries.append(Disconnect(ROOM, self.at, one, True))
        self.apply(*entries)

    async def key(self) -> int:
        view = await self.reads.room(ROOM)
        assert view is not None
        return view.key


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path / "chatty.db")
    yield shelf
    shelf.close()
