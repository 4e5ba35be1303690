"""What nodes make of what they say to each other: who is dead, whose turn it is, what time it is, who has diverged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.jetstream.connection import Connection
from chatty.server.platform.pipeline.log.jetstream.peers import AHEAD_MS, DEAD_SECONDS, SILENT_SECONDS, Alive, Peers
from chatty.server.platform.pipeline.log.whispers import Typing, Whisper

MARK = 64
ROOMS = [f"room {number}" for number in range(40)]


class Time:
    """The loop's time, as the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)


class Node:
    """What a node hears, over a real server of NATS."""

    def __init__(self, connection: Connection, name: str, time: Time, key: bytes = b"k" * 32) -> None:
        self.name, self.incarnation, self.ahead = name, "one", 0
        self.fatal: list[BaseException] = []
        self.whispers: list[Whisper] = []
        self.peers = Peers(connection, key, name, self.describe, self.whispers.append, self.fatal.append)
        self.peers._loop = time  # type: ignore[assignment]

    def describe(self) -> Alive:
        mark, chain = self.peers.mark
        return Alive(self.name, self.incarnation, wall_ms() + self.ahead, mark, mark, chain, "1", 1, 1, "")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.001)


async def nodes(connection: Connection, names: str, time: Time) -> list[Node]:
    """Nodes that have heard each other."""
    made = [Node(connection, name, time) for name in names]
    for node in made:
        await node.peers.open()
    await say(*made)
    return made


async def say(*speaking: Node) -> None:
    """Each says how it is, and all hear it."""
    before = {id(node): dict(node.peers.heard) for node in speaking}
    for node in speaking:
        await node.peers.say()
    others = [(node, other.name) for node in speaking for other in speaking if other is not node]
    await until(lambda: all(node.peers.heard.get(name) is not before[id(node)].get(name) for node, name in others))


async def test_a_node_is_dead_after_a_long_silence_and_its_next_incarnation_is_given_as_long(
    connection: Connection,
) -> None:
    time = Time()
    a, _ = await nodes(connection, "ab", time)
    assert not a.peers.is_dead("b", "one")
    time.now += DEAD_SECONDS
    assert not a.peers.is_dead("b", "one")
    time.now += 1
    assert a.peers.is_dead("b", "one")
    # The log may tell of a new incarnation before the node itself does.
    assert not a.peers.is_dead("b", "two")
    a.peers.forget("b")
    time.now += DEAD_SECONDS
    assert not a.peers.is_dead("b", "two")
    time.now += 1
    assert a.peers.is_dead("b", "two")


async def test_one_that_is_deaf_itself_takes_nobody_for_dead(connection: Connection) -> None:
    time = Time()
    a, _ = await nodes(connection, "ab", time)
    assert not a.peers.is_dead("b", "one")
    time.now += 100
    a.peers.be_deaf()
    assert not a.peers.is_dead("b", "one")
    time.now += DEAD_SECONDS
    assert a.peers.is_dead("b", "one")


async def test_for_each_room_the_living_have_different_turns_and_all_of_them_come_first_somewhere(
    connection: Connection,
) -> None:
    time = Time()
    made = await nodes(connection, "abc", time)
    turns = [[node.peers.rank(room) for node in made] for room in ROOMS]
    assert all(sorted(turn) == [0, 1, 2] for turn in turns)
    assert all(0 in [turn[place] for turn in turns] for place in range(3))
    time.now += SILENT_SECONDS + 1
    await say(*made[:2])
    assert all(sorted(node.peers.rank(room) for node in made[:2]) == [0, 1] for room in ROOMS)


async def test_a_clock_that_is_fast_is_held_back_and_one_that_is_slow_holds_back_nobody(connection: Connection) -> None:
    a, b, c = made = await nodes(connection, "abc", Time())
    for other in (b, c):
        other.ahead = -10_000  # so to them, the clock of a is fast
    await say(*made)
    assert abs(a.peers.wall_ms() - wall_ms() - (AHEAD_MS - 10_000)) < 500
    b.ahead = c.ahead = 10_000
    await say(*made)
    assert abs(a.peers.wall_ms() - wall_ms()) < 500
    assert abs(a.peers.skew_ms + 10_000) < 500


async def test_of_three_the_one_that_differs_stops_and_says_from_whom(connection: Connection) -> None:
    a, b, c = made = await nodes(connection, "abc", Time())
    for node in made:
        node.peers.note({MARK: b"damaged" if node is c else b"chain"})
    await say(*made)
    assert "differs from that of a, b" in str(c.fatal[0])
    assert a.fatal == b.fatal == []
    assert not a.peers.has_diverged
    # After it was mended, nothing is held against it.
    c.incarnation = "two"
    c.peers.note({MARK: b"chain"})
    await say(*made)
    assert not any(node.peers.has_diverged for node in (a, b))


async def test_of_two_that_differ_nobody_knows_which_and_neither_is_ready(connection: Connection) -> None:
    a, b = made = await nodes(connection, "ab", Time())
    a.peers.note({MARK: b"this"})
    b.peers.note({MARK: b"that"})
    await say(*made)
    assert a.fatal == b.fatal == []
    assert a.peers.has_diverged
    assert b.peers.has_diverged


async def test_one_of_the_same_name_is_noticed_and_one_with_another_secret_is_not_believed(
    connection: Connection,
) -> None:
    time = Time()
    a, b = await nodes(connection, "ab", time)
    namesake, stranger = Node(connection, "a", time), Node(connection, "z", time, b"x" * 32)
    namesake.incarnation = "two"
    await namesake.peers.say()
    await stranger.peers.say()
    stranger.peers.heard["somebody"] = next(iter(b.peers.heard.values()))  # or it wouldn't whisper
    stranger.peers.whisper(Typing("room", "Zoe"))
    b.peers.whisper(Typing("room", "Bo"))
    await until(lambda: bool(a.whispers))
    assert a.peers.namesake == "two"
    assert a.peers.strangers == {"z"}
    assert list(a.peers.heard) == ["b"]
    assert a.whispers == [Typing("room", "Bo")]
