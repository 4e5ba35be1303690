"""The rooms that are open, of which one is in front: its lines are printed, and what is typed goes there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain
from chatty.cli.join.conversation import Conversation
from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Ring
from chatty.cli.join.room.background import start
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.rooms import tabs
from chatty.cli.join.rooms.entrance import Door, Entrance
from chatty.cli.join.rooms.inviting import ways_in
from chatty.cli.join.rooms.opening import Opening, OpenRoom
from chatty.cli.join.rooms.places import OpenedRoom, Places
from chatty.cli.join.settings.preferences import Sources
from chatty.cli.room_list import open_rooms
from chatty.cli.targets import about
from chatty.cli.terminal.cleaning import clean
from chatty.errors import ChattyError
from chatty.events import Message

__all__ = ["OpenRooms"]

GRACE: Final = 1.0
"""Seconds that leaving waits for acks of the latest messages."""
KNOWN: Final = 30
"""Names of rooms that are listed which are not open."""
COUNTING: Final = 1.0
"""Seconds between two looks at how much is new in the rooms that are not in front."""


class _Ended(Exception):
    """It is over, with this exit status."""

    def __init__(self, status: ExitStatus) -> None:
        self.status = status


class OpenRooms:
    """Holds the conversations, and is the `Switcher` of their commands. `enter_first` one room at least, then `run`.

    ``door`` finds the way into another room, and ``places`` remembers what was read and typed in each. Settings come
    from ``sources``. ``plain`` says that all is shown as lines alone.
    """

    def __init__(self, env: Environment, door: Door, places: Places, *, sources: Sources, plain: bool) -> None:
        self.changed = asyncio.Event()
        """Set when there is something to show; the face clears it."""
        self.pager: Callable[[str], Awaitable[bool]] | None = None
        """Opens a text in the person's pager, and gives whether it could; the face sets it, if there is one."""
        self._env = env
        self._door = door
        self._places = places
        self._opening = Opening(env, places, sources, plain=plain)
        places.warn = self._warn
        self.warn_once = places.warn_once
        """Tells that something can't be kept, unless that was told before."""
        self._clock = asyncio.get_running_loop().time
        self._open: list[OpenRoom] = []
        self._at = 0
        self._previous: OpenRoom | None = None  # that was in front before
        self._before: list[Text] = []  # of the rooms that were in front earlier
        self._lines: list[Text] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._entering = asyncio.Lock()
        self._warned = 0
        self._counted: list[tuple[int, int]] = []

    # --- entering and leaving -------------------------------------------------------------------------------

    async def enter(self, entrance: Entrance) -> int:
        """Be in one more room, behind the others, and give its number. Raises what `chatty.client.room.join` does."""
        async with self._entering:  # else somebody who asks twice would be there twice
            for number, one in enumerate(self._open, 1):
                if one.entrance.leads_to(entrance):
                    return number
            one = await self._enter(entrance)
            assert self._tasks is not None, "those before `run` are entered by `enter_first`"
            one.staying = self._tasks.create_task(self._stay(one))
            self._remember()
            return len(self._open)

    async def enter_first(self, entrances: Sequence[Entrance]) -> list[OpenRoom | BaseException]:
        """Enter several rooms at once, before `run`. They are open in this order. Gives each, or why it can't be."""
        found = await asyncio.gather(*map(self._enter, entrances), return_exceptions=True)
        self._open.sort(key=lambda one: entrances.index(one.entrance))
        return found

    async def _enter(self, entrance: Entrance) -> OpenRoom:
        one = await self._opening.enter(entrance, self, self.changed)
        one.conversation.incoming.on_mention = partial(self._mentioned, one.conversation)
        self._open.append(one)
        return one

    async def run(self, *beside: Coroutine[Any, Any, None]) -> ExitStatus:
        """Be in the rooms until one leaves them, or the last one is over. Gives the exit status.

        ``beside`` is the work of the face; it is cancelled, and has ended, when this returns. Raises the error that
        ended the connection to the last room, unless that was closed, which is shown as any event is.
        """
        self._remember()
        self.front.look()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for work in (self._places.keep(), self._count(), *beside):
                    self._tasks.create_task(work)
                for one in self._open:
                    one.staying = self._tasks.create_task(self._stay(one))
        except ExceptionGroup as group:
            ended = [error for error in group.exceptions if isinstance(error, _Ended)]
            others = [error for error in group.exceptions if not isinstance(error, _Ended)]
            if others:
                raise others[0] from None
            return ended[0].status
        raise AssertionError("it ends by raising")

    async def _stay(self, one: OpenRoom) -> None:
        """Be in a room until it is over."""
        try:
            with about(self._env, one.entrance.target) as news:
                try:
                    await one.conversation.run(one.room)
                finally:
                    if one.room.closed:
                        news.closed()
        except (ChattyError, Failure, OSError) as error:
            if len(self._open) == 1:
                raise
            self._warn(f"{one.conversation.title}: {explain(error).message}")
        else:
            if len(self._open) == 1:
                raise _Ended(ExitStatus.DONE)
            self.show(view.notice(f"{one.conversation.title} is closed"))
        await self._drop(one)

    async def _drop(self, one: OpenRoom) -> None:
        """Close one of several rooms. If it is in front, the one that was there before comes back."""
        at = self._open.index(one)
        self.show(*one.conversation.unsent())
        if one.conversation.draft.strip():
            self.show(*view.not_sent("it was still being typed", one.conversation.draft))
        if at == self._at:
            back = self._previous
            self._turn_to(self._open.index(back) if back in self._open else at - 1 if at else 1)
        one.note_place()
        self._open.remove(one)
        self._at -= at < self._at
        self._remember()
        self._places.save()  # before another terminal may go on with what was typed here
        await one.room.close()

    def end(self, status: ExitStatus) -> None:
        """End it all, whatever is on its way."""

        async def end() -> None:
            raise _Ended(status)

        self._start(end())

    async def close(self) -> None:
        """Leave all rooms. Messages that are not acked by now were given up knowingly, or wait in the journal."""
        self._note_places()
        self._places.save()
        await asyncio.gather(*(one.room.close() for one in self._open))
        await self._opening.close()

    def leave(self) -> None:
        """The person wants to leave all rooms."""
        self._start(self.quit())

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        """Let ``work`` go on beside the conversations, one of which it may end."""
        assert self._tasks is not None
        start(work, self._tasks)

    async def quit(self, *, insist: bool = False) -> bool:
        """Leave all rooms; while messages wait, only if asked twice or with ``insist``. Gives whether one leaves."""
        connected = [one.conversation for one in self._open if one.conversation.connection == "connected"]
        waits = [asyncio.create_task(one.outgoing.settled()) for one in connected if one.waiting]
        if waits:
            await asyncio.wait(waits, timeout=GRACE)
            for wait in waits:
                wait.cancel()
        waiting = sum(one.conversation.waiting for one in self._open)
        if waiting > self._warned and not insist:
            self._warned = waiting
            what, go = ("1 message waits", "goes") if waiting == 1 else (f"{waiting:,} messages wait", "go")
            kept = all(one.conversation.outgoing.keeps for one in self._open if one.conversation.waiting)
            then = f"{go} out when you join again" if kept else f"{go} nowhere if you leave"
            self._warn(f"{what} to be sent, and {then}; leave once more to leave")
            return False
        self.end(ExitStatus.DONE)
        return True

    def _remember(self) -> None:
        ways = [one.entrance for one in self._open]
        self._places.keep_open([OpenedRoom(way.target.server, way.target.room_id, way.chosen) for way in ways])

    # --- switching ------------------------------------------------------------------------------------------

    @property
    def front(self) -> Conversation:
        """The conversation that is shown."""
        return self._open[self._at].conversation

    @property
    def desks(self) -> list[Conversation]:
        """All conversations."""
        return [one.conversation for one in self._open]

    def directory(self, conversation: Conversation) -> Path:
        """The directory with what is kept of a room."""
        return next(one.place.directory for one in self._open if one.conversation is conversation)

    def turn_to(self, number: int) -> None:
        """Bring room ``number`` to the front, if there is one."""
        if 1 <= number <= len(self._open) and number - 1 != self._at:
            self._turn_to(number - 1)

    def turn(self, by: int) -> None:
        """Bring the next room to the front, or the previous one."""
        self.turn_to((self._at + by) % len(self._open) + 1)

    def turn_to_news(self) -> None:
        """Bring the next room with a mention to the front, or else the next one in which something is new."""
        behind = [(self._at + step) % len(self._open) for step in range(1, len(self._open))]
        new = [at for at in behind if self._open[at].conversation.incoming.unread]
        mentioned = [at for at in new if self._open[at].conversation.incoming.mentions]
        for at in (*mentioned, *new):
            self._turn_to(at)
            return
        self.front.hint("nothing is new elsewhere" if behind else "no other room is open", briefly=True)

    def _turn_to(self, at: int) -> None:
        self._before = self.take(last=True)
        self.front.turn_away()
        self._previous, self._at = self._open[self._at], at
        self.front.look()
        self.changed.set()

    # --- the commands that concern rooms (each raises Wrong) ------------------------------------------------

    def go(self, argument: str) -> None:
        """Bring the room to the front that ``argument`` names: by its number, its name, or a part of that.

        Of several, the next one behind the room in front.
        """
        wanted = argument.strip().removeprefix("#")
        at = tabs.meant([one.conversation.name for one in self._open], wanted, self._at)
        if at is None:
            if wanted.isdecimal():
                raise Wrong(f"no open room has the number {wanted}; /rooms lists them")
            raise Wrong(f"no open room is called {wanted}; /join {wanted} opens it, /rooms lists them")
        self.turn_to(at + 1)

    def enter_room(self, argument: str) -> None:
        """Be in the room that ``argument`` names, too, and bring it to the front."""
        self._start(self._enter_room(argument))

    async def _enter_room(self, argument: str) -> None:
        try:
            number = await self.enter(await self._door(argument, self._warn))
        except (ChattyError, Failure, OSError) as error:
            failure = explain(error)
            hint = f"; {failure.hint}" if failure.hint else ""
            self._warn(f"{failure.message}{hint}")
            return
        self.turn_to(number)

    def part(self) -> None:
        """Leave the room in front. With the last one, chatty ends."""
        self._start(self._part())

    async def _part(self) -> None:
        one = self._open[self._at]
        if len(self._open) > 1 and one.conversation.waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await one.conversation.outgoing.settled()
        if one not in self._open:  # meanwhile it was left, or is over
            return
        if len(self._open) == 1:
            if await self.quit():
                self._places.keep_open([])
            return
        assert one.staying is not None
        one.staying.cancel()
        self.show(view.notice(f"you left {one.conversation.title}"))
        await self._drop(one)

    def rooms(self) -> None:
        """Show the rooms that are open, and those that are known."""
        self.show(*(view.notice(words) for words in tabs.listed(self._tabs())))
        try:
            names = [clean(name, newlines=False) for name in self._others()]
        except (OSError, Failure) as error:
            self._warn(f"the other rooms that you know: {explain(error).message}")
            return
        if names:
            more = ", …" if len(names) > KNOWN else ""
            self.show(view.notice(f"/join opens one of these, too: {', '.join(names[:KNOWN])}{more}"))

    def _others(self) -> list[str]:
        """The names of rooms that are known and not open, the latest first. Raises OSError and Failure."""
        here = {one.entrance.target.room_id for one in self._open}
        return [room.name for room in reversed(open_rooms(self._env)) if room.id not in here]

    async def invite(self) -> None:
        """Show how others get into the room in front."""
        one = self._open[self._at]
        http = await self._opening.http(one.entrance)
        self.show(*await ways_in(one.entrance, http, verifies_names=one.room.verifies_names))

    def rooms_known(self) -> list[str]:
        """The names of the rooms that one could go to, for completion."""
        others: list[str] = []
        with suppress(OSError, Failure):
            others = self._others()
        return [*(one.conversation.name for one in self._open), *others]

    async def page(self, text: str) -> bool:
        """Open ``text``, which is safe to show, in the person's pager. False: there is none."""
        return self.pager is not None and await self.pager(text)

    # --- for the face ---------------------------------------------------------------------------------------

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own, whichever room is in front."""
        self._lines += lines
        self.changed.set()

    def _warn(self, text: str) -> None:
        self.show(view.failure(text))

    def take(self, *, last: bool = False) -> list[Text]:
        """The lines that are to be shown now; each is given once. With ``last``, also those that would wait."""
        before, self._before = self._before, []
        lines, self._lines = self._lines, []
        taken = [*before, *self.front.take(last=last or bool(lines)), *lines]
        if lines:
            self.front.interrupted()
        self._open[self._at].note_place()  # only what is in front is read
        return taken

    def status(self, columns: int) -> list[tuple[str, str]]:
        """The status line, as pairs of style and text."""
        return tabs.fragments(self._tabs(), self._clock(), columns)

    def _tabs(self) -> Sequence[tabs.Tab]:
        return [one.tab(front=at == self._at) for at, one in enumerate(self._open)]

    def window_title(self) -> str:
        """The title of the window, safe to show: the room in front, and how much waits in all of them."""
        waiting = sum(one.conversation.attracting for one in self._open)
        return f"({waiting:,}) {self.front.title}" if waiting else self.front.title

    def rings(self) -> list[tuple[Conversation, Ring]]:
        """The messages that the bell is due for, the latest of each room; given once."""
        return [(one.conversation, ring) for one in self._open if (ring := one.conversation.rings())]

    @property
    def ticking(self) -> bool:
        """Whether something changes by itself, with the seconds."""
        return self.front.ticking

    def _mentioned(self, conversation: Conversation, message: Message) -> None:
        """A message in a room that is not in front mentions the person."""
        number = next((number for number, one in enumerate(self._open, 1) if one.conversation is conversation), 0)
        key = f"Alt-{number}" if 1 <= number <= 9 else f"/room {number}" if number else ""
        self.show(view.mention_elsewhere(conversation.name, message.participant, message.text, key))

    def unsent(self) -> list[Text]:
        """The messages that were never acked, as lines to leave behind."""
        return [line for one in self._open for line in one.conversation.unsent()]

    async def _count(self) -> None:
        """Show how much is new elsewhere, now and then: a redraw for each message would cost more than the message."""
        while True:
            await asyncio.sleep(COUNTING)
            counted = [(one.conversation.incoming.unread, one.conversation.incoming.mentions) for one in self._open]
            if counted != self._counted:
                self._counted = counted
                self.changed.set()
            self._note_places()

    def _note_places(self) -> None:
        for one in self._open:
            one.note_place()
