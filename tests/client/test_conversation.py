"""What a conversation is made of beside texts, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import chatty
from chatty.client.identity import new_producer, new_secret
from chatty.client.states import Reconnecting, State
from chatty.protocol import Ack, Command, Edit, Frame, Live, Produce, Producing, React, Rename, Say, Send, Type, Typing
from tests.support.proxy import Proxy
from tests.support.reading import texts_until
from tests.support.scripted import Scripted, talks
from tests.support.server import Server


async def of_type(room: chatty.Room, kind: type[Any]) -> Any:
    """The next event of a kind."""
    async for event in room:
        if isinstance(event, kind):
            return event
    raise AssertionError("the room ended")


async def present(room: chatty.Room) -> bool:
    """Reads on to where the room is now."""
    frames = room.frames()
    while not isinstance((await anext(frames)).frame, Live):
        pass
    return True


async def code_of(saying: Any) -> str:
    with pytest.raises(chatty.Refused) as refused:
        await saying
    return refused.value.code


async def test_all_that_can_be_said_reaches_the_others_in_order(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada", participate=False) as ada:
        first = await ada.send("Hello")
    async with chatty.join(server.url, room_id, name="Ada") as ada:
        async with chatty.join(server.url, room_id, participate=False) as reader:
            assert await present(reader)
            seq = (await ada.send("Hi", reply_to=first.seq or 0)).seq or 0
            acks = [
                await ada.send("waves", action=True),
                await ada.edit(seq, "Hi there"),
                await ada.react(seq, "👍"),
                await ada.react(seq, "👍", remove=True),
                await ada.delete(seq),
                await ada.set_topic("cats"),
                await ada.rename("Ada L."),
            ]
            events: list[Any] = [await anext(reader) for _ in range(8)]
    assert [event.seq for event in events] == list(range(seq, seq + 8)) == [seq, *(ack.seq for ack in acks)]
    greeting, wave, edited, reacted, taken_back, deleted, topic, renamed = events
    assert (greeting.text, greeting.reply_to) == ("Hi", first.seq)
    assert (wave.text, wave.action) == ("waves", True)
    assert (edited.of, edited.text) == (seq, "Hi there")
    assert (reacted.of, reacted.reaction, reacted.removed) == (seq, "👍", False)
    assert (taken_back.of, taken_back.reaction, taken_back.removed) == (seq, "👍", True)
    assert (type(deleted), deleted.of) == (chatty.MessageDeleted, seq)
    assert (type(topic), topic.topic) == (chatty.TopicChanged, "cats")
    assert (renamed.participant, renamed.name) == ("Ada", "Ada L.")


async def test_a_reaction_that_is_there_already_is_acked_without_a_number(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as room:
        seq = (await room.send("Hello")).seq or 0
        assert (await room.react(seq, "👍")).seq == seq + 1
        assert await room.react(seq, "👍") == Ack(n=3)
        assert (await room.send("next")).seq == seq + 2


async def test_a_refusal_stops_nothing_behind_it(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Bob") as bob,
        chatty.join(server.url, room_id, name="Ada") as ada,
    ):
        bobs = (await bob.send("mine")).seq or 0
        sayings = [
            ada.edit(bobs, "yours"),
            ada.delete(bobs),
            ada.delete(10_000),
            ada.edit(bobs, " \n"),
            ada.edit(bobs, "x" * 200_000),
            ada.send("about nothing", reply_to=10_000),
            ada.set_topic("x" * 513),
            ada.set_topic("x" * 200_000),
            ada.rename("bob"),
            ada.rename(""),
        ]
        codes = await asyncio.gather(*map(code_of, sayings))
        assert (await ada.send("end")).n == 1
    assert codes == [
        "not_allowed", "not_allowed", "message_not_found", "message_empty", "message_too_long", "message_not_found",
        "bad_request", "too_large", "name_taken", "name_invalid",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        Send(text="\ud800"),
        Send(text=None),  # type: ignore[arg-type]
        Send(text="to nobody", reply_to=None),  # type: ignore[arg-type]
        Send(text="to a text", reply_to="3"),  # type: ignore[arg-type]
        Send(text="waves", action=1),  # type: ignore[arg-type]
        Edit(of="1", text="a"),  # type: ignore[arg-type]
        Edit(of=None, text="a"),  # type: ignore[arg-type]
        Rename(name="\ud800"),
        React(of="one", reaction="👍"),  # type: ignore[arg-type]
    ],
)
async def test_an_invalid_command_is_the_caller_s_mistake(server: Server, room_id: str, command: Say) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        with pytest.raises(ValueError, match=r"surrogates|Expected"):
            await room.say(command)
        assert (await room.send("ok")).n == 1


async def test_connections_that_break_change_nothing_twice(server: Server, room_id: str, proxy: Proxy) -> None:
    async with chatty.join(proxy.url, room_id, name="Ada") as room:
        seq = (await room.send("0")).seq or 0
        acks = []
        for number in range(1, 200):
            acks.append(await room.say(Edit(of=seq, text=str(number))))
            if number % 40 == 0:
                proxy.cut()
                await acks[-1]
        await room.flush()
    events = await asyncio.to_thread(server.history, room_id)
    assert sum(event["event_type"] == "message_edited" for event in events) == 199
    assert next(event["text"] for event in events if event["event_type"] == "message") == "199"
    assert proxy.opened > 2


# --- names --------------------------------------------------------------------------------------------------


async def test_a_new_name_is_kept_when_the_connection_breaks(server: Server, room_id: str, proxy: Proxy) -> None:
    async with chatty.join(proxy.url, room_id, name="Ada") as room:
        assert room.name == "Ada"
        await room.rename("Grace")
        await texts_after_cut(room, proxy)
        assert (room.name, room.welcome.you.participant) == ("Grace", "Grace")
    told = [event for event in await asyncio.to_thread(server.history, room_id) if event["event_type"] != "message"]
    assert [event["event_type"] for event in told][:2] == ["participant_joined", "participant_renamed"]
    assert "participant_joined" not in [event["event_type"] for event in told[2:]]


async def test_a_name_that_another_connection_took_is_kept_too(server: Server, room_id: str, proxy: Proxy) -> None:
    key = new_secret()
    async with chatty.join(proxy.url, room_id, name="Ada", key=key) as room:
        async with chatty.join(server.url, room_id, name="Ada", key=key) as other:
            await other.rename("Grace")
            await of_type(room, chatty.ParticipantRenamed)
            await texts_after_cut(room, proxy)
            assert (room.name, room.welcome.you.participant) == ("Grace", "Grace")


async def test_an_earlier_participants_new_name_is_not_taken_for_ones_own(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as earlier:
        await earlier.rename("Grace")
    async with chatty.join(server.url, room_id, name="Ada", since=0) as room:
        assert await of_type(room, chatty.ParticipantRenamed)
        assert room.name == "Ada"


async def texts_after_cut(room: chatty.Room, proxy: Proxy) -> None:
    opened = proxy.opened
    proxy.cut()
    await room.send("back")
    assert await texts_until(room, "back")
    assert proxy.opened > opened


async def test_a_name_whose_ack_was_lost_is_found_out_and_taken_at_once() -> None:
    def reply(command: Produce | Say) -> Frame:
        return Producing(1) if isinstance(command, Produce) else Ack(n=command.n, seq=command.n)

    async with Scripted(talks(close=1001), talks(reply=reply)) as scripted:
        producer = new_producer()
        async with chatty.join(scripted.url, "room", name="John", producer=producer, patience=30) as room:
            assert (await room.rename("Jack")).duplicate
            assert room.name == "Jack"
            while len(scripted.asked) < 3:
                await room.send("on the way")
    assert ["name=John" in path for path in scripted.asked[:3]] == [True, True, False]
    assert "name=Jack" in scripted.asked[2]


async def test_a_name_that_was_refused_is_not_used(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="ci", participate=False) as room:
        assert await code_of(room.rename("cd")) == "not_allowed"
        assert room.name == "ci"


# --- typing -------------------------------------------------------------------------------------------------


async def test_others_see_who_is_typing_and_a_burst_of_keys_is_said_once(server: Server, room_id: str) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(server.url, room_id, participate=False) as reader,
    ):
        assert await present(reader)
        for _ in range(20):
            ada.typing()
        await ada.send("done")
        frames = []
        async for frame, _, _ in reader.frames():
            frames.append(frame)
            if isinstance(frame, chatty.Message):
                break
    assert [frame for frame in frames if isinstance(frame, Typing)] == [Typing("Ada")]


async def test_that_one_types_is_said_now_and_then_and_not_when_it_is_long_over() -> None:
    heard: list[Command] = []
    async with Scripted(talks(heard=heard)) as scripted, chatty.join(scripted.url, "room", name="John") as room:
        for _ in range(2):
            room.typing()
            await room.send("a")
    assert heard.count(Type()) == 1
    heard.clear()
    lost = asyncio.Event()

    def on_state(state: State) -> None:
        if isinstance(state, Reconnecting):
            lost.set()

    async with Scripted(talks(close=1001), talks(heard=heard)) as scripted:
        async with chatty.join(scripted.url, "room", name="John", on_state=on_state) as room:
            await lost.wait()
            room.typing()
            await room.send("a")
    assert Type() not in heard


async def test_typing_never_fails(server: Server, room_id: str) -> None:
    room = chatty.join(server.url, room_id, name="Ada")
    room.typing()
    async with room:
        room.typing()
        await room.send("a")
    room.typing()
