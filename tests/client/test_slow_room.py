"""A room in slow mode: messages wait, and none is lost, repeated or out of order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import chatty
from chatty.access import Policy
from chatty.client.http import Http
from chatty.client.rules import Rules
from chatty.client.states import Slowed, State
from chatty.protocol import Ack, Error, Frame, Produce, Producing, Say, Send
from tests.support.scripted import Scripted, talks
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("slow") / "data") as running:
        yield running


@pytest.fixture
async def room(server: Server) -> str:
    made = server.make_room()
    async with Http(server.url, key=made["owner_token"]) as http:
        await Rules(http, made["id"]).set_policy(Policy(slow=0.2))
    room_id: str = made["id"]
    return room_id


async def test_what_is_said_too_fast_waits_and_arrives_once_and_in_order(server: Server, room: str) -> None:
    states: list[State] = []
    texts = [f"line {number}" for number in range(5)]
    async with chatty.join(server.url, room, name="Ada", on_state=states.append) as joined:
        for text in texts:
            await joined.post(text)
        await joined.flush()
    assert server.texts(room) == texts
    waits = [state.in_seconds for state in states if isinstance(state, Slowed)]
    assert len(waits) >= len(texts) - 1
    assert all(0 < wait <= 0.2 for wait in waits)


async def test_over_http_the_answer_says_when_to_come_again(server: Server, room: str) -> None:
    async with Http(server.url, key="k" * 43) as http:
        await http.send(room, "one", name="Ada")
        with pytest.raises(chatty.Refused) as refused:
            await http.send(room, "two", name="Ada")
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("too_fast", 429, 1)


async def test_a_welcome_and_an_event_say_how_slow_a_room_is(server: Server, room: str) -> None:
    made = server.make_room()
    async with chatty.join(server.url, made["id"], name="Ada") as joined:
        assert joined.info.slow == 0
        async with Http(server.url, key=made["owner_token"]) as http:
            await Rules(http, made["id"]).set_policy(Policy(slow=30))
        async for event in joined:
            if isinstance(event, chatty.Moderated):
                assert (event.act, event.slow, event.by) == ("slow", 30.0, "")
                break
    async with chatty.join(server.url, made["id"], participate=False) as joined:
        assert joined.info.slow == 30


async def test_a_refusal_for_speed_is_no_trouble_however_long_it_lasts() -> None:
    """``transient`` is for a server that can't; this one won't, and says until when."""
    attempts = 0

    def reply(command: Produce | Say) -> Frame:
        nonlocal attempts
        if isinstance(command, Produce):
            return Producing(0)
        assert isinstance(command, Send)
        attempts += 1
        if attempts < 4:
            return Error(n=command.n, code="too_fast", message="wait", retry_after=0.01)
        return Ack(n=command.n, seq=attempts)

    async with Scripted(talks(reply=reply)) as scripted:
        async with chatty.join(scripted.url, "room", name="Ada", transient=0.0) as joined:
            assert (await joined.send("a")).seq == 4
