"""A room, against a real server over a network that behaves."""

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
from chatty.client.states import Connected, Connecting, Offline, State
from chatty.protocol import IN_FLIGHT, Live, Present, Welcome
from tests.support.reading import story, texts_until
from tests.support.server import Server


def narrow_room(server: str, room_id: str, *, held: int, stall: float = 60, **begin: Any) -> Room:
    """A room as `chatty.join` makes it, but one that holds few events for its reader, and waits long for it."""
    options = LinkOptions(
        server=server, room_id=room_id, key=new_secret(), name="narrow", participate=True, patience=None, stall=stall
    )
    outbox: Outbox[Any] = Outbox(new_producer(), fresh=True)
    return Room(options, Inbox(limit=held, **begin), outbox, lambda _: None)


async def test_send_returns_when_the_message_is_stored(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        ack = await room.send("Hello")
        stored = await asyncio.to_thread(server.history, room_id)
    assert (ack.n, ack.seq, ack.duplicate) == (1, stored[-1]["seq"], False)
    assert stored[-1]["text"] == "Hello"


async def test_everybody_in_a_room_sees_the_same_in_the_same_order(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as ada, chatty.join(server.url, room_id, name="Bob") as bob:
        await asyncio.gather(
            *(room.send(f"{room.welcome.you.participant} {n}") for n in range(20) for room in (ada, bob))
        )
        await ada.send("end")
        seen = [await texts_until(room, "end") for room in (ada, bob)]
    assert seen[0] == seen[1] == await asyncio.to_thread(server.texts, room_id)
    assert len(seen[0]) == 41


async def test_a_client_that_only_reads_and_sends_is_not_a_participant(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="ci", participate=False) as room:
        await room.send("built")
        assert room.info.participant_count == 0
    async with chatty.join(server.url, room_id, participate=False, since=0) as reader:
        assert reader.welcome.you.participant is None
    assert [event["event_type"] for event in await asyncio.to_thread(server.history, room_id)] == ["message"]


async def test_the_end_of_the_block_waits_for_acks_and_leaves(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        for number in range(100):
            await room.post(f"line {number}")
    events = await story(server.url, room_id, leaves=1)
    assert [event.text for event in events if isinstance(event, chatty.Message)] == [f"line {n}" for n in range(100)]
    assert isinstance(events[-1], chatty.ParticipantLeft)
    assert events[-1].reason == "left"


async def test_an_error_in_the_block_leaves_at_once_and_comes_out(server: Server, room_id: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with chatty.join(server.url, room_id, name="John"):
            raise ZeroDivisionError
    left = (await story(server.url, room_id, leaves=1))[-1]
    assert isinstance(left, chatty.ParticipantLeft)
    assert left.reason == "left"


async def test_closing_waits_for_nothing_and_fails_unacked_messages(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        posted = await room.post("perhaps")
        await room.close()
        await room.close()
        with pytest.raises(chatty.Disconnected):
            await posted
        with pytest.raises(chatty.Disconnected):
            await room.flush()
    left = (await story(server.url, room_id, leaves=1))[-1]
    assert isinstance(left, chatty.ParticipantLeft)
    assert left.reason == "left"


async def test_thousands_of_messages_are_under_way_at_once_and_arrive_in_order(server: Server, room_id: str) -> None:
    said = [f"line {number}" for number in range(5_000)]
    most = 0
    async with chatty.join(server.url, room_id, name="John", participate=False) as room:
        futures = []
        for text in said:
            futures.append(await room.post(text))
            most = max(most, room.unacked)
        await room.flush()
        assert room.unacked == 0
        assert [future.result().n for future in futures] == list(range(1, 5_001))
    assert 1 < most <= IN_FLIGHT
    assert await asyncio.to_thread(server.texts, room_id) == said


async def test_a_refused_message_stops_none_behind_it(server: Server, room_id: str) -> None:
    said = ["a", "x" * 16_385, "b", " \n ", "", "c", "x" * 200_000, "é" * 8_192]
    async with chatty.join(server.url, room_id, name="John") as room:
        futures = [await room.post(text) for text in said]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
    refusals = [outcome.code if isinstance(outcome, chatty.Refused) else None for outcome in outcomes]
    long, empty = "message_too_long", "message_empty"
    assert refusals == [None, long, None, empty, empty, None, long, None]
    assert await asyncio.to_thread(server.texts, room_id) == ["a", "b", "c", "é" * 8_192]


async def test_invalid_text_is_the_caller_s_mistake(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        with pytest.raises(ValueError, match="surrogates"):
            await room.send("\ud800")
        assert (await room.send("ok")).n == 1


@pytest.mark.parametrize("text", ['{"op":"send"}', "a\nb\tc", "👩‍👩‍👧 \u0000 \u202e", '"\\'])
async def test_a_text_arrives_as_it_was_sent(server: Server, room_id: str, text: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        await room.send(text)
        assert await texts_until(room, text) == [text]


async def test_a_sender_that_never_reads_gets_its_acks_while_others_talk(server: Server, room_id: str) -> None:
    async with (
        narrow_room(server.url, room_id, held=2_000) as sender,
        chatty.join(server.url, room_id, name="B") as other,
    ):
        for number in range(500):
            await other.post(f"other {number}")
            await sender.post(f"own {number}")
        await asyncio.gather(sender.flush(), other.flush())
        assert sender.held < 10


async def test_a_late_reader_misses_nothing(server: Server, room_id: str) -> None:
    async with (
        narrow_room(server.url, room_id, held=2_000) as late,
        chatty.join(server.url, room_id, name="B") as other,
    ):
        for number in range(300):
            await other.post(str(number))
        await other.flush()
        await late.send("end")
        assert await texts_until(late, "end") == [*map(str, range(300)), "end"]
    events = await story(server.url, room_id, leaves=2)
    assert [event.reason for event in events if isinstance(event, chatty.ParticipantLeft)] == ["left", "left"]


async def test_a_client_that_never_reads_stays_in_the_room(server: Server, room_id: str) -> None:
    async with (
        narrow_room(server.url, room_id, held=2_000, stall=0.05) as idle,
        chatty.join(server.url, room_id, name="B", participate=False) as other,
        chatty.Http(server.url) as http,
    ):
        for _ in range(100):  # 26 MB: more than the network between the two takes
            for _ in range(16):
                await other.post("x" * 16_000)
            await other.flush()
        while (present := await http.participants(room_id)) == [Present("narrow", away=True)]:
            pass  # cut as a slow reader in a moment of waiting, and coming back
        assert present == [Present("narrow", away=False)]
        assert idle.held < 10


async def test_a_program_that_answers_each_line_of_a_long_history_gets_all_of_it(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="B", participate=False) as other:
        for number in range(2_000):
            await other.post(f"question {number}")
    answers = []
    async with narrow_room(server.url, room_id, held=50_000, since=0) as bot:
        async for event in bot:
            if isinstance(event, chatty.Message) and event.text.startswith("question"):
                answers.append(event.text.replace("question", "answer"))
                await bot.send(answers[-1])
                if len(answers) == 2_000:
                    break
    texts = await asyncio.to_thread(server.texts, room_id)
    assert [text for text in texts if text.startswith("answer")] == answers
    assert answers == [f"answer {number}" for number in range(2_000)]


async def test_a_slow_reader_gets_everything_at_its_own_pace(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="B", participate=False) as other:
        for number in range(3_000):
            await other.post(str(number))
    seen = []
    async with narrow_room(server.url, room_id, held=20_000, since=0) as slow:
        async for event in slow:
            if isinstance(event, chatty.Message):
                seen.append(event.text)
                if len(seen) % 100 == 0:
                    await asyncio.sleep(0)
                if len(seen) == 3_000:
                    break
    assert seen == list(map(str, range(3_000)))


async def test_a_cursor_resumes_after_the_last_event_that_was_taken(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        for text in "abcd":
            await room.send(text)
        assert await texts_until(room, "b") == ["a", "b"]
        cursor = room.cursor
    async with chatty.join(server.url, room_id, participate=False, epoch=cursor.epoch, since=cursor.seq) as room:
        assert room.cursor == cursor
        assert await texts_until(room, "d") == ["c", "d"]


async def test_the_newest_messages_can_be_had_first(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        for text in "abcd":
            await room.send(text)
    async with chatty.join(server.url, room_id, name="Ada", last=2) as room:
        await room.send("e")
        assert await texts_until(room, "e") == ["c", "d", "e"]


async def test_a_strangers_epoch_shows_as_a_gap(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        await room.send("a")
    async with chatty.join(server.url, room_id, participate=False, epoch="another", since=1) as room:
        gap = await anext(room)
        assert isinstance(gap, chatty.Gap)
        assert (gap.reason, gap.first) == ("epoch", 1)
        assert await texts_until(room, "a") == ["a"]
        assert room.cursor.epoch == room.welcome.epoch


async def test_frames_hold_everything_with_the_text_that_it_came_as(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John", since=0) as room:
        frames = room.frames()
        received = [await anext(frames) for _ in range(3)]
        await room.send("a")
        received.append(await anext(frames))
    kinds = [type(one.frame) for one in received]
    assert kinds == [Welcome, chatty.ParticipantJoined, Live, chatty.Message]
    async with chatty.Http(server.url) as http:
        page = await http.events(room_id)
    assert [received[1].raw.encode(), received[3].raw.encode()] == [bytes(event) for event in page.events[:2]]
    assert [one.cursor.seq for one in received] == [0, 1, 1, 2]


async def test_to_stop_waiting_for_an_event_loses_none(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        frames = room.frames()
        assert [type((await anext(frames)).frame) for _ in range(2)] == [Welcome, Live]
        for waiting in (room, frames):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(waiting), 0.01)
        await room.send("a")
        assert (await anext(frames)).raw.endswith('"text":"a"}')


async def test_a_room_that_closes_says_so_and_ends(server: Server) -> None:
    created = server.make_room()
    async with chatty.join(server.url, created["id"], name="John") as room:
        async with chatty.Http(server.url) as http:
            await http.close_room(created["id"], created["owner_token"])
        assert [type(event) async for event in room] == [chatty.RoomClosed]
        assert [event async for event in room] == []
        with pytest.raises(chatty.Refused) as refused:
            await room.send("too late")
        assert refused.value.code == "room_closed"


async def test_a_late_reader_still_sees_how_a_closed_room_ended(server: Server) -> None:
    created = server.make_room()
    async with narrow_room(server.url, created["id"], held=2_000) as room:
        async with (
            chatty.join(server.url, created["id"], name="B", participate=False) as other,
            chatty.Http(server.url) as http,
        ):
            for number in range(200):
                await other.post(str(number))
            await other.flush()
            await room.send("mine")
            await http.close_room(created["id"], created["owner_token"])
        events = [event async for event in room]
    assert [event.text for event in events if isinstance(event, chatty.Message)] == [*map(str, range(200)), "mine"]
    assert type(events[-1]) is chatty.RoomClosed


@pytest.mark.parametrize("where", [{"since": 0}, {"last": 10}, {}])
async def test_a_closed_room_can_be_read_to_its_end(server: Server, where: dict[str, Any]) -> None:
    created = server.make_room()
    async with chatty.join(server.url, created["id"], name="John") as room, chatty.Http(server.url) as http:
        await room.send("a")
        await http.close_room(created["id"], created["owner_token"])
    async with chatty.join(server.url, created["id"], participate=False, **where) as room:
        texts = [event.text async for event in room if isinstance(event, chatty.Message)]
    assert texts == (["a"] if where else [])


async def test_the_same_key_is_the_same_participant(server: Server, room_id: str) -> None:
    key = new_secret()
    async with chatty.join(server.url, room_id, name="John", key=key):
        async with chatty.join(server.url, room_id, name="John", key=key) as second:
            assert second.info.participant_count == 1
        with pytest.raises(chatty.Refused) as refused:
            async with chatty.join(server.url, room_id, name="john"):
                pass
    assert (refused.value.code, refused.value.status) == ("name_taken", 409)


async def test_the_connections_state_is_told(server: Server, room_id: str) -> None:
    states: list[State] = []
    async with chatty.join(server.url, room_id, name="John", on_state=states.append):
        assert states == [Connecting(), Connected()]
    assert states[2:] == [Offline("")]


@pytest.mark.parametrize(
    ("room", "name", "code"),
    [
        ("3MWJVuiZ1XZ5OmY2LvrvWHrULFQ", "John", "room_not_found"),
        ("../../healthz", "John", "room_not_found"),
        ("", " ", ""),
    ],
)
async def test_a_refusal_to_enter_says_why(server: Server, room_id: str, room: str, name: str, code: str) -> None:
    states: list[State] = []
    with pytest.raises(chatty.Refused) as refused:
        async with chatty.join(server.url, room or room_id, name=name, on_state=states.append):
            pass
    assert refused.value.code == code or refused.value.status == 400
    assert states == [Connecting(), Offline(str(refused.value))]


async def test_two_tasks_cannot_read_one_room(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        first = asyncio.ensure_future(anext(room))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await anext(room)
        await room.send("a")
        assert isinstance(await first, chatty.Message)


async def test_a_room_is_entered_before_it_is_used_and_only_once(server: Server, room_id: str) -> None:
    room = chatty.join(server.url, room_id, name="John")
    for use in (lambda: room.send("a"), lambda: anext(room)):
        with pytest.raises(RuntimeError, match="enter the room first"):
            await use()
    async with room:
        with pytest.raises(RuntimeError, match="entered once"):
            await room.__aenter__()
    with pytest.raises(chatty.Disconnected, match="left"):
        await room.send("a")
    assert [event async for event in room] == []
