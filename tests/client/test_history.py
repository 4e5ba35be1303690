"""The messages of the past, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import chatty
from chatty.protocol import PAGE_EVENTS
from tests.support.scripted import Scripted, text
from tests.support.server import Server


@pytest.fixture
async def room(server: Server, room_id: str) -> chatty.Room:
    """A room with three pages of messages, and what else happens in one."""
    async with chatty.join(server.url, room_id, name="Ada") as room:
        for number in range(2 * PAGE_EVENTS + 1):
            await room.post(f"line {number}")
        await room.flush()
    return room


async def test_all_messages_come_in_order_in_both_directions(room: chatty.Room) -> None:
    everything = [message.text async for message in room.history()]
    assert everything == [f"line {number}" for number in range(2 * PAGE_EVENTS + 1)]
    assert [message.text async for message in room.history(newest_first=True)] == everything[::-1]


@pytest.mark.parametrize("limit", [0, 1, PAGE_EVENTS, PAGE_EVENTS + 1, 10_000])
async def test_a_limit_ends_it(room: chatty.Room, limit: int) -> None:
    count = min(limit, 2 * PAGE_EVENTS + 1)
    first = [message.text async for message in room.history(limit=limit)]
    last = [message.text async for message in room.history(limit=limit, newest_first=True)]
    assert first == [f"line {number}" for number in range(count)]
    assert last == [f"line {2 * PAGE_EVENTS - number}" for number in range(count)]


async def test_pages_that_end_early_because_messages_are_long_leave_none_out(server: Server, room_id: str) -> None:
    said = [f"{number} " + "\0" * 16_000 for number in range(25)]  # of each character JSON makes six bytes
    async with chatty.join(server.url, room_id, name="Ada") as room:
        for line in said:
            await room.post(line)
        await room.flush()
        assert [message.text async for message in room.history()] == said
        assert [message.text async for message in room.history(newest_first=True)] == said[::-1]
        assert [message.text async for message in room.history(limit=20)] == said[:20]


async def test_who_stops_early_is_sent_no_more(room: chatty.Room) -> None:
    taken = []
    async for message in room.history():
        taken.append(message.text)
        if len(taken) == 3:
            break
    assert taken == ["line 0", "line 1", "line 2"]


async def test_messages_are_as_they_are_now(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as room:
        first = (await room.send("frist")).seq or 0
        second = (await room.send("oops", reply_to=first)).seq or 0
        await room.edit(first, "first")
        await room.delete(second)
        await room.react(first, "👍")
        now = [message async for message in room.history()]
    assert [(message.text, bool(message.edited), bool(message.deleted)) for message in now] == [
        ("first", True, False),
        ("", False, True),
    ]
    assert (now[0].reactions, now[1].reply_to) == ({"👍": 1}, first)


async def test_the_server_does_the_searching(server: Server, room_id: str) -> None:
    nothing = '{"events":[],"epoch":"e","first":1,"last":0,"more":false}'
    when = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    async with Scripted(text(200, nothing, kind="application/json")) as scripted:
        async with chatty.Http(scripted.url) as http:
            await http.events("room", q="a b+c", sender="Ada", since=when, until="2026-11-24T00:00:00Z")
    path, _, query = scripted.asked[0].partition("?")
    assert path == "/v1/rooms/room/events"
    assert sorted(query.split("&")) == [
        "fresh=1",
        "from=Ada",
        "q=a+b%2Bc",
        "since=2026-11-23T12:00:00%2B00:00",
        "until=2026-11-24T00:00:00Z",
    ]
    async with chatty.join(server.url, room_id, name="Ada") as room:
        await room.send("here")
        assert [message.text async for message in room.history(since=when - timedelta(days=1))] == ["here"]


async def test_a_room_without_messages_has_no_history(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as room:
        assert [message async for message in room.history()] == []
        assert [message async for message in room.history(newest_first=True)] == []


async def test_a_search_finds_messages(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, name="Bob") as bob,
    ):
        await ada.send("the deploy is done")
        await bob.send("which deploy?")
        await ada.send("the one of Monday")

        async def texts(**what: str) -> list[str]:
            return [message.text async for message in ada.history(**what)]  # type: ignore[arg-type]

        assert await texts(search="deploy") == ["the deploy is done", "which deploy?"]
        assert await texts(search="deploy", sender="Ada") == ["the deploy is done"]
        assert await texts(sender="ada") == ["the deploy is done", "the one of Monday"]
        assert await texts(since="2000-01-01T00:00:00Z", until="2001-01-01T00:00:00+01:00") == []
