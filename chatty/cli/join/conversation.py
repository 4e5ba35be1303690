"""One person in one room. It knows no terminal.

A face shows the conversation that is in front: it waits for `Conversation.changed`, shows the lines that
`Conversation.take` gives, and hands in the lines that are typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Ring
from chatty.cli.join.room.background import start
from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.message_target import Choice, Line
from chatty.cli.join.room.outgoing import Outgoing, Posted, Returned
from chatty.cli.join.room.returning import Returning
from chatty.cli.join.room.selection import Selection
from chatty.cli.join.room.status import Connection, Status
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.settings.applying import apply
from chatty.cli.join.settings.preferences import Preferences
from chatty.cli.join.slash_commands.actions import Switcher
from chatty.cli.join.slash_commands.help import help_lines
from chatty.cli.join.slash_commands.room_actions import RoomActions
from chatty.cli.join.slash_commands.table import Do, parse
from chatty.cli.terminal.cleaning import room_title
from chatty.client.http import Http
from chatty.client.room import Room
from chatty.client.states import State
from chatty.errors import ChattyError, Disconnected
from chatty.events import Message, StreamPosition
from chatty.protocol import Ack, Close

__all__ = ["Conversation"]

TURN: Final = 200
"""Frames taken before others get a turn: a long replay must not freeze the keys."""


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
        preferences: Preferences | None = None,
        plain: bool = False,
    ) -> None:
        self.changed = changed or asyncio.Event()
        """Set when there is something to show; the face clears it."""
        self.plain = plain
        self.draft = ""
        self.on_draft: Callable[[], None] = lambda: None
        """The line that is being typed, and what is called when it has changed."""
        self.switcher = switcher
        """For the commands that concern other rooms."""
        self.now = now
        self._clock = clock
        self.preferences = preferences or Preferences()
        """The settings that are in force here."""
        self.incoming = Incoming(clock=clock, local=local, now=now, changed=self.changed.set)
        """The room as the person sees it."""
        self.incoming.note(room=name)
        self.outgoing = Outgoing(show=self.show, changed=self.changed.set)
        self._pointer = self.incoming.pointer
        self._attention = self.incoming.attention
        self.selection = Selection(self.incoming, local)
        """The message that the person points at."""
        self._actions = RoomActions(self, http, room_id, self.incoming)
        self._room: Room | None = None
        self._target: Choice | str = ""
        self._unconfirmed = ""
        self._clear = self._brief = False
        self._head_is_due = True
        self._columns = 0
        self._tasks: asyncio.TaskGroup
        self.preferences.subscribe(self._apply)
        self._apply()

    def _apply(self) -> None:
        apply(self.preferences.settings, self.incoming)
        self.changed.set()

    async def run(self, room: Room) -> None:
        """Listen to the room and send the lines that are typed, until it is closed.

        Raises the error that ended the connection, unless the room was closed, which is shown as any event is.
        """
        self._room = room
        room.unhurried = not self.incoming.front
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._listen(room))
                self._tasks.create_task(self.outgoing.send_to(room, accepted=self._accepted))
        except ExceptionGroup as group:
            others = [error for error in group.exceptions if not isinstance(error, _Over)]
            if others:
                raise others[0] from None

    def state_changed(self, state: State) -> None:
        """The connection is now like this; for ``join(on_state=…)``."""
        self.incoming.state_changed(state)

    async def _listen(self, room: Room) -> None:
        taken = 0
        try:
            async for received in room.frames():
                self.incoming.hear(received.frame)
                taken += 1
                if taken % TURN == 0:
                    await asyncio.sleep(0)
        except Disconnected as error:
            if error.code != Close.ROOM_CLOSED:
                raise
        raise _Over

    def _accepted(self, posted: Posted, ack: Ack) -> None:
        if isinstance(posted.command, protocol.Send) and ack.seq:  # its event may be a moment behind its ack
            people = self.incoming.people
            people.hear(Message(ack.seq, "", people.me, posted.command.text))
        elif isinstance(posted.command, protocol.React) and not ack.seq and not ack.duplicate:
            self.show(view.notice("that was so already"))

    # --- for the face ---

    def take(self, *, last: bool = False) -> list[Text]:
        """The lines that are to be shown now; each is given once. With ``last``, also those that would wait."""
        lines = self.incoming.take(last=last)
        if self._head_is_due and self.incoming.is_ready:
            self._head_is_due = False
            self._target = self._points_at(self.draft) or ""  # the draft may be one of an earlier run
            lines = [self._head(), *lines]
        return lines

    def _head(self) -> Text:
        here = self.incoming.people.here()
        return view.head(self.name, self.incoming.topic, here, self.incoming.status.online or len(here))

    # --- in front, or not ---

    def look(self) -> None:
        """The room comes to the front: it is shown from where one stopped."""
        self._head_is_due = True
        self.incoming.look()
        if self._room is not None:
            self._room.unhurried = False

    def come_back(self, seen: StreamPosition, at: datetime) -> None:
        """Somebody was here before, and had seen the room up to there, at that time. Call it before `run`."""
        self.incoming.come_back(Returning(seen, at))

    def turn_away(self) -> None:
        """Another room comes to the front."""
        self.hint("")
        self.incoming.turn_away()
        if self._room is not None:
            self._room.unhurried = True

    def rows(self, columns: int) -> list[Text]:
        """The rows that change above the prompt, each at most so many ``columns`` wide."""
        return self.incoming.rows(columns)

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""
        self.incoming.show(*lines)

    def status(self) -> Status:
        """How the room is at present."""
        return replace(
            self.incoming.status,
            waiting=self.outgoing.waiting,
            mentions=self._attention.mentions,
            typing=self._attention.typing(),
        )

    @property
    def name(self) -> str:
        """The room's name, as others wrote it."""
        return self.incoming.status.room

    @property
    def title(self) -> str:
        """What the room is called, safe to show."""
        return room_title(self.name)

    @property
    def attracting(self) -> int:
        """How many messages wait for the person, of those that the bell is for."""
        return self._attention.attracting

    def rings(self) -> Ring | None:
        """The message that the bell is due for; given once."""
        return self._attention.rings()

    @property
    def connection(self) -> Connection:
        """How the connection is."""
        return self.incoming.status.connection

    @property
    def ticking(self) -> bool:
        """Whether something changes by itself, with the seconds: the status line, or what is to be shown."""
        slowed = self.outgoing.waiting and self.incoming.status.slow_until > self._clock()
        return self.connection == "reconnecting" or bool(slowed or self._attention.typing()) or self.incoming.ticking

    def hint(self, text: str, *, briefly: bool = False) -> None:
        """Show ``text`` in the status line, ``briefly``: until the next key; empty takes it away."""
        self._brief = briefly
        self.incoming.note(hint=text)

    def pending(self) -> list[str]:
        """The messages on their way, oldest first, safe to show."""
        return self.outgoing.pending()

    def unsent(self) -> list[Text]:
        """The messages that were never acked, or were refused unseen, as lines to leave behind."""
        unconfirmed = view.not_sent("it was not confirmed", self._unconfirmed) if self._unconfirmed else ()
        refused = () if self.incoming.front else self.outgoing.refused()
        lines = [shown for line in refused for shown in view.not_sent("it was refused", line)]
        return [*lines, *self.outgoing.unsent(), *unconfirmed]

    def people(self) -> list[str]:
        """The others, the latest to speak first."""
        return self.incoming.people.names()

    def can(self) -> Collection[str]:
        """The rights that one has here."""
        return self.incoming.can

    def help(self, argument: str) -> None:
        """Show the help, or the one about ``argument``: a command, the keys, or the marks. May raise Wrong."""
        self.show(*help_lines(argument, self.incoming.can, plain=self.plain, columns=self._columns))

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt, about the same message as the line that is being typed."""
        self.outgoing.give_back(line, self._pointer.entered())

    def take_up(self, draft: str, refused: Iterable[str]) -> None:
        """Go on with the ``draft`` of an earlier session, and the lines that it had no time to give back."""
        back = [("it was refused when you were last here", line) for line in refused]
        if self.plain and draft:  # the terminal itself edits the line, and takes nothing into it
            back, draft = [*back, ("it was still being typed when you left", draft)], ""
        self.draft = draft
        for why, line in back:
            self.show(*view.not_sent(why, line))
            self.outgoing.give_back(line, None)

    def returned(self) -> list[Returned]:
        """The lines that were given back since this was last asked, to be put where they are typed."""
        return self.outgoing.returned()

    def fit(self, columns: int) -> None:
        """What is shown from now on is for a window of so many ``columns``; 0: it is not known how many."""
        self._columns = columns
        self.incoming.fit(columns)

    def interrupted(self) -> None:
        """Something else was shown below the room's lines."""
        self.incoming.interrupted()

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
        if self._brief:
            self.hint("")
        if self.incoming.pressed():
            self.changed.set()

    def begin(self) -> None:
        """A line is begun, out of sight, that may be about a message on the screen."""
        self._pointer.begin()

    def drafted(self, draft: str, line: Line | None = None) -> None:
        """``draft`` stands in the prompt now. If it came back, it is about the same message as ``line``."""
        self.draft = draft
        if line is not None:
            self._pointer.line, self._pointer.selected = line, line.selected
        if not draft.lstrip().startswith("/"):
            self._pointer.line = None
            if draft and self._room is not None:
                self._room.typing()
        self._target = self._points_at(draft) or ""
        self.on_draft()

    def target(self) -> str:
        """The message that the draft is about, safe to show; empty if it isn't about one."""
        if isinstance(self._target, str) or self._target is self._pointer.selected:
            return (self._target if isinstance(self._target, str) else "") or self.selection.row()
        return f"↪ {self._pointer.describe(self._target)}"

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
        if not self.act(line):
            return False
        self.drafted("")
        return True

    def act(self, line: str) -> bool:
        """Do what ``line`` says, and leave the one that is being typed. False: it was refused."""
        try:
            typed = parse(line)
            outcome = typed.run(self._actions) if isinstance(typed, Do) else typed
            if isinstance(outcome, protocol.Say):
                outcome = self.selection.answered(outcome)
                posted = self.outgoing.post(outcome, line, self._pointer.entered(), most=self.incoming.message_bytes)
                self.selection.done(outcome)
                if isinstance(outcome, protocol.Send):
                    self._pointer.sent(posted)
            elif outcome is not None and not start(self._do(outcome), self._tasks):
                outcome.close()
        except Wrong as wrong:
            self.show(view.failure(str(wrong)))
            return False
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
        return self.outgoing.waiting
