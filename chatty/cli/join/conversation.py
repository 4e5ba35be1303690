"""One person in one room. It knows no terminal.

A face shows the conversation that is in front: it waits for `Conversation.changed`, shows the lines that
`Conversation.take` gives, and hands in the lines that are typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from typing import Any, Final, Protocol

from msgspec.structs import replace
from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Bell
from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.message_target import Choice, Line
from chatty.cli.join.room.outgoing import Outgoing, Posted, Returned
from chatty.cli.join.room.returning import Returning
from chatty.cli.join.room.status import Connection, Status
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Outcome
from chatty.cli.join.slash_commands.help import help_lines
from chatty.cli.join.slash_commands.room_actions import RoomActions
from chatty.cli.join.slash_commands.table import Do, parse
from chatty.cli.terminal.cleaning import clean
from chatty.client.http import Http
from chatty.client.room import Room
from chatty.client.states import State
from chatty.errors import ChattyError, Disconnected
from chatty.events import Message, StreamPosition
from chatty.protocol import Ack, Close

__all__ = ["Conversation", "Switcher"]

TURN: Final = 200
"""Frames taken before others get a turn: a long replay must not freeze the keys."""


class Switcher(Protocol):
    """All rooms that are open, for the commands that concern them."""

    def go(self, argument: str) -> Outcome:
        """Bring another room to the front."""

    def enter_room(self, argument: str) -> Outcome:
        """Open another room."""

    def part(self) -> Outcome:
        """Leave the room in front."""

    def rooms(self) -> Outcome:
        """Show all rooms that are known."""

    def invite(self) -> Outcome:
        """Show how others get into the room in front."""

    def leave(self) -> Outcome:
        """Leave all of them."""


class _Over(Exception):
    """The room has ended."""


class Conversation:
    """The state of it all, the `Host` of the commands, and the `Desk` that a prompt types into.

    ``clock`` gives seconds, as the event loop's does, and ``now`` those since
    1970; ``local`` turns an aware time into the reader's own. ``plain``: it is shown as lines alone.
    """

    def __init__(
        self,
        http: Http,
        room_id: str,
        name: str,
        *,
        switcher: Switcher,
        clock: Callable[[], float],
        now: Callable[[], float],
        changed: asyncio.Event | None = None,
        local: Callable[[datetime], datetime] = datetime.astimezone,
        bell: Bell = "mention",
        plain: bool = False,
    ) -> None:
        self.changed = changed or asyncio.Event()
        """Set when there is something to show; the face clears it."""
        self.plain = plain
        self.draft = ""
        """The line that is being typed."""
        self._switcher = switcher
        self._clock = clock
        self._incoming = Incoming(clock=clock, local=local, now=now, bell=bell, changed=self.changed.set)
        self._incoming.note(room=name)
        self._outgoing = Outgoing(show=self.show, changed=self.changed.set)
        self._pointer = self._incoming.pointer
        self._attention = self._incoming.attention
        self._actions = RoomActions(self, http, room_id, self._incoming)
        self._room: Room | None = None
        self._target: Choice | str = ""
        self._unconfirmed = ""
        self._clear = False
        self._head_is_due = True
        self._tasks: asyncio.TaskGroup

    async def run(self, room: Room) -> None:
        """Listen to the room and send the lines that are typed, until it is closed.

        Raises the error that ended the connection, unless the room was closed, which is shown as any event is.
        """
        self._room = room
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._listen(room))
                self._tasks.create_task(self._outgoing.send_to(room, accepted=self._accepted))
        except ExceptionGroup as group:
            others = [error for error in group.exceptions if not isinstance(error, _Over)]
            if others:
                raise others[0] from None

    # --- the room's side ---

    def state_changed(self, state: State) -> None:
        """The connection is now like this; for ``join(on_state=…)``."""
        self._incoming.state_changed(state)

    async def _listen(self, room: Room) -> None:
        taken = 0
        try:
            async for received in room.frames():
                self._incoming.hear(received.frame)
                taken += 1
                if taken % TURN == 0:
                    await asyncio.sleep(0)
        except Disconnected as error:
            if error.code != Close.ROOM_CLOSED:
                raise
        raise _Over

    def _accepted(self, posted: Posted, ack: Ack) -> None:
        if isinstance(posted.command, protocol.Send) and ack.seq:  # its event may be a moment behind its ack
            people = self._incoming.people
            people.hear(Message(ack.seq, "", people.me, posted.command.text))
        elif isinstance(posted.command, protocol.React) and not ack.seq and not ack.duplicate:
            self.show(view.notice("that was so already"))

    # --- for the face ---

    def take(self, *, last: bool = False) -> list[Text]:
        """The lines that are to be shown now; each is given once. With ``last``, also those that would wait."""
        lines = self._incoming.take(last=last)
        if self._head_is_due and self._incoming.is_ready:
            self._head_is_due = False
            lines = [self._head(), *lines]
        return lines

    def _head(self) -> Text:
        here = self._incoming.people.here()
        return view.head(self.name, self._incoming.topic, here, self._incoming.status.online or len(here))

    # --- in front, or not ---

    def look(self) -> None:
        """The room comes to the front: it is shown from where one stopped."""
        self._head_is_due = True
        self._incoming.look()

    def come_back(self, seen: StreamPosition, at: datetime) -> None:
        """Somebody was here before, and had seen the room up to there, at that time. Call it before `run`."""
        self._incoming.come_back(Returning(seen, at))

    def turn_away(self) -> None:
        """Another room comes to the front."""
        self._incoming.turn_away()

    @property
    def on_mention(self) -> Callable[[Message], None]:
        """Called with a message that mentions the person, while the room is not in front."""
        return self._incoming.on_mention

    @on_mention.setter
    def on_mention(self, call: Callable[[Message], None]) -> None:
        self._incoming.on_mention = call

    @property
    def unread(self) -> int:
        """Messages of others since one looked last."""
        return self._incoming.unread

    @property
    def mentions(self) -> int:
        """Those of them that mention the person."""
        return self._incoming.mentions

    @property
    def seen(self) -> StreamPosition | None:
        """The newest event that was on the screen while somebody was there; None if none was."""
        return self._incoming.seen_position

    def rows(self, columns: int) -> list[Text]:
        """The rows that change above the prompt, each at most so many ``columns`` wide."""
        return self._incoming.rows(columns)

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""
        self._incoming.show(*lines)

    def status(self) -> Status:
        """How the room is at present."""
        return replace(
            self._incoming.status,
            waiting=self._outgoing.waiting,
            mentions=self._attention.mentions,
            typing=self._attention.typing(),
        )

    @property
    def name(self) -> str:
        """The room's name, as others wrote it."""
        return self._incoming.status.room

    @property
    def title(self) -> str:
        """What the room is called, safe to show."""
        return f"#{clean(self.name, newlines=False)}"

    @property
    def attracting(self) -> int:
        """How many messages wait for the person, of those that the bell is for."""
        return self._attention.unread

    def rings(self) -> bool:
        """Whether the bell is due; true once."""
        return self._attention.rings()

    @property
    def connection(self) -> Connection:
        """How the connection is."""
        return self._incoming.status.connection

    @property
    def ticking(self) -> bool:
        """Whether something changes by itself, with the seconds: the status line, or what is to be shown."""
        slowed = self._outgoing.waiting and self._incoming.status.slow_until > self._clock()
        return self.connection == "reconnecting" or bool(slowed or self._attention.typing()) or self._incoming.ticking

    def hint(self, text: str) -> None:
        """Show ``text`` in the status line; empty takes it away."""
        self._incoming.note(hint=text)

    def pending(self) -> list[str]:
        """The messages on their way, oldest first, safe to show."""
        return self._outgoing.pending()

    def unsent(self) -> list[Text]:
        """The messages that were never acked, as lines to leave behind."""
        unconfirmed = view.not_sent("it was not confirmed", self._unconfirmed) if self._unconfirmed else ()
        return [*self._outgoing.unsent(), *unconfirmed]

    def people(self) -> list[str]:
        """The others, the latest to speak first."""
        return self._incoming.people.names()

    def can(self) -> Collection[str]:
        """The rights that one has here."""
        return self._incoming.can

    def help(self) -> None:
        """Show the commands and the keys."""
        self.show(*(Text(f"   {line}") for line in help_lines(self._incoming.can)))

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt, about the same message as the line that is being typed."""
        self._outgoing.give_back(line, self._pointer.line)

    def returned(self) -> list[Returned]:
        """The lines that were given back since this was last asked, to be put where they are typed."""
        return self._outgoing.returned()

    def fit(self, columns: int) -> None:
        """What is shown from now on is for a window of so many ``columns``; 0: it is not known how many."""
        self._incoming.fit(columns)

    def interrupted(self) -> None:
        """Something else was shown below the room's lines."""
        self._incoming.interrupted()

    def clear(self) -> None:
        """Clear the window."""
        self._clear = True
        self.changed.set()

    def clearing(self) -> bool:
        """Whether the window is to be cleared before anything else is shown; true once."""
        clear, self._clear = self._clear, False
        return clear

    # --- lines that are typed ---

    def pressed(self) -> None:
        """A key was pressed: everything on the screen has been seen."""
        if self._incoming.pressed():
            self.changed.set()

    def begin(self) -> None:
        """A line is begun, out of sight, that may be about a message on the screen."""
        self._pointer.begin()

    def drafted(self, draft: str, line: Line | None = None) -> None:
        """``draft`` stands in the prompt now. If it came back, it is about the same message as ``line``."""
        self.draft = draft
        if line is not None:
            self._pointer.line = line
        if not draft.lstrip().startswith("/"):
            self._pointer.line = None
            if draft and self._room is not None:
                self._room.typing()
        self._target = self._points_at(draft) or ""

    def target(self) -> str:
        """The message that the draft is about, safe to show; empty if it isn't about one."""
        return self._target if isinstance(self._target, str) else f"↪ {self._pointer.describe(self._target)}"

    def _points_at(self, line: str) -> Choice | str | None:
        """The message that ``line`` is about, or words that say why there is none."""
        if not line.lstrip().startswith("/"):
            return None
        self._pointer.begin()
        try:
            typed = parse(line)
        except Wrong:  # it may become a command yet
            return None
        try:
            return typed.points_at(self._pointer) if isinstance(typed, Do) else None
        except Wrong as wrong:
            return str(wrong)

    def enter(self, line: str) -> bool:
        """A line was entered. False: it was refused, and should stay where it was typed."""
        try:
            typed = parse(line)
            outcome = typed.run(self._actions) if isinstance(typed, Do) else typed
            if isinstance(outcome, protocol.Say):
                posted = self._outgoing.post(outcome, line, self._pointer.line, most=self._incoming.message_bytes)
                if isinstance(outcome, protocol.Send):
                    self._pointer.sent(posted)
            elif outcome is not None:
                self._tasks.create_task(self._do(outcome))
        except Wrong as wrong:
            self.show(view.failure(str(wrong)))
            return False
        self.drafted("")
        return True

    def enter_plain(self, line: str) -> None:
        """A line was entered where nothing was shown while it was typed.

        A command about the newest message of others is not done at once. Its
        message is shown, and an empty line confirms it.
        """
        unconfirmed, self._unconfirmed = self._unconfirmed, ""
        if not line.strip():
            if unconfirmed and not self.enter(unconfirmed):
                self._unconfirmed = unconfirmed
            return
        if unconfirmed:
            self.show(*view.not_sent("it was not confirmed", unconfirmed))
        self._pointer.line = None
        choice = self._points_at(line)
        if isinstance(choice, Choice) and choice.guessed:
            self._unconfirmed = line
            self.show(view.notice(f"↪ {self._pointer.describe(choice)} · press Enter to do it"))
            return
        self.enter(line)

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ChattyError as error:
            self.show(view.failure(str(error)))

    # --- all rooms ---

    @property
    def waiting(self) -> int:
        """How many messages have not been acked."""
        return self._outgoing.waiting

    async def settled(self) -> None:
        """Wait until no message is on its way."""
        await self._outgoing.settled()

    def go(self, argument: str) -> Outcome:
        """Bring another room to the front."""
        return self._switcher.go(argument)

    def enter_room(self, argument: str) -> Outcome:
        """Open another room."""
        return self._switcher.enter_room(argument)

    def part(self) -> Outcome:
        """Leave this room."""
        return self._switcher.part()

    def rooms(self) -> Outcome:
        """Show all rooms that are known."""
        return self._switcher.rooms()

    def invite(self) -> Outcome:
        """Show how others get in."""
        return self._switcher.invite()

    def quit(self) -> Outcome:
        """Leave all rooms."""
        return self._switcher.leave()
