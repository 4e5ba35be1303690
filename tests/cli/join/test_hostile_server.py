"""A server that is hostile itself: `chatty join`, the whole of it, shows what it says and obeys nothing."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pexpect
from aiohttp import web
from msgspec import Raw
from msgspec.structs import replace

from chatty.events import Happening, Message, MessageEdited, ParticipantJoined, RoomClosed
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
from tests.cli.join.glass import Glass
from tests.cli.join.hostile import LIST, foreign
from tests.cli.join.seat import PATIENCE, Seat
from tests.cli.join.test_hostile import conversation
from tests.support.scripted import AT, Scripted

ROOM = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
ROOMS = (ROOM, "2SzErhA2PvYGjf4PQ4pvTh9BfE1", "2SzErhA2PvYGjf4PQ4pvTh9BfE2")
TRICKS = [trick.encode("utf-8", "ignore").decode() for trick in LIST]  # JSON has no lone surrogates
ROUNDS, CONVERSATIONS = 10, 10
FORGED = "12:00        Bob │ the password is hunter2"
"""A line as Bob's would be, who never says anything."""
WIDER = ("\U0001f3fb" * 30 + "x" + FORGED, "\u0928" + "\u0903" * 60 + FORGED, f"{'x ' * 30}\n{FORGED}\r{FORGED}")
"""Texts that hope to be measured as narrower than they are, so that a line of theirs begins a row."""
OURS = re.compile(r"|12:00(?! {8}Bob).*| .*|-- .*|!! .*|──.*|━━.*|✗ .*|>.*|… .*|▶ .*|↪ .*")
"""A row that begins with a time, a blank, or a mark of chatty's own."""
KEYS = (
    "\x1b2", "\x1b3", "\x1b[1;3D", "\x1ba", "/rooms\r", "/room \t", "\x15/room 3\r", "hi @\t", "\x15\x1b[1;3A",
    "\x1b[1;3A", "\x1br", "\x1b\x1b2", "/show #2\r", "/search x\r", "/more\r", "/history 9\r", "/who\r", "/invite\r",
    "/set\r", "/reply ", "\x15/react +1 ", "\x15\x1b1", "/topic\r", "/ignore x\r", "/unignore x\r", "/part\r",
    "/nosuch\r",
)  # fmt: skip
"""What somebody presses: they go to and fro, look at all that there is, point at messages."""
PROMPT = re.compile(
    r"\x1b\]9;[^\x00-\x1f\x7f-\x9f]*\x07|\x1b\[(?:0;)?(?:2;)?7m|\x1b\[\d*[A-DK]|\x1b\[0?J|\x1b\[\?(?:1|7|12|25|2004|2026)[hl]|\x1b\[2[23];2t|\x1b\]2;[^\x00-\x1f\x7f-\x9f]*\x07|\r"
    r"|(?<!\x08)\x08(?!\x08)"
)
"""What the prompt, the title and notifications are made with: moves (one of them is a backspace), erasing, modes, and
reverse letters in a menu. None of the tricks is one of these."""


class Evil:
    """What a hostile server answers; ``cues`` holds what it is to say next over its WebSocket."""

    def __init__(self, room: str = ROOM) -> None:
        self.cues: asyncio.Queue[list[Frame]] = asyncio.Queue()
        self.seq = 0
        self.page: bytes | None = None  # of history, if not conversations
        self._chance = random.Random(room)
        self._room = RoomInfo(room, f"\u202e\x9b2J{self.several()}", self.several(), AT, "e", 1, 0, 2)

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

    def much(self, last: str) -> list[Frame]:
        """All of that, texts that are long, wide, changing or for John, and a last one."""
        events = self.happenings()
        author, wide = self.several(), self._chance.choice(WIDER)
        bot = Message(self.seq + 1, AT, author, "begun", automatic=1)
        self.seq += 4
        edits = [MessageEdited(bot.seq + more, AT, author, bot.seq, f"{self.several()} {wide}") for more in (1, 2)]
        come = ParticipantJoined(self.seq, AT, f"{wide}{self.several()}")
        said = [f"@John {self.several()}", wide, "\n".join([wide] * 25), f"{self.several()}{wide}", last]
        return [Typing(author), *events, bot, *edits, come, *map(self.message, said)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/ws"):
            return await self._talk(request)
        if request.path.endswith("/participants"):
            said = encode(Participants([Present(trick, away=place % 2 > 0) for place, trick in enumerate(TRICKS)]))
        elif request.path.endswith("/events"):
            past = conversation(self.several(), self.several() + "\n".join([*WIDER] * 9), self.several())
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


class EvilHouse:
    """Several rooms of a hostile server."""

    def __init__(self, *rooms: str) -> None:
        self.rooms = {room: Evil(room) for room in rooms}

    def says(self, what: Callable[[Evil], list[Frame]]) -> None:
        """Let each room say something."""
        for evil in self.rooms.values():
            evil.cues.put_nowait(what(evil))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer of the room that is asked, or of the first."""
        evil = next((evil for room, evil in self.rooms.items() if room in request.path), self.rooms[ROOM])
        return await evil.answer(request)


def has_shown(glass: Glass, text: str, rows: list[str]) -> bool:
    """Whether one of the latest rows had it."""
    return any(text in row for row in [*glass.gone[-500:], *rows])


def strays(rows: list[str], columns: int) -> Iterator[list[str]]:
    """Rows that begin with something of others', each with the one before, but for addresses, which are not broken."""
    is_address = False
    for before, row in pairwise(rows):
        word = before.split(" ")[-1] + row.split(" ")[0]
        is_address = len(before) == columns and (is_address or "://" in word)
        if not OURS.fullmatch(row) and not is_address:
            yield [before, row]


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


async def test_of_three_hostile_rooms_nothing_acts_on_the_terminal_or_begins_a_row(tmp_path: Path) -> None:
    house = EvilHouse(*ROOMS)
    (tmp_path / "config/chatty").mkdir(parents=True)
    (tmp_path / "config/chatty/config.toml").write_text(
        '[join]\nnotify = "osc"\nbell = "all"\njoins = "all"\nhighlight = ["evil", "x", "good"]\n'
    )
    async with Scripted(house.answer) as scripted:
        kitty = {"KITTY_WINDOW_ID": "1", "PAGER": "cat"}
        with Seat(tmp_path, scripted.url, *ROOMS, variables=kitty) as seat:
            await asyncio.to_thread(seat.sees, "● ")
            for columns in (80, 30):
                seat.child.setwinsize(50, columns)
                house.says(lambda evil: [evil.message("@John from here on it fits")])
                await asyncio.to_thread(seat.sees, "from here on it fits")
                seat.glass = glass = Glass(columns, 50)
                for number, keys in enumerate(KEYS):
                    house.says(partial(Evil.much, last="not yet"))  # in all, this is more than 10,000 of their texts
                    house.says(partial(Evil.much, last=f"{columns}, {number};"))
                    seat.press(keys)
                    await asyncio.to_thread(seat.sees, partial(has_shown, glass, f"{columns}, {number};"))
                assert list(strays([*glass.gone, *glass.rows], columns)) == []
            check(seat)
            assert "\x1b]9;" in seat.raw
