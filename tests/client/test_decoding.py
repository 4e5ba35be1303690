"""Answers that no chatty server gives are errors of the server, and no command goes on reading for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from msgspec import Raw

import chatty
from chatty.client.history import messages
from chatty.protocol import Page, RoomInfo, encode
from tests.support.scripted import AT, Answer, Scripted, text

ROOM = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


def message(seq: int | str = 5, at: str = AT, **more: str) -> str:
    rest = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return f'{{"event_type":"message","seq":{seq},"at":"{at}","participant":"Ada","text":"hello"{rest}}}'


def page(*events: str) -> Answer:
    body = encode(Page([Raw(event.encode()) for event in events], "e", 1, 9, more=True))
    return text(200, body.decode(), kind="application/json")


INVALID = {
    "no event": "[]",
    "a broken event": message('"five"'),
    "no time": message(at="soon"),
    "a time without a zone": message(at="2026-11-23T12:00:00"),
    "a time before all others": message(at="0001-01-01T00:00:00Z"),
    "a time after all others": message(at="9999-12-31T23:59:59Z"),
    "no number": '{"event_type":"gap","reason":"retention","first":1,"last":2}',
    "a newer event without a time": '{"event_type":"poll_opened","seq":5}',
    "a nest": '{"event_type":"future","seq":5,"x":' + "[" * 100_000 + "]" * 100_000 + "}",
}


@pytest.mark.parametrize("event", INVALID.values(), ids=INVALID)
async def test_a_page_with_an_invalid_event_is_a_protocol_error(event: str) -> None:
    async with Scripted(page(message(4), event)) as scripted, chatty.Http(scripted.url) as http:
        with pytest.raises(chatty.ProtocolError):
            await http.events(ROOM)


async def test_text_that_is_not_utf_8_is_a_protocol_error_even_where_nobody_looks() -> None:
    body = encode(Page([Raw(message(x="ü").encode())], "e", 1, 9, more=False)).decode()

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body.encode("latin-1"), content_type="application/json")

    async with Scripted(answer) as scripted, chatty.Http(scripted.url) as http:
        with pytest.raises(chatty.ProtocolError):
            await http.events(ROOM)


@pytest.mark.parametrize("seqs", [(5, 5), (6, 5), (0,), (-1,)])
async def test_a_page_that_is_out_of_order_is_a_protocol_error(seqs: tuple[int, ...]) -> None:
    async with Scripted(page(*map(message, seqs))) as scripted, chatty.Http(scripted.url) as http:
        with pytest.raises(chatty.ProtocolError, match=f"event {seqs[-1]} in a page of history where"):
            await http.events(ROOM)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_history_ends_where_a_server_gives_the_same_page_again_and_again(newest_first: bool) -> None:
    async with Scripted(page(message())) as scripted:
        reading = messages(chatty.Http(scripted.url), ROOM, newest_first=newest_first)
        first = await anext(reading)
        assert (first.seq, first.time) == (5, datetime(2026, 11, 23, 12, tzinfo=UTC))
        with pytest.raises(chatty.ProtocolError, match="event 5 in a page of history where"):
            await anext(reading)


@pytest.mark.parametrize("name", ["created_at", "expires_at", "closed_at"])
async def test_a_room_with_an_invalid_time_is_a_protocol_error(name: str) -> None:
    room: dict[str, Any] = {"created_at": AT} | {name: "2026-11-23T12:00:00"}
    body = encode(RoomInfo(ROOM, "general", "", epoch="e", first=1, last=0, participant_count=0, **room)).decode()
    async with Scripted(text(200, body, kind="application/json")) as scripted, chatty.Http(scripted.url) as http:
        with pytest.raises(chatty.ProtocolError, match=scripted.url):
            await http.room(ROOM)
