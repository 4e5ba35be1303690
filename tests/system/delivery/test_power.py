"""What is acked, or seen by anybody, is still there after a power cut: the disk had it first."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from chatty.client.identity import new_producer
from chatty.server.platform.store.database import connect
from chatty.server.platform.store.errors import StoreError
from tests.support.scale import scaled
from tests.support.traced import TracedServer
from tests.support.wire import Wire

CALLS = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg"
LINES = scaled(500)


async def talk(server: TracedServer, room_id: str) -> None:
    """Says ``line-1.`` to ``line-LINES.``, in batches that grow, while others listen in all three ways."""
    reader, stream = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 24)
    stream.write(f"GET /v1/rooms/{room_id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b'"live"')
    async with (
        Wire(server.url, room_id, name="John") as john,
        Wire(server.url, room_id, join="false") as listener,
    ):
        await listener.until("live")
        await john.say(op="produce", producer=new_producer())
        await john.until("producing")
        said, batch = 0, 1
        while said < LINES:
            for number in range(said + 1, min(said + batch, LINES) + 1):
                await john.say(op="send", n=number, text=f"line-{number}.")
            for _ in range(min(batch, LINES - said)):
                await john.until("ack")
                await listener.until("message")
            said, batch = said + batch, batch + 1
        await reader.readuntil(f"line-{LINES}.".encode())
    stream.transport.abort()


async def test_the_disk_has_a_message_before_the_first_byte_of_it_goes_to_a_socket(tmp_path: Path) -> None:
    with TracedServer(tmp_path / "data", "-y", "-s", "8192", "-e", CALLS) as server:
        room_id = (await asyncio.to_thread(server.make_room))["id"]
        await talk(server, room_id)
        assert await asyncio.to_thread(server.stop) == 0
    calls = server.calls

    def first(pattern: str, after: int = 0) -> int:
        return next(place for place in range(after, len(calls)) if re.search(pattern, calls[place]))

    for number in range(1, LINES + 1):
        written = first(rf"pwrite64\(\d+<\S+-wal>.*line-{number}\.")
        synced = first(r"fdatasync.* = 0", after=written)
        assert synced < first(rf"(write|writev|sendto|sendmsg)\(\d+<socket:.*line-{number}\."), "seen too early"
        assert synced < first(rf'<socket:.*\\"ack\\",\\"n\\":{number},'), "acked too early"


def test_every_commit_is_synced_and_that_is_read_back(tmp_path: Path) -> None:
    db = connect(tmp_path / "chatty.db")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    db.close()


def test_where_commits_cannot_be_kept_so_nothing_starts() -> None:
    with pytest.raises(StoreError, match="keeps journal_mode at 'memory'"):
        connect(Path(":memory:"))  # the one place at hand where SQLite has no WAL
