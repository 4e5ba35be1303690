"""Nodes that are new or were away for long begin with a snapshot, and deleted texts are nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from chatty.server.platform.pipeline.log.jetstream.connection import Connection, connect
from chatty.server.platform.pipeline.log.jetstream.keeper import ASK
from tests.support.cluster import Cluster, content, position
from tests.support.server import PATIENCE, Server

BEGAN = "began with a snapshot"
KEY = "a key of Ada's own"


def say(node: Server, room_id: str, text: str) -> int:
    """The number of a message that Ada sends."""
    body = {"participant": "Ada", "text": text}
    return int(node.ask("POST", f"/v1/rooms/{room_id}/messages", body, token=KEY)["seq"])


def with_log(cluster: Cluster, work: Callable[[Connection], Coroutine[None, None, int]]) -> int:
    async def run() -> int:
        connection = await connect(cluster.nats.url, "test")
        try:
            async with asyncio.timeout(PATIENCE):
                return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def ask_for_snapshot(connection: Connection) -> int:
    """The position of a fresh snapshot, which a node makes."""
    return int((await connection.client.request(ASK, b"", timeout=PATIENCE)).data)


async def wait_purged(connection: Connection, position: int) -> int:
    """Return the log's first message, once that is behind ``position``: up to there it is purged."""
    while (info := await connection.info()) is None or info.first <= position:
        await asyncio.sleep(0.05)
    return info.first


def databases(nodes: Iterable[Server]) -> list[Path]:
    return [node.data / "chatty.db" for node in nodes]


def wait_equal(nodes: Iterable[Server]) -> None:
    """Return when all have come equally far. Raises AssertionError if one doesn't."""
    deadline = time.monotonic() + PATIENCE
    while len({position(database) for database in databases(nodes)}) > 1:
        assert time.monotonic() < deadline, [position(database) for database in databases(nodes)]
        time.sleep(0.05)


def test_new_nodes_and_those_that_missed_what_the_log_no_longer_has_take_a_snapshot(
    cluster: Cluster, room_id: str
) -> None:
    a, b, c = (cluster[name] for name in "abc")
    say(a, room_id, "heard by all")
    c.kill9()
    c_at = position(c.data / "chatty.db")[0]
    for node in (a, b):
        node.restart()  # they have not heard of the third one since, so they don't wait for it
    for round_ in range(2):
        say(b, room_id, f"missed {round_}")
        assert with_log(cluster, ask_for_snapshot) > c_at
    with_log(cluster, lambda log: wait_purged(log, c_at))
    say(a, room_id, "after the snapshots")
    c.start()
    assert BEGAN in c.log
    d = cluster.make("d")
    with d:
        assert BEGAN in d.log
        for node in (c, d):
            assert node.texts(room_id) == ["heard by all", "missed 0", "missed 1", "after the snapshots"]
        say(d, room_id, "from the new one")
        nodes = (a, b, c, d)
        wait_equal(nodes)
        first, *others = (content(database) for database in databases(nodes))
        assert all(other == first for other in others)
        d.stop()
    assert not (c.data / "snapshot.db").exists()


def holding(directories: Iterable[Path], text: bytes) -> list[str]:
    found = []
    for directory in directories:
        for file in directory.rglob("*"):
            try:
                if file.is_file() and text in file.read_bytes():
                    found.append(str(file))
            except FileNotFoundError:
                pass  # servers remove files all the time
    return found


def test_a_deleted_text_leaves_the_nodes_files_and_was_never_to_be_read_in_those_of_nats(
    cluster: Cluster, room_id: str
) -> None:
    text = "a text that somebody regrets, and deletes"
    of_nats = [server.data for server in cluster.nats.servers]
    of_nodes = [node.data for node in cluster.nodes.values()]
    seq = say(cluster["a"], room_id, text)
    wait_equal(cluster.nodes.values())
    assert len(holding(of_nodes, text.encode())) >= len(of_nodes)
    assert with_log(cluster, ask_for_snapshot)
    assert holding(of_nats, text.encode()) == []
    cluster["b"].ask("DELETE", f"/v1/rooms/{room_id}/messages/{seq}?name=Ada", token=KEY)
    deadline = time.monotonic() + PATIENCE
    while found := holding(of_nodes, text.encode()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    assert holding(of_nats, text.encode()) == []
