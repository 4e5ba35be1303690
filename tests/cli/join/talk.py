"""A conversation whose connection is in a test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import cast

from chatty.cli.join.conversation import Conversation
from chatty.cli.join.room.attention import Bell
from chatty.cli.join.rooms.tabs import Tab, fragments
from chatty.cli.join.settings.preferences import Preferences, Sources
from chatty.client.http import Http
from chatty.client.inbox import Received
from chatty.client.room import Room
from chatty.client.states import Connected
from chatty.errors import ChattyError
from chatty.events import Message, StreamPosition, milliseconds
from chatty.protocol import Ack, Frame, Limits, Live, RoomInfo, Say, Send, Welcome, You

NOON = "2026-11-23T12:00:00.000Z"


class Link:
    """A room whose frames, acks and end a test decides on."""

    def __init__(self) -> None:
        self.said: list[Say] = []
        self.resumed: list[tuple[Say, asyncio.Future[Ack]]] = []
        self.typed = 0
        self.unhurried = False
        self.fails: OSError | None = None
        """What the journal raises."""
        self.posted: list[str] = []
        self.acks: list[asyncio.Future[Ack]] = []
        self._frames: asyncio.Queue[Frame | ChattyError | None] = asyncio.Queue()
        self.arrived = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while all frames that were given have been taken in."""

    def gives(self, *frames: Frame | ChattyError | None) -> None:
        """Let these frames come, then an error if one is given; None ends it."""
        self.idle.clear()
        for frame in frames:
            self._frames.put_nowait(frame)

    async def frames(self) -> AsyncIterator[Received]:
        while True:
            if self._frames.empty():
                self.idle.set()
            frame = await self._frames.get()
            if frame is None:
                return
            if isinstance(frame, ChattyError):
                raise frame
            yield Received(frame, "", StreamPosition("e", 0))

    def typing(self) -> None:
        self.typed += 1

    async def say(self, command: Say) -> asyncio.Future[Ack]:
        if self.fails:
            raise self.fails
        self.said.append(command)
        self.posted.append(command.text if isinstance(command, Send) else "")
        self.acks.append(asyncio.get_running_loop().create_future())
        self.arrived.set()
        return self.acks[-1]


def by(name: str, seq: int, text: str = "hello") -> Message:
    return Message(seq, NOON, name, text)


def welcome(last: int = 0, count: int = 1) -> Welcome:
    room = RoomInfo("id", "general", "", NOON, "e", 1, last, count)
    return Welcome(room, You("John"), ["John"], count, "e", 1, last, Limits())


_marks = count()


class NoOther:
    """There are no other rooms, and one never leaves this one."""

    pager: Callable[[str], Awaitable[bool]] | None = None

    def go(self, argument: str) -> None: ...

    def enter_room(self, argument: str) -> None: ...

    def part(self) -> None: ...

    def rooms(self) -> None: ...

    def invite(self) -> None: ...

    def leave(self) -> None: ...

    async def page(self, text: str) -> bool:
        """There is a pager where a test sets one."""
        return self.pager is not None and await self.pager(text)


class Talk:
    """A conversation, with its connection in the test's hands."""

    def __init__(
        self,
        bell: Bell,
        *,
        plain: bool,
        preferences: Preferences | None = None,
        http: object = None,
        room: str = "id",
    ) -> None:
        self.link = Link()
        self.time = 100.0
        self.switcher = NoOther()
        self.conversation = Conversation(
            cast(Http, http), room, "general", switcher=self.switcher, clock=lambda: self.time,
            now=lambda: milliseconds(NOON) / 1000, local=lambda time: time, plain=plain,
            preferences=preferences or Preferences(Sources(options={"bell": bell})),
        )  # fmt: skip
        self.conversation.look()
        self.shown: list[str] = []
        self.running = asyncio.create_task(self.conversation.run(cast(Room, self.link)))

    async def shows(self, part: str) -> None:
        await self.shows_after(0, part)

    async def shows_after(self, count: int, part: str) -> None:
        """Waits for a line that has ``part``, behind so many."""
        await self.until(lambda: any(part in line for line in self.lines()[count:]))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.conversation.changed.clear()
                await self.conversation.changed.wait()

    def lines(self) -> list[str]:
        self.shown += [line.plain for line in self.conversation.take() if not line.plain.startswith("━━ ")]
        return self.shown

    def status(self) -> str:
        return "".join(text for _, text in fragments([Tab(self.conversation.status(), front=True)], self.time, 200))

    def title(self) -> str:
        waiting = self.conversation.attracting
        return f"({waiting:,}) {self.conversation.title}" if waiting else self.conversation.title

    def types(self, line: str) -> str:
        """Types ``line`` key by key, and gives what it is said to be about."""
        for end in range(1, len(line) + 1):
            self.conversation.drafted(line[:end])
        return self.conversation.target()

    async def posts(self, *texts: str) -> None:
        for text in texts:
            assert self.conversation.enter(text)
        async with asyncio.timeout(20):
            while self.link.posted[-len(texts) :] != list(texts):
                self.link.arrived.clear()
                await self.link.arrived.wait()

    async def says(self, line: str) -> Say:
        """Enters a line, and gives what comes of it."""
        said = len(self.link.said)
        assert self.conversation.enter(line), self.lines()
        return await self.posted(said)

    async def posted(self, said: int) -> Say:
        """The command that comes after so many."""
        async with asyncio.timeout(20):
            while len(self.link.said) == said:
                self.link.arrived.clear()
                await self.link.arrived.wait()
        return self.link.said[-1]

    async def gets(self, *frames: Frame) -> None:
        """Lets frames come, and waits until they were taken in. They are not shown yet."""
        self.link.gives(*frames)
        async with asyncio.timeout(20):
            await self.link.idle.wait()

    async def sees(self, *frames: Frame) -> None:
        """Lets frames come, and shows them."""
        await self.gets(*frames)
        self.lines()

    def refuses(self, line: str) -> str:
        """Types and enters a line that is refused, and clears it. Gives what is said about it."""
        self.types(line)
        assert not self.conversation.enter(line)
        self.conversation.drafted("")
        return self.lines()[-1]

    def returned(self) -> list[str]:
        """The lines that came back, which are in the prompt now."""
        returned = self.conversation.returned()
        for text, line in returned:
            self.conversation.drafted(text)
            self.conversation.drafted(text, line)
        return [text for text, _ in returned]

    async def hears(self, *frames: Frame) -> None:
        """Lets frames come, and waits until they were heard."""
        self.link.gives(*frames, Message(99, NOON, "bot", marker := f"heard {next(_marks)}"))
        await self.shows(marker)


@asynccontextmanager
async def talking(
    bell: Bell = "mention",
    *,
    live: bool = True,
    plain: bool = False,
    preferences: Preferences | None = None,
    http: object = None,
    room: str = "id",
) -> AsyncIterator[Talk]:
    talk = Talk(bell, plain=plain, preferences=preferences, http=http, room=room)
    talk.conversation.state_changed(Connected())
    talk.link.gives(welcome(), *([Live(0)] if live else []))
    await asyncio.sleep(0)
    yield talk
    talk.running.cancel()
    await asyncio.wait([talk.running])
