"""The room as one person sees it: people, events to show, news. It knows no terminal and no connection."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, assert_never

from msgspec.structs import replace
from rich.text import Text

from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Attention, Bell
from chatty.cli.join.room.backlog import Backlog
from chatty.cli.join.room.hidden import Hidden
from chatty.cli.join.room.message_target import Pointer
from chatty.cli.join.room.people import People
from chatty.cli.join.room.status import Status
from chatty.client.states import Connected, Connecting, Offline, Reconnecting, Slowed, State
from chatty.events import Event, Happening, Message, MessageEdited, ParticipantJoined, ParticipantLeft, TopicChanged
from chatty.protocol import (
    MESSAGE_BYTES,
    Ack,
    Error,
    Frame,
    Gap,
    Live,
    Producing,
    RightsChanged,
    Tick,
    Typing,
    Unknown,
    Welcome,
)

__all__ = ["Incoming"]


class Incoming:
    """Takes in frames and states of the connection, and gives lines.

    ``changed`` is called when there is something to show. ``clock`` gives
    seconds, ``local`` turns an aware time into the reader's own.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        local: Callable[[datetime], datetime],
        bell: Bell,
        changed: Callable[[], None],
    ) -> None:
        self.topic = ""
        """The room's topic; empty if there is none."""
        self.can: Collection[str] = ()
        """The rights that one has here."""
        self.status = Status()
        self.message_bytes = MESSAGE_BYTES
        """Bytes that a message may have."""
        self.people = People()
        self.pointer = Pointer(self.people)
        self.hidden = Hidden()
        self.attention = Attention(clock, local, bell)
        self._clock = clock
        self._local = local
        self._changed = changed
        self._view = view.View(local)
        self._backlog = Backlog()
        self._live = False
        self._counted = 0

    def state_changed(self, state: State) -> None:
        """The connection is now like this."""
        match state:
            case Connecting():
                self.note(connection="connecting")
            case Connected():
                self.note(connection="connected")
            case Slowed(in_seconds=seconds):
                self.note(slow_until=self._clock() + seconds)
            case Reconnecting(in_seconds=seconds, attempt=attempt):
                self.note(connection="reconnecting", attempt=attempt, retry_at=self._clock() + seconds)
            case Offline():
                self._backlog.replaying = False  # the rest of a replay will never come
                self.note(connection="offline")
            case _:
                assert_never(state)

    def note(self, **what: Any) -> None:
        """Change the status."""
        self.status = replace(self.status, **what)
        self._changed()

    def hear(self, frame: Frame | Unknown) -> None:
        """Take in a frame of the server's."""
        match frame:
            case Event():
                self._happened(frame)
            case Welcome():
                self._welcomed(frame)
            case Live():
                self._backlog.replaying = False
                self._live = True
            case Typing(participant=name):
                if name != self.people.me and not self.hidden.ignores(name):
                    self.attention.types(name)
            case Gap(reason=reason):
                if reason != "retention":
                    self.pointer.renumbered()
                self.show(view.missing(frame))
            case RightsChanged(can=rights):
                self.can = rights
                self.show(view.notice(f"you may {_allowed(rights)} here now"))
            case Ack() | Error() | Tick() | Producing() | Unknown():
                return  # the client library sees to these
            case _:
                assert_never(frame)
        self._changed()

    def _welcomed(self, welcome: Welcome) -> None:
        self._backlog.replaying = self.status.connection != "offline"  # what came before the end is heard behind it
        self.people.me = self._view.me = welcome.you.participant or ""
        self.people.present(welcome.participants)
        self.can = welcome.you.can or ()
        self.topic = welcome.room.topic
        self._counted = welcome.last
        self.message_bytes = welcome.limits.message_bytes
        self.note(room=welcome.room.name, online=welcome.participant_count)

    def _happened(self, event: Happening) -> None:
        self._count(event)
        hidden = self.hidden.hides(event)
        before = self.people.get(event.of) if isinstance(event, MessageEdited) else None
        if isinstance(event, Message):
            self.pointer.heard(event)
        if not (hidden and isinstance(event, Message)):  # nobody answers what they don't see
            self.people.hear(event)
        self._view.me = self.people.me
        if isinstance(event, TopicChanged):
            self.topic = event.topic
        if hidden:
            return
        self._backlog.add(event)
        if self._live and isinstance(event, Message):  # messages from before one came are not new
            self.attention.message(event, self.people.me)
        elif self._live and isinstance(event, MessageEdited):
            self.attention.edit(event, before.text if before else "", self.people.me)

    def _count(self, event: Happening) -> None:
        """Keep the number of people that are here. The welcome gave it as of its last event."""
        if event.seq <= self._counted or self.status.online is None:
            return
        if isinstance(event, ParticipantJoined):
            self.note(online=self.status.online + 1)
        elif isinstance(event, ParticipantLeft):
            self.note(online=self.status.online - 1)

    def show(self, *lines: Text) -> None:
        """Let ``lines`` of chatty's own be shown."""
        self._backlog.add_lines(*lines)
        self._changed()

    def take(self) -> list[Text]:
        """The lines that are to be shown now; each is given once."""
        batch = self._backlog.take()
        if batch.events:
            self.pointer.shown = batch.events[-1].seq
        lines = [view.skipped(batch.skipped)] if batch.skipped else []
        return [*lines, *self._view.lines(batch.events), *batch.lines]

    def restyle(self) -> None:
        """Show the time, or leave it out."""
        self._view.timestamps = not self._view.timestamps

    def look(self) -> view.View:
        """A view for messages that don't follow what was shown before, with their numbers."""
        return view.View(self._local, me=self._view.me, timestamps=self._view.timestamps, numbered=True)


def _allowed(rights: Collection[str]) -> str:
    """The most that somebody with ``rights`` may do."""
    if "own" in rights:
        return "do everything"
    if "moderate" in rights:
        return "moderate"
    return "speak" if "post" in rights else "only read"
