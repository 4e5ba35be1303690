"""A client that knows several nodes of one server goes on at the next one when a node fails, and stays who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

import chatty
from chatty.client import nodes as nodes_module
from chatty.client import requests as requests_module
from chatty.client.http import Http
from chatty.client.identity import new_secret
from chatty.client.nodes import Nodes
from chatty.client.states import Reconnecting, State
from tests.support.proxy import Proxy
from tests.support.reading import story, texts_until
from tests.support.scripted import Answer, Scripted, problem, silent, talks, text
from tests.support.server import Server


@dataclass
class Cluster:
    """Two ways to one server, as if they were its nodes."""

    first: Proxy
    second: Proxy

    @property
    def url(self) -> str:
        return f"{self.first.url},{self.second.url}"


@pytest.fixture
async def cluster(server: Server) -> AsyncIterator[Cluster]:
    async with Proxy(server.port) as first, Proxy(server.port) as second:
        yield Cluster(first, second)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that fall silent are found out sooner."""
    monkeypatch.setattr(nodes_module, "NODE_SECONDS", 0.2)
    monkeypatch.setattr(requests_module, "NODE_SECONDS", 0.2)
    monkeypatch.setattr(nodes_module, "HEARTBEAT_SECONDS", 0.2)


async def die(node: Proxy) -> None:
    await node.hang_up()
    node.cut()


# --- rooms --------------------------------------------------------------------------------------------------


async def test_members_of_a_node_that_dies_go_on_at_the_next_one_at_once_and_nobody_sees_it(
    server: Server, room_id: str, cluster: Cluster
) -> None:
    states: list[State] = []
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(cluster.url, room_id, name="John", on_state=states.append) as john,
    ):
        for number in range(30):
            await john.post(f"line {number}")
            if number == 10:
                await die(cluster.first)
            if number == 20:
                await john.flush()
                await cluster.first.listen()
                await die(cluster.second)
        await john.send("end")
        assert (
            await texts_until(ada, "end")
            == await texts_until(john, "end")
            == [
                *(f"line {number}" for number in range(30)),
                "end",
            ]
        )
    kinds = [type(event) for event in await story(server.url, room_id, leaves=2)]
    assert kinds.count(chatty.ParticipantJoined) == kinds.count(chatty.ParticipantLeft) == 2
    assert not [state for state in states if isinstance(state, Reconnecting)]
    assert (cluster.first.opened, cluster.second.opened) == (2, 1)


@pytest.mark.usefixtures("hasty")
async def test_members_of_a_node_that_freezes_go_on_at_the_next_one(
    server: Server, room_id: str, cluster: Cluster
) -> None:
    async with chatty.join(cluster.url, room_id, name="John") as john:
        await john.send("before")
        cluster.first.freeze()
        await john.send("after")
        assert await texts_until(john, "after") == ["before", "after"]
    assert cluster.second.opened
    assert await asyncio.to_thread(server.texts, room_id) == ["before", "after"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("frozen", [True, False])
async def test_a_node_that_is_frozen_or_gone_keeps_nobody_out(room_id: str, cluster: Cluster, frozen: bool) -> None:
    if frozen:
        cluster.first.freeze()
    else:
        await cluster.first.hang_up()
    async with chatty.join(cluster.url, room_id, name="John") as john:
        assert (await john.send("here")).n == 1
        assert john.info == john.welcome.room


async def test_a_node_that_stops_or_is_full_sends_its_members_to_the_next_one() -> None:
    states: list[State] = []
    async with (
        Scripted(talks(close=1001), problem(503, "unavailable", retry_after=60), talks()) as first,
        Scripted(talks(close=1012), problem(503, "busy", retry_after=60)) as second,
        Scripted(talks(close=1001), text(502, "<h1>away</h1>")) as third,
    ):
        nodes = f"{first.url},{second.url},{third.url}"
        async with chatty.join(nodes, "room", name="John", on_state=states.append) as room:
            assert (await room.send("a")).n == 1
    assert [len(node.asked) for node in (first, second, third)] == [3, 2, 2]
    # After a round, there is a pause, so that nodes that all fail at once are not overrun.
    assert [state.attempt for state in states if isinstance(state, Reconnecting)] == [1, 2]


async def test_a_connection_that_ends_by_the_clients_fault_comes_back_to_the_same_node() -> None:
    async with Scripted(talks(close=4008), talks()) as first, Scripted(talks()) as second:
        async with chatty.join(f"{first.url},{second.url}", "room", name="John") as room:
            assert (await room.send("a")).n == 1
    assert (len(first.asked), len(second.asked)) == (2, 0)


async def test_a_refusal_is_every_nodes() -> None:
    async with Scripted(problem(404, "room_not_found")) as first, Scripted(talks()) as second:
        with pytest.raises(chatty.Refused, match="room_not_found"):
            async with chatty.join(f"{first.url},{second.url}", "room", name="John"):
                pass
    assert second.asked == []


async def test_nobody_gets_in_where_all_nodes_are_gone(room_id: str, cluster: Cluster) -> None:
    await cluster.first.hang_up()
    await cluster.second.hang_up()
    with pytest.raises(chatty.Unreachable) as unreachable:
        async with chatty.join(cluster.url, room_id, name="John"):
            pass
    assert unreachable.value.reason == "connection refused"
    assert sorted(unreachable.value.server.split(",")) == sorted(cluster.url.split(","))
    async with Http(cluster.url) as http:
        with pytest.raises(chatty.Unreachable):
            await http.room(room_id)


async def test_all_nodes_gone_for_a_while_are_waited_for(room_id: str, cluster: Cluster) -> None:
    lost = asyncio.Event()

    def on_state(state: State) -> None:
        if isinstance(state, Reconnecting):
            lost.set()

    async with chatty.join(cluster.url, room_id, name="John", on_state=on_state) as john:
        await die(cluster.first)
        await cluster.second.hang_up()
        sending = asyncio.create_task(john.send("a"))
        await lost.wait()
        await cluster.second.listen()
        assert (await sending).n == 1


async def test_a_name_is_the_same_clients_at_every_node(room_id: str, cluster: Cluster) -> None:
    key = new_secret()
    async with (
        chatty.join(cluster.first.url, room_id, name="John", key=key),
        chatty.join(cluster.second.url, room_id, name="John", key=key),
    ):
        with pytest.raises(chatty.Refused, match="holds the name"):
            async with chatty.join(cluster.url, room_id, name="John"):
                pass


async def test_a_question_is_answered_although_the_asker_changes_its_node(
    server: Server, room_id: str, cluster: Cluster
) -> None:
    async with (
        chatty.join(server.url, room_id, name="Ada") as ada,
        chatty.join(cluster.url, room_id, name="bot") as bot,
    ):
        asking = asyncio.create_task(bot.ask("deploy?", choices=["yes", "no"]))
        question = await anext(event async for event in ada if isinstance(event, chatty.Message))
        await die(cluster.first)
        await ada.send("yes", reply_to=question.seq)
        assert (await asking).text == "yes"
        assert len(await texts_until(ada, "yes")) == 1
        told = await anext(event async for event in ada if isinstance(event, chatty.Message))
        assert (told.participant, told.reply_to) == ("bot", question.seq)


async def test_what_a_room_lends_begins_at_the_node_that_works(room_id: str, cluster: Cluster) -> None:
    async with chatty.join(cluster.url, room_id, name="John") as john:
        await die(cluster.first)
        await john.send("a")
        assert john.http().server == f"{cluster.second.url},{cluster.first.url}"


# --- requests -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
async def test_a_request_that_can_be_repeated_goes_to_the_next_node(
    server: Server, room_id: str, cluster: Cluster
) -> None:
    async with Http(cluster.url) as http:
        cluster.first.freeze()
        assert (await http.room(room_id)).id == room_id
        assert await http.send(room_id, "a", name="John", idempotency_key="k") == 1
        assert cluster.first.opened == 1, "a node that works is kept"
        await die(cluster.second)
        cluster.first.heal()
        assert await http.send(room_id, "a", name="John", idempotency_key="k") == 1
    assert await asyncio.to_thread(server.texts, room_id) == ["a"]


@pytest.mark.usefixtures("hasty")
async def test_a_request_that_may_have_arrived_and_has_no_key_is_not_repeated(
    room_id: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "TOTAL_SECONDS", 0.3)
    async with Http(cluster.url) as http:
        cluster.first.freeze()
        with pytest.raises(chatty.Unreachable, match="timed out"):
            await http.send(room_id, "a", name="John")
    assert cluster.second.opened == 0


async def test_a_request_that_never_arrived_goes_to_the_next_node(room_id: str, cluster: Cluster) -> None:
    await cluster.first.hang_up()
    async with Http(cluster.url) as http:
        created = await http.create_room("deploys")
        assert created.url == f"{cluster.first.url}/v1/rooms/{created.id}", "what people pass on says one server"
        assert await http.send(room_id, "a", name="John") == 1


@pytest.mark.parametrize(
    ("refusal", "key", "repeated"),
    [
        (problem(503, "unavailable"), None, True),
        (problem(503, "busy"), None, True),
        (problem(504, "uncertain"), "k", True),
        (problem(504, "uncertain"), None, False),
        (problem(429, "rate_limited"), "k", False),
        (problem(403, "muted"), None, False),
    ],
)
async def test_a_message_is_said_elsewhere_if_it_was_surely_not_accepted_or_has_a_key(
    refusal: Answer, key: str | None, repeated: bool
) -> None:
    async with Scripted(refusal) as first, Scripted(text(201, '{"seq":7}', kind="application/json")) as second:
        async with Http(f"{first.url},{second.url}") as http:
            if repeated:
                assert await http.send("room", "a", name="John", idempotency_key=key) == 7
            else:
                with pytest.raises(chatty.Refused):
                    await http.send("room", "a", name="John", idempotency_key=key)
    assert (len(first.asked), len(second.asked)) == (1, int(repeated))


@pytest.mark.usefixtures("hasty")
async def test_the_last_node_gets_all_the_time_that_it_needs() -> None:
    async def slowly(request: Any) -> Any:
        await asyncio.sleep(3 * nodes_module.NODE_SECONDS)
        return await text(200, '{"participants":[]}', kind="application/json")(request)

    async with Scripted(silent()) as first, Scripted(slowly) as second:
        async with Http(f"{first.url},{second.url}") as http:
            assert await http.participants("room") == []


# --- nodes --------------------------------------------------------------------------------------------------


def test_one_node_is_never_left_and_gets_all_the_time() -> None:
    nodes = Nodes("http://a")
    assert not nodes.next_one()
    assert (nodes.present, nodes.all_failed_but_one, nodes.limit(20.0)) == ("http://a", True, 20.0)
    assert nodes.heartbeat(30.0) == 30.0


def test_each_node_has_its_turn_and_more_time_in_each_round() -> None:
    nodes = Nodes("a:1, b:2,https://c,http://a:1/")
    turns = [(nodes.present, nodes.limit(20.0), nodes.next_one()) for _ in range(7)]
    assert turns == [
        ("http://a:1", 2.0, True),
        ("http://b:2", 2.0, True),
        ("https://c", 2.0, False),
        ("http://a:1", 4.0, True),
        ("http://b:2", 4.0, True),
        ("https://c", 4.0, False),
        ("http://a:1", 8.0, True),
    ]
    assert (nodes.heartbeat(30.0), nodes.heartbeat(1.0)) == (8.0, 1.0)
    nodes.begin_round()
    assert (str(nodes), nodes.limit(20.0)) == ("http://b:2,https://c,http://a:1", 2.0)


def test_of_several_requests_that_fail_at_one_node_the_first_one_leaves_it() -> None:
    nodes = Nodes("a:1,b:2,c:3")
    for _ in range(2):
        nodes.leave("http://a:1")
    assert nodes.present == "http://b:2"


@pytest.mark.parametrize("server", ["", "a:1,", ",a:1", "a:1,,b:2", "a:1,ftp://b"])
def test_each_address_has_to_be_one(server: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Nodes(server)
