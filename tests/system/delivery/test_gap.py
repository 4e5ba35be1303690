"""Where resuming cannot be exact, that is said first, and why."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

import chatty
from chatty.server.platform.store.copies.restore import restore
from chatty.server.platform.store.data_directory import DATABASE
from tests.support.server import PATIENCE, Server
from tests.support.wire import Wire


async def frames(server: Server, room_id: str, **query: Any) -> list[Any]:
    """What a connection that asks for ``query`` is told after its welcome, up to the present."""
    async with Wire(server.url, room_id, join="false", **query) as wire:
        await wire.until("welcome")
        return await wire.until("live")


async def sse_frames(server: Server, room_id: str, last_event_id: str) -> list[Any]:
    """What an event stream is told, up to the present."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"GET /v1/rooms/{room_id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last_event_id}\r\n\r\n".encode()
    )
    told = (await reader.readuntil(b'"live"')) + await reader.readuntil(b"\n\n")
    writer.transport.abort()
    return [json.loads(line.removeprefix("data: ")) for line in told.decode().splitlines() if line.startswith("data: ")]


async def say(server: Server, room_id: str, *texts: str) -> None:
    async with chatty.join(server.url, room_id, name="John", participate=False) as room:
        for text in texts:
            await room.send(text)


def numbers(events: list[Any]) -> list[Any]:
    return [event.get("seq", event["event_type"]) for event in events]


async def test_another_epoch_is_a_gap_and_all_there_is_follows(server: Server, room_id: str) -> None:
    await say(server, room_id, "one", "two")
    gap, *rest = await frames(server, room_id, since=1, epoch="anothers")
    assert gap == {"event_type": "gap", "reason": "epoch", "first": 1, "last": 2}
    assert numbers(rest) == [1, 2, "live"]


def back_up(server: Server, backup: Path) -> None:
    """As the documentation says to do it, while the server runs."""
    with contextlib.closing(sqlite3.connect(server.data / DATABASE)) as db:
        db.execute("VACUUM INTO ?", (str(backup),))


async def test_a_restored_backup_is_a_gap_for_a_client_that_was_there_before(
    server: Server, room_id: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    got: list[Any] = []

    async def until(room: chatty.Room, text: str) -> None:
        async for event in room:
            got.append(event)
            if isinstance(event, chatty.Message) and event.text == text:
                return

    async with chatty.join(server.url, room_id, participate=False, since=0) as room:
        await say(server, room_id, "one")
        back_up(server, backup)
        await say(server, room_id, "two")
        await until(room, "two")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(restore, backup, server.data)
        await asyncio.to_thread(server.start)
        await say(server, room_id, "three")
        await until(room, "three")
    texts = [event.text if isinstance(event, chatty.Message) else event for event in got]
    assert [text for text in texts if isinstance(text, str)] == ["one", "two", "one", "three"]
    (gap,) = (event for event in got if isinstance(event, chatty.Gap))
    assert (gap.reason, gap.first) == ("epoch", 1)
    assert texts.index(gap) == 2


async def test_a_backup_that_was_put_there_by_hand_is_a_gap_if_the_search_index_has_seen_more(
    server: Server, room_id: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    await say(server, room_id, "one")
    back_up(server, backup)
    await say(server, room_id, "two", "three")
    epoch = server.ask("GET", f"/v1/rooms/{room_id}")["epoch"]
    assert server.ask("GET", f"/v1/rooms/{room_id}/events?q=three")["events"]  # so it is in the index
    await asyncio.to_thread(server.restart)
    assert server.ask("GET", f"/v1/rooms/{room_id}")["epoch"] == epoch
    assert "older one" not in server.log
    await asyncio.to_thread(server.stop)
    shutil.copy(backup, server.data / DATABASE)
    await asyncio.to_thread(server.start)
    assert server.log.count("replaced by an older one") == 1
    await say(server, room_id, "other", "others", "too")
    gap, *rest = await frames(server, room_id, since=3, epoch=epoch)
    assert gap == {"event_type": "gap", "reason": "epoch", "first": 1, "last": 4}
    assert numbers(rest) == [1, 2, 3, 4, "live"]


async def test_to_be_ahead_of_the_log_is_a_gap_and_what_comes_follows(server: Server, room_id: str) -> None:
    await say(server, room_id, "one", "two")
    for epoch in ("", server.ask("GET", f"/v1/rooms/{room_id}")["epoch"]):
        gap, *rest = await frames(server, room_id, since=3, epoch=epoch)
        assert gap == {"event_type": "gap", "reason": "ahead", "first": 1, "last": 2}
        assert rest == [{"event_type": "live", "last": 2}]


async def test_to_be_where_the_log_ends_or_begins_is_no_gap(server: Server, room_id: str) -> None:
    await say(server, room_id, "one", "two")
    epoch = server.ask("GET", f"/v1/rooms/{room_id}")["epoch"]
    assert numbers(await frames(server, room_id, since=2, epoch=epoch)) == ["live"]
    assert numbers(await frames(server, room_id, since=0, epoch=epoch)) == [1, 2, "live"]


@pytest.fixture
def forgetful(tmp_path: Path) -> Any:
    with Server(tmp_path / "forgetful", "--retain-events", "3") as running:
        yield running


async def test_what_is_no_longer_kept_is_a_gap(forgetful: Server) -> None:
    room_id = (await asyncio.to_thread(forgetful.make_room))["id"]
    await say(forgetful, room_id, *(f"line {number}" for number in range(1, 11)))
    deadline = time.monotonic() + PATIENCE
    while (room := await asyncio.to_thread(forgetful.ask, "GET", f"/v1/rooms/{room_id}"))["first"] == 1:
        assert time.monotonic() < deadline, "nothing is ever forgotten"
        await asyncio.sleep(0.1)
    assert room["first"] == 8
    epoch = room["epoch"]
    expected = {"event_type": "gap", "reason": "retention", "first": 8, "last": 10}
    for told in (
        await frames(forgetful, room_id, since=6, epoch=epoch),
        await frames(forgetful, room_id, since=0),
        await sse_frames(forgetful, room_id, f"{epoch}.2"),
    ):
        assert told[0] == expected
        assert numbers(told[1:]) == [8, 9, 10, "live"]
    assert numbers(await frames(forgetful, room_id, since=7, epoch=epoch)) == [8, 9, 10, "live"]
