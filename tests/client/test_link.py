"""How a room deals with servers and networks that answer oddly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import chatty
from chatty.client.identity import new_producer, new_secret
from chatty.client.inbox import Inbox
from chatty.client.link import LinkOptions
from chatty.client.outbox import Outbox
from chatty.client.room import Room
from chatty.client.states import Connected, Connecting, Offline, Reconnecting, State
from chatty.events import Message
from chatty.protocol import Command, Error, Frame, Gap, Live, Produce, Producing, Say, Send, Tick, encode
from tests.support.scripted import AT, Answer, Scripted, greeting, problem, refusing, silent, talks, text, websocket


def room_with(url: str, **figures: Any) -> Room:
    """A room as `chatty.join` makes it, with other figures than a user can choose."""
    options = LinkOptions(
        server=url, room_id="room", key=new_secret(), name="John", **{"participate": True, "patience": None, **figures}
    )
    outbox: Outbox[Any] = Outbox(new_producer(), fresh=True)
    return Room(options, Inbox(), outbox, lambda _: None)


def said(seq: int, words: str = "") -> Message:
    return Message(seq, AT, "Ada", words or f"message {seq}")


@pytest.mark.parametrize(
    "odd",
    [
        problem(503, "busy", retry_after=0),
        problem(429, "rate_limited", retry_after=0.01),
        problem(409, "name_taken"),
        problem(500, "internal"),
        text(502, "<h1>Bad Gateway</h1>"),
        text(404, "<h1>no such backend</h1>"),
        text(429, "slow down", retry_after=0),
        text(200, "<h1>please log in to our café's network</h1>"),
        talks("no JSON"),
        talks('{"event_type":"future","seq":1,"x":' + "[" * 100_000),
        talks('{"event_type":"message","seq":1,"at":"soon","participant":"Ada","text":"hello"}'),
        talks('{"event_type":"message","seq":1,"at":"2026-11-23T12:00:00","participant":"Ada","text":"hello"}'),
        talks('{"event_type":"message","seq":1,"at":"0001-01-01T00:00:00Z","participant":"Ada","text":"hello"}'),
        talks('{"event_type":"gap","reason":"a new one","first":1,"last":2}', close=1001),
    ],
)
async def test_trouble_that_passes_is_waited_out(odd: Answer) -> None:
    async with Scripted(talks(close=1001), odd, talks()) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            assert (await room.send("a")).n == 1
    assert len(scripted.asked) >= 3


@pytest.mark.parametrize(
    ("status", "code"), [(401, "unauthorized"), (403, "banned"), (404, "room_not_found"), (400, "name_invalid")]
)
async def test_a_refusal_to_come_back_ends_it(status: int, code: str) -> None:
    async with Scripted(talks(close=4008), problem(status, code)) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            with pytest.raises(chatty.Refused, match=f"because of {code}"):
                await anext(room)
    assert len(scripted.asked) == 2


@pytest.mark.parametrize("code", [1003, 4501, 4503])
async def test_a_close_that_is_meant_for_good_ends_it(code: int) -> None:
    async with Scripted(talks(close=code)) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            with pytest.raises(chatty.Disconnected) as disconnected:
                await anext(room)
    assert (disconnected.value.code, disconnected.value.reason) == (code, "as the test says")
    assert len(scripted.asked) == 1


async def test_a_name_that_stays_taken_is_given_up() -> None:
    async with Scripted(talks(close=1001), problem(409, "name_taken")) as scripted:
        async with room_with(scripted.url, name_taken=0.6) as room:
            with pytest.raises(chatty.Refused) as refused:
                await anext(room)
    assert refused.value.code == "name_taken"
    assert len(scripted.asked) > 2


async def test_a_handshake_that_is_never_answered_is_given_up() -> None:
    async with Scripted(silent()) as scripted:
        with pytest.raises(chatty.Unreachable, match="timed out"):
            async with room_with(scripted.url, handshake=0.1):
                pass


@pytest.mark.parametrize(
    "other",
    [
        text(200, "<h1>hello</h1>"),
        text(404, "<h1>not here</h1>"),
        websocket("hello"),
        websocket('{"event_type":"live","last":1}'),
        websocket(encode(greeting()).decode(), protocol="graphql-ws"),
    ],
)
async def test_other_servers_are_recognised(other: Answer) -> None:
    async with Scripted(other) as scripted:
        with pytest.raises(chatty.ProtocolError):
            async with chatty.join(scripted.url, "room", name="John"):
                pass


async def test_where_the_server_asks_to_wait_it_is_waited() -> None:
    states: list[State] = []
    async with Scripted(talks(close=1001), problem(503, "busy", retry_after=1.1), talks()) as scripted:
        async with chatty.join(scripted.url, "room", name="John", on_state=states.append) as room:
            await room.send("a")
    waits = [state for state in states if isinstance(state, Reconnecting)]
    assert (waits[1].attempt, waits[1].reason) == (2, "because of busy")
    assert waits[1].in_seconds >= 1.1  # more than chance alone would make it
    assert states[-2:] == [Connected(), Offline("")]
    assert states[:2] == [Connecting(), Connected()]


async def test_a_skipped_event_is_fetched_by_a_new_connection() -> None:
    first = talks(Live(0), said(1), said(3))
    second = talks(said(2), said(3), Live(3), last=3)
    async with Scripted(first, second) as scripted, chatty.join(scripted.url, "room", name="John") as room:
        assert [(await anext(room)) for _ in range(3)] == [said(1), said(2), said(3)]
    assert scripted.asked[1].endswith("since=1&epoch=e")


async def test_a_tick_that_shows_a_lost_tail_fetches_it() -> None:
    first = talks(Live(0), said(1), Tick(2))
    second = talks(said(2), Live(2), last=2)
    async with Scripted(first, second) as scripted, chatty.join(scripted.url, "room", name="John") as room:
        assert [(await anext(room)) for _ in range(2)] == [said(1), said(2)]


async def test_a_loss_is_told_where_a_backup_was_restored() -> None:
    first = talks(Live(4), said(5), last=4, close=1001)
    second = talks(Gap("epoch", 1, 2), said(1), said(2), Live(2), said(3), epoch="restored", last=2)
    async with Scripted(first, second) as scripted, chatty.join(scripted.url, "room", name="John") as room:
        events = [(await anext(room)) for _ in range(5)]
        assert events == [said(5), Gap("epoch", 1, 2), said(1), said(2), said(3)]
        assert room.cursor == ("restored", 3)


async def test_an_event_of_a_newer_server_is_passed_over_but_counts() -> None:
    newer = '{"event_type":"poll_opened","seq":1,"at":"…","question":"?"}'
    async with Scripted(talks(Live(0), newer, said(2), Tick(2))) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            assert await anext(room) == said(2)
    assert len(scripted.asked) == 1


async def test_a_disk_that_is_full_for_a_moment_loses_nothing() -> None:
    async with Scripted(talks(reply=refusing("unavailable", times=3))) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            futures = [await room.post(text) for text in "abc"]
            assert [ack.n for ack in await asyncio.gather(*futures)] == [1, 2, 3]


async def test_a_disk_that_stays_full_is_told_in_the_end() -> None:
    async with Scripted(talks(reply=refusing("unavailable", times=1_000))) as scripted:
        async with room_with(scripted.url, transient=0.2) as room:
            futures = [await room.post(text) for text in "abc"]
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["not now"] * 3


async def test_a_moderator_s_refusal_is_raised_and_the_next_messages_are_sent() -> None:
    async with Scripted(talks(reply=refusing("muted", times=1))) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            futures = [await room.post(text) for text in "abc"]
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert [getattr(outcome, "n", None) or str(outcome) for outcome in outcomes] == ["not now", 1, 2]


async def test_a_lasting_producer_sends_nothing_under_the_number_of_a_refused_message() -> None:
    heard: list[Command] = []
    async with Scripted(talks(reply=refusing("muted", times=1), heard=heard)) as scripted:
        async with chatty.join(scripted.url, "room", name="John", producer=new_producer()) as room:
            futures = [await room.post(text) for text in "abc"]
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
            with pytest.raises(chatty.Refused, match="not now"):
                await room.send("d")
    assert [str(outcome) for outcome in outcomes] == ["not now"] * 3
    said = {(command.n, command.text) for command in heard if isinstance(command, Send)}
    assert (1, "a") in said
    assert said <= {(1, "a"), (2, "b"), (3, "c")}


async def test_a_command_that_the_server_cannot_read_ends_the_sending_and_nobody_waits_for_it() -> None:
    def reply(command: Produce | Say) -> Frame:
        if isinstance(command, Produce):
            return Producing(0)
        unread = Error(code="bad_request", message="no such thing")  # without a number, since that was not read either
        return unread if command.n == 1 else Error(n=command.n, code="out_of_order", message="")

    async with Scripted(talks(reply=reply)) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            futures = [await room.post(text) for text in "abc"]
            outcomes = await asyncio.gather(*futures, return_exceptions=True)
            with pytest.raises(chatty.Refused, match="no such thing"):
                await room.send("d")
    assert [str(outcome) for outcome in outcomes] == ["no such thing"] * 3


async def test_an_error_about_no_command_of_ours_is_passed_to_the_reader_of_frames() -> None:
    stray = Error(code="bad_request", message="no such thing")
    async with Scripted(talks(Live(0), stray)) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room:
            frames = room.frames()
            assert [(await anext(frames)).frame for _ in range(3)][2] == stray
            assert (await room.send("a")).n == 1


async def test_an_invalid_producer_is_refused() -> None:
    def reply(command: Produce | Say) -> Frame:
        return Error(code="bad_request", message="a producer is a KSUID")

    async with Scripted(talks(reply=reply)) as scripted:
        async with chatty.join(scripted.url, "room", name="John", producer="report of Monday") as room:
            with pytest.raises(chatty.Refused, match="KSUID"):
                await room.send("a")
