"""One person in one room: what comes in, what is typed, and how things stand. Knows no terminal.

Whatever shows a conversation waits for `Conversation.changed`, shows what
`Conversation.take` gives, and hands in what is typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from rich.text import Text

from chatty import protocol
from chatty.cli.exits import ExitStatus
from chatty.cli.join import view
from chatty.cli.join.actions import RoomActions
from chatty.cli.join.attention import Attention, Bell
from chatty.cli.join.backlog import Backlog
from chatty.cli.join.hidden import Hidden
from chatty.cli.join.people import People
from chatty.cli.join.slash_commands import Do, Wrong, parse
from chatty.cli.join.status import Connection, Status, fragments
from chatty.cli.terminal.cleaning import clean
from chatty.client.http import Http
from chatty.client.room import Room
from chatty.client.states import Connected, Connecting, Offline, Reconnecting, State
from chatty.errors import ChattyError, Disconnected, Refused
from chatty.events import Event, Happening, Message, ParticipantJoined, ParticipantLeft, TopicChanged
from chatty.protocol import MESSAGE_BYTES, Ack, Close, Frame, Gap, Live, Typing, Unknown, Welcome

__all__ = ["Conversation"]

GRACE: Final = 1.0
"""Seconds that leaving waits for the acks of what was just sent."""
TURN: Final = 200
"""Frames taken before others get a turn: a long replay must not freeze the keys."""


class _Ended(Exception):
    """The conversation is over, with this exit status."""

    def __init__(self, status: ExitStatus) -> None:
        self.status = status
        super().__init__(status)


class _Posted(Struct, frozen=True, eq=False):
    """Something said that is on its way: the command, and the line that was typed for it."""

    command: protocol.Say
    line: str


class Conversation:
    """The state of it all, the `Host` of the commands, and the `Desk` that a prompt types into.

    ``clock`` gives seconds, as the event loop's does; ``local`` turns an
    aware time into the reader's own. ``plain``: it is shown as lines alone.
    """

    def __init__(
        self,
        http: Http,
        room_id: str,
        *,
        clock: Callable[[], float],
        local: Callable[[datetime], datetime] = datetime.astimezone,
        bell: Bell = "mention",
        plain: bool = False,
    ) -> None:
        self.changed = asyncio.Event()
        """Set when there is something to show; whoever shows it clears it."""
        self.topic = ""
        """What the room is about."""
        self.plain = plain
        self._clock = clock
        self._local = local
        self._view = view.View(local)
        self._people = People()
        self._hidden = Hidden()
        self._attention = Attention(clock, local, bell)
        self._begun = False
        self._room: Room | None = None
        self._actions = RoomActions(self, http, room_id, people=self._people, hidden=self._hidden, look=self._look)
        self._backlog = Backlog()
        self._status = Status()
        self._counted = 0
        self._limit = MESSAGE_BYTES
        self._typed: asyncio.Queue[_Posted] = asyncio.Queue()
        self._on_their_way: list[_Posted] = []
        self._returned: list[str] = []
        self._clear = False
        self._answer = asyncio.Event()
        self._warned = 0
        self._tasks: asyncio.TaskGroup

    async def run(self, room: Room, *beside: Coroutine[Any, Any, None]) -> int:
        """Hear the room and send what is typed until it is over, and give the exit status.

        ``beside`` is what shows the conversation; it is cancelled, and has
        ended, when this returns. Raises what ended the connection, unless the
        room was closed, which is shown as any event is.
        """
        self._room = room
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for work in (self._listen(room), self._speak(room), *beside):
                    self._tasks.create_task(work)
        except ExceptionGroup as group:
            ended = [error for error in group.exceptions if isinstance(error, _Ended)]
            others = [error for error in group.exceptions if not isinstance(error, _Ended)]
            if others:
                raise others[0] from None
            return ended[0].status
        raise AssertionError("listening ends by raising")

    def end(self, status: ExitStatus) -> None:
        """End it all, whatever is on its way."""

        async def end() -> None:
            raise _Ended(status)

        self._start(end())

    # --- the room's side ---

    def state_changed(self, state: State) -> None:
        """The connection is now like this; for ``join(on_state=…)``."""
        match state:
            case Connecting():
                self._note(connection="connecting")
            case Connected():
                self._note(connection="connected")
            case Reconnecting(in_seconds=seconds, attempt=attempt):
                self._note(connection="reconnecting", attempt=attempt, retry_at=self._clock() + seconds)
            case Offline():
                self._note(connection="offline")

    async def _listen(self, room: Room) -> None:
        taken = 0
        try:
            async for received in room.frames():
                self._hear(received.frame)
                self.changed.set()
                taken += 1
                if taken % TURN == 0:
                    await asyncio.sleep(0)
        except Disconnected as error:
            if error.code != Close.ROOM_CLOSED:
                raise
        raise _Ended(ExitStatus.DONE)

    def _hear(self, frame: Frame | Unknown) -> None:
        match frame:
            case Event():
                self._happened(frame)
            case Welcome():
                self._backlog.replaying = True
                self._people.me = self._view.me = frame.you.participant or ""
                self._people.present(frame.participants)
                self.topic = frame.room.topic
                self._counted = frame.last
                self._limit = frame.limits.message_bytes
                self._note(room=frame.room.name, online=frame.participant_count)
            case Live():
                self._backlog.replaying = False
                self._begun = True
            case Typing(participant=name) if name != self._people.me and not self._hidden.ignores(name):
                self._attention.typed(name)
            case Gap():
                self.say(view.gap(frame))

    def _happened(self, event: Happening) -> None:
        self._count(event)
        hidden = self._hidden.hides(event)
        if not (hidden and isinstance(event, Message)):  # nobody answers what they don't see
            self._people.hear(event)
        self._view.me = self._people.me
        if isinstance(event, TopicChanged):
            self.topic = event.topic
        if hidden:
            return
        self._backlog.add(event)
        if self._begun and isinstance(event, Message):  # what was said before one came is no news
            self._attention.hear(event, self._people.me)

    def _count(self, event: Happening) -> None:
        """Keep the number of those here, which the welcome gave as of its last event."""
        if event.seq > self._counted and self._status.online is not None:
            step = isinstance(event, ParticipantJoined) - isinstance(event, ParticipantLeft)
            self._note(online=self._status.online + step)

    async def _speak(self, room: Room) -> None:
        while True:
            posted = await self._typed.get()
            try:
                ack = await room.say(posted.command)
            except ChattyError:  # the connection has ended for good, as listening will tell
                return
            ack.add_done_callback(partial(self._answered, posted))

    def _answered(self, posted: _Posted, ack: asyncio.Future[Ack]) -> None:
        error = None if ack.cancelled() else ack.exception()
        if ack.cancelled() or (error and not isinstance(error, Refused)):
            return  # nobody knows what became of it: it stays among the unsent
        self._on_their_way.remove(posted)
        self._note(waiting=len(self._on_their_way))
        self._answer.set()
        if isinstance(error, Refused):
            self.say(view.not_sent(_why(error), posted.line))
            self.give_back(posted.line)
            return
        seq = ack.result().seq
        if isinstance(posted.command, protocol.Send) and seq:  # its event may be a moment behind its ack
            self._people.hear(Message(seq, "", self._people.me, posted.command.text))
        elif isinstance(posted.command, protocol.React) and seq is None:
            self.say(view.notice("that was so already"))

    # --- the side of whoever shows it ---

    def take(self) -> list[Text]:
        """The lines that are to be shown now; each is given once."""
        batch = self._backlog.take()
        lines = [view.skipped(batch.skipped)] if batch.skipped else []
        return [*lines, *self._view.lines(batch.events), *batch.lines]

    def say(self, *lines: Text) -> None:
        """Show lines of chatty's own."""
        self._backlog.say(*lines)
        self.changed.set()

    def status(self) -> list[tuple[str, str]]:
        """The status line, as pairs of style and text."""
        now = replace(self._status, mentions=self._attention.mentions, typing=self._attention.typing())
        return fragments(now, self._clock())

    def title(self) -> str:
        """What the window is called, safe to show: where one is, and how much waits."""
        room = f"#{clean(self._status.room, newlines=False)}" if self._status.room else "chatty"
        return f"({self._attention.unread:,}) {room}" if self._attention.unread else room

    def news(self) -> str:
        """What is new since the last key, for somebody who comes back; empty if there is nothing to tell."""
        return self._attention.news()

    def rings(self) -> bool:
        """Whether the bell is due; true once."""
        return self._attention.rings()

    @property
    def connection(self) -> Connection:
        """How the connection is."""
        return self._status.connection

    @property
    def ticking(self) -> bool:
        """Whether what is drawn changes by itself, with the seconds."""
        attention = self._attention
        return self._status.connection == "reconnecting" or bool(attention.typing()) or attention.waiting

    def hint(self, text: str) -> None:
        """Show ``text`` in the status line; empty takes it away."""
        self._note(hint=text)

    def pending(self) -> list[str]:
        """The messages on their way, oldest first, safe to show."""
        return [clean(posted.line) for posted in self._on_their_way]

    def unsent(self) -> list[Text]:
        """The messages that were never acked, as lines to leave behind."""
        return [view.not_sent("no ack came", posted.line) for posted in self._on_their_way]

    def people(self) -> list[str]:
        """The others, who spoke last first."""
        return self._people.names()

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt."""
        self._returned.append(line)
        self.changed.set()

    def returned(self) -> list[str]:
        """The lines that were given back since this was last asked, to be put where they are typed."""
        returned, self._returned = self._returned, []
        return returned

    @property
    def saying(self) -> bool:
        """Whether a message is still on its way."""
        return any(isinstance(posted.command, protocol.Send) for posted in self._on_their_way)

    def restyle(self) -> None:
        """Show the time, or leave it out."""
        self._view.timestamps = not self._view.timestamps

    def clear(self) -> None:
        """Clear the window."""
        self._clear = True
        self.changed.set()

    def clearing(self) -> bool:
        """Whether the window is to be cleared before anything else is shown; true once."""
        clear, self._clear = self._clear, False
        return clear

    def _look(self) -> view.View:
        return view.View(self._local, me=self._view.me, timestamps=self._view.timestamps, numbered=True)

    # --- what is typed ---

    def pressed(self) -> None:
        """A key was pressed: what is shown has been seen."""
        if self._attention.pressed():
            self.changed.set()

    def typing(self) -> None:
        """Something is being written that will be a message."""
        if self._room is not None:
            self._room.typing()

    def enter(self, line: str) -> bool:
        """A line was entered. False: it was refused, and should stay where it was typed."""
        try:
            typed = parse(line)
            outcome = typed.run(self._actions) if isinstance(typed, Do) else typed
            if isinstance(outcome, protocol.Say):
                self._post(outcome, line)
            elif outcome is not None:
                self._start(self._do(outcome))
        except Wrong as wrong:
            self.say(view.failure(str(wrong)))
            return False
        return True

    def _post(self, command: protocol.Say, line: str) -> None:
        if isinstance(command, protocol.Send | protocol.Edit):
            # What was pasted may hold what a terminal would obey.
            command = replace(command, text=clean(command.text))
            size = len(command.text.encode())
            if size > self._limit:
                raise Wrong(f"too long: {size:,} bytes, and a message holds {self._limit:,}; send it in parts")
        posted = _Posted(command, line)
        self._on_their_way.append(posted)
        self._typed.put_nowait(posted)
        self._note(waiting=len(self._on_their_way))

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ChattyError as error:
            self.say(view.failure(str(error)))

    def leave(self) -> None:
        """The person wants to leave."""
        self._start(self.quit())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    async def quit(self, *, insist: bool = False) -> None:
        """Leave. When messages are still on their way, only if asked twice, or ``insist``."""
        if self._on_their_way and self._status.connection == "connected":
            await asyncio.wait([self._tasks.create_task(self._settled())], timeout=GRACE)
        waiting = len(self._on_their_way)
        if waiting > self._warned and not insist:
            self._warned = waiting
            what = "1 message waits" if waiting == 1 else f"{waiting:,} messages wait"
            self.say(view.failure(f"{what} to be sent; leave once more to leave without"))
            return
        self.end(ExitStatus.DONE)

    async def _settled(self) -> None:
        while self._on_their_way:
            self._answer.clear()
            await self._answer.wait()

    def _note(self, **what: Any) -> None:
        self._status = replace(self._status, **what)
        self.changed.set()


def _why(error: Refused) -> str:
    if error.retry_after:
        return f"{error.message} ({error.retry_after:.0f} s)"
    return str(error)
