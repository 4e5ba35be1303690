"""A stop is quick and clean: whatever was accepted is kept, and everybody is told."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatty.client.identity import new_producer
from tests.support.faults import InShell, Peer, read_from
from tests.support.scale import SLACK
from tests.support.server import PATIENCE, Server
from tests.support.wire import Ended, Wire

SOCKETS = 500
TALKERS = 5
STOP_SECONDS = 5.0


def stalled_socket(server: Server, room_id: str) -> socket.socket:
    """A member that reads nothing after its handshake."""
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.settimeout(PATIENCE)
    sleeper.connect(("127.0.0.1", server.port))
    sleeper.sendall(
        f"GET /v1/rooms/{room_id}/ws?name=sleeper HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: chatty.v1\r\n\r\n".encode()
    )
    assert sleeper.recv(12) == b"HTTP/1.1 101"
    return sleeper


async def fill(server: Server, room_id: str) -> None:
    """Says so much that a member who doesn't read has more waiting than the kernel keeps for it, but isn't cut."""
    async with Wire(server.url, room_id, name="filler", join="false") as filler:
        for _ in range(50):
            await filler.say(op="send", text="x" * 16_000)
            await filler.until("ack")


def waiting_bytes(server: Server) -> int:
    """What the server could not yet write to its members."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=PATIENCE) as page:
        figures = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if line[0] != "#")
    return int(float(figures["chatty_write_bytes"]))


class Talker:
    """Numbered messages, as fast as the server takes them, until it is gone."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.acked: dict[int, int] = {}  # n and seq
        self.code = 0

    async def talk(self, under_way: asyncio.Event) -> None:
        n = 0
        try:
            await self.wire.say(op="produce", producer=new_producer())
            await self.wire.until("producing")
            while True:
                for _ in range(32):
                    n += 1
                    await self.wire.say(op="send", n=n, text=f"line {n}")
                while len(self.acked) < n - 16:
                    self._note((await self.wire.until("ack"))[-1])
                under_way.set()
        except Ended as ended:
            self.code = ended.code
        while not self.code or self.code == 1006:  # a write failed before the last answers were read
            try:
                self._note(await self.wire.hear())
            except Ended as ended:
                self.code = ended.code
                return

    def _note(self, frame: Any) -> None:
        if frame["event_type"] == "ack":
            self.acked[frame["n"]] = frame["seq"]


async def test_sigterm_with_500_sockets_keeps_what_was_accepted_and_tells_everybody(
    server: Server, room_id: str
) -> None:
    stalled, *quiet = [(await asyncio.to_thread(server.make_room))["id"] for _ in range(11)]
    under_way = asyncio.Event()
    async with AsyncExitStack() as stack:
        wires = [
            await stack.enter_async_context(Wire(server.url, quiet[number % 10], name=f"member-{number}"))
            for number in range(SOCKETS - TALKERS - 1)
        ]
        talkers = [
            Talker(await stack.enter_async_context(Wire(server.url, room_id, name=f"talker-{number}", join="false")))
            for number in range(TALKERS)
        ]
        stack.enter_context(await asyncio.to_thread(stalled_socket, server, stalled))
        await fill(server, stalled)
        listening = [asyncio.create_task(wire.events()) for wire in wires]
        talking = [asyncio.create_task(talker.talk(under_way)) for talker in talkers]
        await under_way.wait()
        assert await asyncio.to_thread(waiting_bytes, server) > 100_000, "nobody is stalled"
        async with asyncio.timeout(STOP_SECONDS * SLACK):
            assert await asyncio.to_thread(server.stop) == 0
        codes = {code for _, code in await asyncio.gather(*listening)}
        await asyncio.gather(*talking)
    assert codes == {1001}
    assert {talker.code for talker in talkers} == {1001}
    await asyncio.to_thread(server.start)
    stored = {event["seq"]: event for event in await asyncio.to_thread(server.history, room_id)}
    for number, talker in enumerate(talkers):
        assert talker.acked
        expected = [(f"talker-{number}", f"line {n}") for n in talker.acked]
        assert [(stored[seq]["participant"], stored[seq]["text"]) for seq in talker.acked.values()] == expected
        mine = [event["text"] for event in stored.values() if event["participant"] == f"talker-{number}"]
        assert mine == [f"line {n}" for n in range(1, len(mine) + 1)]


@pytest.mark.parametrize("log", ["full", "unread", "closed"])
def test_a_stop_is_as_clean_where_nothing_can_be_logged(log: str, tmp_path: Path) -> None:
    reader = read_from(pipe := tmp_path / "pipe")
    to = {"full": "/dev/full", "unread": shlex.quote(str(pipe)), "closed": "&-"}[log]
    with InShell(tmp_path / "data", f'exec "$@" 2>{to}') as server:
        os.close(reader)
        room = server.make_room()["id"]
        with Peer(server, room, "Ada") as ada:
            ada.until(lambda event: event["event_type"] == "live")
            server.signal(signal.SIGTERM)
            assert ada.rest() == ([], 1001)
        assert server.wait() == 0
