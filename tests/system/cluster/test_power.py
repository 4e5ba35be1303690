"""What is acked, or seen by anybody, survives that all machines lose power: most servers of the log have synced it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.client.identity import new_producer
from tests.support.cluster import Cluster
from tests.support.server import Server
from tests.support.traced import Call, calls_in, tracing
from tests.support.wire import Wire

LINES = 60


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Cluster]:
    """Three servers of NATS, whose files can be read, and the nodes a and b, all under strace."""
    cluster = Cluster(tmp_path / "cluster", (), is_encrypted=False)
    for server in cluster.nats.servers:
        server.prefix = tracing(tmp_path / server.name, "pwrite64,pwritev,fsync,fdatasync")
    for name in "ab":
        program = (*tracing(tmp_path / name, "write,writev,sendto,sendmsg"), sys.executable, "-m", "chatty")
        cluster.nodes[name] = cluster.make(name, program=program)
    with cluster:
        yield cluster


async def talk(a: Server, b: Server, room_id: str) -> None:
    """Says ``line-1.`` to ``line-LINES.`` at node a, in batches that grow, while others listen at both nodes."""
    reader, stream = await asyncio.open_connection("127.0.0.1", b.port, limit=1 << 24)
    stream.write(f"GET /v1/rooms/{room_id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b'"live"')
    async with Wire(a.url, room_id, name="John") as john, Wire(b.url, room_id, join="false") as listener:
        await listener.until("live")
        await john.say(op="produce", producer=new_producer())
        await john.until("producing")
        said, batch = 0, 1
        while said < LINES:
            last = min(said + batch, LINES)
            for number in range(said + 1, last + 1):
                await john.say(op="send", n=number, text=f"line-{number}.")
            for _ in range(said, last):
                await john.until("ack")
                await listener.until("message")
            said, batch = last, batch + 1
        await reader.readuntil(f"line-{LINES}.".encode())
    stream.transport.abort()


def synced(calls: list[Call], text: str) -> float:
    """When a server of NATS had synced ``text`` in the log by which a quorum agrees."""
    place, written = next(
        (place, call)
        for place, call in enumerate(calls)
        if call.text.startswith("pwrite") and "/_js_/" in call.text and text in call.text
    )
    file = written.text[written.text.index("<") : written.text.index(">") + 1]
    return next(
        call.ended for call in calls[place:] if call.text.startswith(("fsync", "fdatasync")) and file in call.text
    )


def first_sent(calls: list[Call], port: int, text: str) -> float:
    """When ``text`` first began to go to a client of the node that listens on ``port``."""
    return next(call.began for call in calls if f"<TCP:[127.0.0.1:{port}->" in call.text and text in call.text)


async def test_most_servers_of_the_log_have_synced_a_message_before_its_first_byte_goes_to_any_socket(
    traced: Cluster, tmp_path: Path
) -> None:
    a, b = traced["a"], traced["b"]
    room_id = (await asyncio.to_thread(a.make_room))["id"]
    await talk(a, b, room_id)
    for node in (a, b):
        await asyncio.to_thread(node.stop)
    for server in traced.nats.servers:
        await asyncio.to_thread(server.stop)
    logs = [calls_in(tmp_path / server.name) for server in traced.nats.servers]
    at_a, at_b = (calls_in(tmp_path / name) for name in "ab")
    for number in range(1, LINES + 1):
        _, quorum, _ = sorted(synced(log, f"line-{number}.") for log in logs)
        assert quorum < first_sent(at_a, a.port, f'\\"ack\\",\\"n\\":{number},'), "acked too early"
        assert quorum < first_sent(at_a, a.port, f"line-{number}."), "seen too early where it was said"
        assert quorum < first_sent(at_b, b.port, f"line-{number}."), "seen too early at another node"
