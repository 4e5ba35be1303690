"""A server that is hostile itself: `chatty join`, the whole of it, shows what it says and obeys nothing."""

from __future__ import annotations

import asyncio
import random
import re
import time
from pathlib import Path

import pexpect
from aiohttp import web
from msgspec import Raw
from msgspec.structs import replace

from chatty.events import Happening, Message, RoomClosed
from chatty.protocol import (
    Error,
    Frame,
    Gap,
    Limits,
    Live,
    Page,
    Participants,
    Present,
    RoomInfo,
    Typing,
    Welcome,
    You,
    encode,
)
from tests.cli.join.hostile import LIST, foreign
from tests.cli.join.seat import PATIENCE, Seat
from tests.cli.join.test_hostile import conversation
from tests.support.scripted import AT, Scripted

ROOM = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
TRICKS = [trick.encode("utf-8", "ignore").decode() for trick in LIST]  # JSON has no lone surrogates
ROUNDS, CONVERSATIONS = 10, 10

PROMPT = re.compile(
    r"\x1b\[\d*[A-DK]|\x1b\[0?J|\x1b\[\?(?:1|7|12|25|2004|2026)[hl]|\x1b\[2[23];2t|\x1b\]2;[^\x00-\x1f\x7f-\x9f]*\x07|\r"
)
"""What the prompt and the title are made with: moves, erasing, modes. None of the tricks is one of these."""


class Evil:
    """What a hostile server answers; ``cues`` holds what it is to say next over its WebSocket."""

    def __init__(self) -> None:
        self.cues: asyncio.Queue[list[Frame]] = asyncio.Queue()
        self.seq = 0
        self.page: bytes | None = None  # of history, if not conversations
        self._chance = random.Random(11)
        self._room = RoomInfo(ROOM, f"\u202e\x9b2J{self.several()}", self.several(), AT, "e", 1, 0, 2)

    def several(self) -> str:
        return "".join(self._chance.choices(TRICKS, k=self._chance.randint(1, 3)))

    def happenings(self) -> list[Happening]:
        """Everything that can happen in a room, numbered on, but for its end."""
        events = conversation(self.several(), self.several(), self.several())[:-1]
        base, self.seq = self.seq, self.seq + len(events)
        return [replace(event, seq=base + event.seq) for event in events]

    def message(self, text: str) -> Message:
        self.seq += 1
        return Message(self.seq, AT, "Eve", text)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/ws"):
            return await self._talk(request)
        if request.path.endswith("/participants"):
            said = encode(Participants([Present(trick, away=place % 2 > 0) for place, trick in enumerate(TRICKS)]))
        elif request.path.endswith("/events"):
            past = conversation(self.several(), self.several(), self.several())
            page = encode(Page([Raw(encode(event)) for event in past], "e", 1, self.seq, more=False))
            said = page if self.page is None else self.page
        else:
            said = encode(self._room)
        return web.Response(body=said, content_type="application/json")

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("chatty.v1",))
        await socket.prepare(request)
        welcome = Welcome(self._room, You("John"), TRICKS, len(TRICKS), "e", 1, 0, Limits())
        frames: list[Frame] = [welcome, Gap("retention", 1, 0), Live(0)]
        while not isinstance(frames[-1], RoomClosed):
            for frame in frames:
                await socket.send_str(encode(frame).decode())
            frames = await self.cues.get()
        await socket.send_str(encode(frames[-1]).decode())
        await socket.close(code=4510, message=b"\x1b[2J")
        return socket


def reads(seat: Seat, end: str) -> None:
    """Waits until ``end`` was written to the terminal."""
    deadline = time.monotonic() + PATIENCE
    while end not in seat.raw:
        assert time.monotonic() < deadline, f"{end} does not come: {seat.raw[-2_000:]!r}"
        try:
            seat.raw += seat.child.read_nonblocking(65_536, timeout=PATIENCE)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"{end} does not come: {seat.raw[-2_000:]!r}") from None


def check(seat: Seat) -> None:
    seen = foreign(PROMPT.sub("", seat.raw))
    assert seen == [], [seat.raw[max(0, at - 80) : at + 80] for at in [seat.raw.find(seen[0])]]


async def test_history_that_makes_no_sense_ends_a_command_and_not_the_session(tmp_path: Path) -> None:
    evil = Evil()
    evil.page = encode(Page([Raw(encode(Message(1, "soon", "Eve", "hello")))], "e", 1, 1, more=False))
    async with Scripted(evil.answer) as scripted:
        with Seat(tmp_path, scripted.url, ROOM, "--bell", "off") as seat:
            await asyncio.to_thread(reads, seat, " connected")
            for command in ("history", "search hello"):
                seat.press(f"/{command}\r")
                await asyncio.to_thread(reads, seat, "the server sent an invalid frame")
                seat.raw = ""
            evil.cues.put_nowait([evil.message("still here")])
            await asyncio.to_thread(reads, seat, "still here")


async def test_a_hostile_server_gets_no_escape_of_its_own_to_the_terminal(tmp_path: Path) -> None:
    evil = Evil()
    async with Scripted(evil.answer) as scripted:
        with Seat(tmp_path, scripted.url, ROOM, "--bell", "off") as seat:
            await asyncio.to_thread(reads, seat, " connected")
            for number in range(ROUNDS):
                frames: list[Frame] = [Typing(evil.several()), Error(code=evil.several(), message=evil.several())]
                frames += [event for _ in range(CONVERSATIONS) for event in evil.happenings()]
                evil.cues.put_nowait([*frames, Typing(evil.several()), evil.message(f"end of {number};")])
                await asyncio.to_thread(reads, seat, f"end of {number};")
            for command, end in (("who", "away: "), ("history", "end of the history"), ("topic", "topic: ")):
                seat.press(f"/{command}\r")
                await asyncio.to_thread(reads, seat, end)
            evil.cues.put_nowait([RoomClosed(evil.seq + 1, AT)])
            assert await asyncio.to_thread(seat.ends) == 0
            check(seat)
