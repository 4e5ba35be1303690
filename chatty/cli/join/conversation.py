"""One person in one room. It knows no terminal.

A face shows a conversation: it waits for `Conversation.changed`, shows the lines
that `Conversation.take` gives, and hands in the lines that are typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from rich.text import Text

from chatty import protocol
from chatty.cli.exits import ExitStatus
from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Bell
from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.message_target import Choice, Line
from chatty.cli.join.room.outgoing import Outgoing, Posted, Returned
from chatty.cli.join.room.status import Connection, fragments
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.help import help_lines
from chatty.cli.join.slash_commands.room_actions import RoomActions
from chatty.cli.join.slash_commands.table import Do, parse
from chatty.cli.terminal.cleaning import clean
from chatty.client.http import Http
from chatty.client.room import Room
from chatty.client.states import State
from chatty.errors import ChattyError, Disconnected
from chatty.events import Message
from chatty.protocol import Ack, Close

__all__ = ["Conversation"]

GRACE: Final = 1.0
"""Seconds that leaving waits for acks of the latest messages."""
TURN: Final = 200
"""Frames taken before others get a turn: a long replay must not freeze the keys."""


class _Ended(Exception):
    """The conversation is over, with this exit status."""

    def __init__(self, status: ExitStatus) -> None:
        self.status = status
        super().__init__(status)


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
        """Set when there is something to show; the face clears it."""
        self.plain = plain
        self._clock = clock
        self._incoming = Incoming(clock=clock, local=local, bell=bell, changed=self.changed.set)
        self._outgoing = Outgoing(show=self.show, changed=self.changed.set)
        self._pointer = self._incoming.pointer
        self._attention = self._incoming.attention
        self._actions = RoomActions(self, http, room_id, self._incoming)
        self._room: Room | None = None
        self._target: Choice | str = ""
        self._unconfirmed = ""
        self._clear = False
        self._warned = 0
        self._tasks: asyncio.TaskGroup

    async def run(self, room: Room, *beside: Coroutine[Any, Any, None]) -> int:
        """Listen to the room and send the lines that are typed, until it is over. Gives the exit status.

        ``beside`` is the work of the face; it is cancelled, and has ended, when
        this returns. Raises the error that ended the connection, unless the
        room was closed, which is shown as any event is.
        """
        self._room = room
        sending = self._outgoing.send_to(room, accepted=self._accepted)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for work in (self._listen(room), sending, *beside):
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

        self._tasks.create_task(end())

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
        raise _Ended(ExitStatus.DONE)

    def _accepted(self, posted: Posted, ack: Ack) -> None:
        if isinstance(posted.command, protocol.Send) and ack.seq:  # its event may be a moment behind its ack
            people = self._incoming.people
            people.hear(Message(ack.seq, "", people.me, posted.command.text))
        elif isinstance(posted.command, protocol.React) and not ack.seq and not ack.duplicate:
            self.show(view.notice("that was so already"))

    # --- for the face ---

    def take(self) -> list[Text]:
        """The lines that are to be shown now; each is given once."""
        return self._incoming.take()

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""
        self._incoming.show(*lines)

    def status(self) -> list[tuple[str, str]]:
        """The status line, as pairs of style and text."""
        now = replace(
            self._incoming.status,
            waiting=self._outgoing.waiting,
            mentions=self._attention.mentions,
            typing=self._attention.typing(),
        )
        return fragments(now, self._clock())

    def title(self) -> str:
        """The title of the window, safe to show: the room, and how much waits."""
        name = self._incoming.status.room
        room = f"#{clean(name, newlines=False)}" if name else "chatty"
        return f"({self._attention.unread:,}) {room}" if self._attention.unread else room

    def news(self) -> str:
        """A line about messages that are new since the last key; empty if there is nothing new."""
        return self._attention.news()

    def rings(self) -> bool:
        """Whether the bell is due; true once."""
        return self._attention.rings()

    @property
    def connection(self) -> Connection:
        """How the connection is."""
        return self._incoming.status.connection

    @property
    def ticking(self) -> bool:
        """Whether the status line changes by itself, with the seconds."""
        attention = self._attention
        slowed = self._outgoing.waiting and self._incoming.status.slow_until > self._clock()
        return self.connection == "reconnecting" or bool(slowed) or bool(attention.typing()) or attention.waiting

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
        if self._attention.pressed():
            self.changed.set()

    def begin(self) -> None:
        """A line is begun, out of sight, that may be about a message on the screen."""
        self._pointer.begin()

    def drafted(self, draft: str, line: Line | None = None) -> None:
        """``draft`` stands in the prompt now. If it came back, it is about the same message as ``line``."""
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

    def leave(self) -> None:
        """The person wants to leave."""
        self._tasks.create_task(self.quit())

    async def quit(self, *, insist: bool = False) -> None:
        """Leave. When messages are still on their way, only if asked twice, or with ``insist``."""
        if self._outgoing.waiting and self.connection == "connected":
            await asyncio.wait([self._tasks.create_task(self._outgoing.settled())], timeout=GRACE)
        waiting = self._outgoing.waiting
        if waiting > self._warned and not insist:
            self._warned = waiting
            what = "1 message waits" if waiting == 1 else f"{waiting:,} messages wait"
            self.show(view.failure(f"{what} to be sent; leave once more to leave without"))
            return
        self.end(ExitStatus.DONE)
