"""Sending again is harmless: nothing is lost, stored twice or swapped, whatever was cut or refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
from pathlib import Path
from typing import IO

import chatty
from chatty.client.identity import new_producer
from chatty.client.outbox import Outbox, Settled
from chatty.errors import Refused
from chatty.protocol import MESSAGE_BYTES, Ack, Error, Producing, Send, decode_frame
from tests.cli.user import Running, User
from tests.support.proxy import Proxy
from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server
from tests.support.wire import Wire

CUTS = scaled(200, least=100)
BREAKS = scaled(200)
IN_FLIGHT = 64
KILLS = scaled(30, least=3)


class Sender:
    """Numbered messages, some of which the server refuses, by an outbox that is given connection after connection."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.made = 0
        self.refused: set[int] = set()
        self.outcomes: list[int] = []
        self.out_of_order = 0
        self._outbox: Outbox[int] = Outbox(new_producer(), fresh=False)

    @property
    def expected(self) -> list[str]:
        """What the room must hold."""
        return [f"line {number}" for number in range(self.made) if number not in self.refused]

    @property
    def unanswered(self) -> int:
        return len(self._outbox)

    async def begin(self, wire: Wire) -> None:
        """Asks on a new connection how far the room got, and sends all behind that."""
        self._outbox.connected()
        await self.send(wire)
        while not await self.hear(wire):
            pass

    async def send(self, wire: Wire) -> None:
        """Sends until as much as may be is under way; now and then something that is too long."""
        while len(self._outbox) < IN_FLIGHT:
            too_long = not self.chance.randrange(50)
            if too_long:
                self.refused.add(self.made)
            text = "x" * (MESSAGE_BYTES + 1) if too_long else f"line {self.made}"
            self._note(self._outbox.add(Send(text=text), self.made))
            self.made += 1
        await self.send_again(wire)

    async def send_again(self, wire: Wire) -> None:
        """Sends what there is."""
        await wire.write(self._outbox.take(IN_FLIGHT))

    async def hear(self, wire: Wire) -> bool:
        """Takes one frame, and sends what that makes possible. Whether it told how far the room got."""
        frame = decode_frame(await wire.hear_raw())
        if isinstance(frame, Ack):
            self._note(self._outbox.acked(frame))
        elif isinstance(frame, Error):
            self.out_of_order += frame.code == "out_of_order"
            self._note(self._outbox.refused(frame))
            await self.send_again(wire)
        elif isinstance(frame, Producing):
            for outcome in self._outbox.producing(frame):
                self._note(outcome)
            await self.send_again(wire)
            return True
        return False

    def _note(self, outcome: Settled[int] | None) -> None:
        if outcome is not None:
            assert isinstance(outcome.result, Refused) == (outcome.ticket in self.refused)
            self.outcomes.append(outcome.ticket)


async def test_cuts_between_send_and_ack_lose_repeat_and_swap_nothing(server: Server, room_id: str) -> None:
    sender, unheard = Sender(5), 0

    def connection() -> Wire:
        return Wire(server.url, room_id, key="sender", name="sender", join="false")

    async with Wire(server.url, room_id, join="false") as witness:
        await witness.until("live")
        for _ in range(CUTS):
            async with connection() as wire:
                await sender.begin(wire)
                for _ in range(sender.chance.randrange(2 * IN_FLIGHT)):
                    if sender.unanswered <= IN_FLIGHT // 2:
                        await sender.send(wire)
                    await sender.hear(wire)
                await sender.send(wire)
                oldest = len(sender.outcomes)
                if oldest not in sender.refused and sender.chance.randrange(3):
                    # The room has it, and its ack was sent: that is what the cut loses.
                    while (await witness.until("message"))[-1]["text"] != f"line {oldest}":
                        pass
                    unheard += 1
    async with connection() as wire:
        await sender.begin(wire)
        while sender.unanswered:
            await sender.hear(wire)
    assert sender.outcomes == list(range(sender.made))
    assert min(len(sender.refused), sender.out_of_order, unheard) > CUTS / 10
    assert await asyncio.to_thread(server.texts, room_id) == sender.expected


async def test_a_room_whose_connections_break_in_the_middle_of_frames_sends_each_line_once(
    server: Server, room_id: str
) -> None:
    lines = [f"line {number}" for number in range(50 * BREAKS)]
    async with Proxy(server.port) as proxy:
        proxy.cut_at_random(6, 800, 12_000)
        async with chatty.join(proxy.url, room_id, name="John", participate=False) as room:
            async with asyncio.TaskGroup() as group:
                for line in lines:
                    group.create_task(outcome(await room.post(line)))
            proxy.heal()
        assert proxy.opened > BREAKS / 2
    assert await asyncio.to_thread(server.texts, room_id) == lines


async def outcome(future: asyncio.Future[Ack]) -> None:
    await future


def read_lines(process: Running, number: int) -> None:
    """Returns when the process has printed so many lines."""
    assert process.stdout is not None
    while number > 0:
        printed = os.read(process.stdout.fileno(), 65_536)
        assert printed, "it ended too soon"
        number -= printed.count(b"\n")


def feed(stdin: IO[bytes], said: bytes) -> None:
    """Writes to a process that may be killed meanwhile, and leaves its standard input open."""
    view = memoryview(said)
    with contextlib.suppress(BrokenPipeError):
        while view:
            view = view[stdin.write(view) :]


def test_a_rerun_with_a_key_sends_what_a_kill_left_out(server: Server, room_id: str, tmp_path: Path) -> None:
    chance = random.Random(8)
    lines = [f"line {number}" for number in range((KILLS + 1) * 4_000)]
    source = tmp_path / "lines"
    source.write_text("\n".join(lines))
    with User(tmp_path / "home", server.url) as user:
        for _ in range(KILLS):
            before = len(server.texts(room_id))
            sending = user.start("send", room_id, "--key", "nightly", "--json")
            assert sending.stdin is not None
            # No more than so many lines at a time, or the quickest of all runs would come to the input's end.
            part = "\n".join(lines[: before + 4_000]).encode()
            feeding = threading.Thread(target=feed, args=(sending.stdin, part))
            feeding.start()
            read_lines(sending, before + chance.randrange(1, 2_500))
            sending.kill()
            assert sending.wait(PATIENCE) == -signal.SIGKILL
            feeding.join(PATIENCE)
            stored = server.texts(room_id)
            assert stored == lines[: len(stored)]
            assert before < len(stored) <= before + 4_000
        with source.open("rb") as said:
            user.run("send", room_id, "--key", "nightly", stdin=said)
        assert server.texts(room_id) == lines
