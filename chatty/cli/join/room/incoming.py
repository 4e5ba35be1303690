"""The room as one person sees it: people, events to show, news. It knows no terminal and no connection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, assert_never

from msgspec.structs import replace
from rich.text import Text

from chatty.cli.join.rendering import view
from chatty.cli.join.room.attention import Attention, News
from chatty.cli.join.room.backlog import MOST, Backlog
from chatty.cli.join.room.hidden import Hidden
from chatty.cli.join.room.message_target import Pointer
from chatty.cli.join.room.people import People
from chatty.cli.join.room.returning import Returning
from chatty.cli.join.room.status import Status
from chatty.cli.terminal.comings import Comings
from chatty.cli.terminal.updates import Updates
from chatty.cli.terminal.width import clip
from chatty.client.states import Connected, Connecting, Offline, Reconnecting, Slowed, State
from chatty.events import (
    Event,
    Happening,
    Message,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    StreamPosition,
    TopicChanged,
)
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

BEHIND: Final = 50
"""Events that are kept of a room that is not in front; of more than that, the newest."""


class _Mark(NamedTuple):
    """The place above event ``first`` where one stopped; so much is new since then, 0: it isn't known."""

    first: int
    since: datetime
    news: int = 0


class Incoming:
    """Takes in frames and states of the connection, and gives lines.

    ``changed`` is called when there is something to show. ``clock`` gives
    seconds, ``now`` those since 1970, and ``local`` turns an aware time into
    the reader's own.

    A room that is not in `front` gives no lines. There ``changed`` is called
    when something is `unread` for the first time, or mentions the reader.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        local: Callable[[datetime], datetime],
        now: Callable[[], float],
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
        self.attention = Attention(clock)
        self.seen = 0
        """The newest event that was on the screen while somebody was there; 0 if none was."""
        self.on_mention: Callable[[Message], None] = lambda _: None
        """Called with a message that mentions the reader, while the room is not in front."""
        self._clock = clock
        self._local = local
        self._now = now
        self._changed = changed
        self._view = view.View(local)
        self._backlog = Backlog()
        self._updates = Updates(clock)
        self._comings = Comings(clock)
        self._front = True
        self._live = False
        self._counted = 0
        self._here: Collection[str] = ()
        self._heard = 0
        self._epoch = ""
        self._first_new: tuple[int, datetime] | None = None
        self._returning: Returning | None = None
        self._mark: _Mark | None = None

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
        self._tell()

    def _tell(self) -> None:
        if self._front:
            self._changed()

    @property
    def front(self) -> bool:
        """Whether the room is the one on the screen."""
        return self._front

    @front.setter
    def front(self, front: bool) -> None:
        self._front = front
        self._backlog.most = MOST if front else BEHIND
        self._tell()

    def hear(self, frame: Frame | Unknown) -> None:
        """Take in a frame of the server's."""
        match frame:
            case Event():
                self._happened(frame)
            case Welcome():
                self._welcomed(frame)
            case Live(last=last):
                self._heard = max(self._heard, last)
                self._backlog.replaying = False
                self._live = True
                self.hidden.present(self._here)
                if self._front and self._mark is None:
                    self._mark_news()
            case Typing(participant=name):
                if name != self.people.me and not self.hidden.ignores(name):
                    self.attention.types(name)
            case Gap(reason=reason):
                if reason != "retention":
                    self._renumbered()
                self.show(view.missing(frame))
            case RightsChanged(can=rights):
                self.can = rights
                self.show(view.notice(f"you may {_allowed(rights)} here now"))
            case Ack() | Error() | Tick() | Producing() | Unknown():
                return  # the client library sees to these
            case _:
                assert_never(frame)
        self._tell()

    def come_back(self, returning: Returning) -> None:
        """Somebody was here before. To be called before the first frame."""
        self._returning = returning

    def _renumbered(self) -> None:
        self.pointer.renumbered()
        self._updates.forget()
        self._heard = self.seen = 0
        self._mark = self._first_new = self._returning = None

    def _welcomed(self, welcome: Welcome) -> None:
        self._backlog.replaying = self.status.connection != "offline"  # what came before the end is heard behind it
        self.people.me = self._view.me = welcome.you.participant or ""
        self.people.present(welcome.participants)
        self._here = welcome.participants
        self.can = welcome.you.can or ()
        self.topic = welcome.room.topic
        self._counted = welcome.last
        if self._returning is not None and not self._returning.is_to(welcome.epoch):
            self._returning = None
        self._epoch = welcome.epoch
        self.message_bytes = welcome.limits.message_bytes
        self.note(room=welcome.room.name, online=welcome.participant_count)

    def _happened(self, event: Happening) -> None:
        self._heard = event.seq
        is_new = self._returning is not None and self._returning.is_new(event)
        self._count(event)
        self.hidden.hear(event)
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
        printed = self._updates.printed(event, live=self._live and not self._backlog.replaying)
        for one in printed:
            self._backlog.add(one)
        if self._live:  # messages from before one came are not new
            self._notice(event, before.text if before else "", printed=event in printed)
        elif is_new and isinstance(event, Message) and self.attention.replayed(event, self.people.me):
            self._first_new = self._first_new or (event.seq, self._returning.at if self._returning else event.time)

    def _notice(self, event: Happening, before: str, *, printed: bool) -> None:
        """Count ``event`` if it is news. ``before`` is the text that it changed."""
        match event:
            case Message():
                news = self.attention.message(event, self.people.me)
            case MessageEdited():
                news = self.attention.edit(event, before, self.people.me)
            case _:
                return
        if news and self._front:
            if printed and self.attention.marks():
                self._mark = _Mark(event.seq, event.time)
        elif news:
            self._behind(event, news)

    def _behind(self, event: Message | MessageEdited, news: News) -> None:
        """``event`` is news, and the room is not in front."""
        self._first_new = self._first_new or (event.seq, event.time)
        if news == "mention":
            of = event if isinstance(event, Message) else self.people.get(event.of)
            self.on_mention(of or Message(event.seq, event.at, event.participant, event.text))
        if news == "mention" or self.attention.new == 1:
            self._changed()

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
        self._tell()

    def take(self, *, last: bool = False) -> list[Text]:
        """The lines that are to be shown now; each is given once. With ``last``, also those that would wait."""
        if not self._front:
            return []
        for edit in self._updates.settled(every=last):
            self._backlog.add(edit)
        batch = self._backlog.take()
        skipped, due, missed = batch.skipped, batch.events, 0
        if self._returning is not None and self.is_ready:
            skipped, due = self._returning.shown(due, any_news=self._mark is not None)
            missed = self._returning.missed
            self._returning = None
        events = self._comings.printed(due, all_of_them=last or bool(batch.lines))
        if not self._backlog.replaying:
            self.pointer.shown = self._heard
            if not self.attention.away:
                self.seen = self._heard
        above = [view.skipped(skipped + missed, at_most=missed > 0)] if skipped + missed else []
        lines = list(self._lines(events, above))
        if batch.lines:
            self._view.interrupted()
        return lines + batch.lines

    def _lines(self, events: list[Happening], above: list[Text]) -> Iterator[Text]:
        """The lines of ``events`` below those ``above``, with the mark where one who was away stopped reading."""
        mark = self._mark
        place = next((place for place, event in enumerate(events) if mark and event.seq >= mark.first), len(events))
        if place and above:
            self._view.interrupted()
            yield from above
            above = []
        yield from self._view.lines(events[:place])
        if mark is not None and place < len(events):
            self._mark = None
            above.insert(0, view.news(mark.news, mark.since, self._local, datetime.fromtimestamp(self._now(), UTC)))
        if above:
            self._view.interrupted()
        yield from above
        yield from self._view.lines(events[place:])

    def rows(self, columns: int) -> list[Text]:
        """The rows that change above the prompt, each at most so many ``columns`` wide."""
        rows = self._updates.rows(columns)
        if self._comings.held and (line := self._view.comings(self._comings.held)):
            rows.append(clip(line.plain, columns))
        return [Text(row, style="dim") for row in rows]

    @property
    def ticking(self) -> bool:
        """Whether lines become due by time alone: then `take` is to be called every second."""
        return self._front and bool(self._updates or self._comings.held)

    def pressed(self) -> bool:
        """A key was pressed: all that is on the screen has been seen. False: nothing of it was new."""
        if self._returning is not None and not self.is_ready:
            return False  # what is new is not on the screen yet
        self.seen = self.pointer.shown
        return self.attention.pressed()

    @property
    def unread(self) -> int:
        """Messages of others since one looked last."""
        return self.attention.new

    @property
    def mentions(self) -> int:
        """Those of them that mention the reader."""
        return self.attention.mentions

    def look(self) -> None:
        """The room comes to the front: nothing is unread any more, and a mark says where one stopped."""
        self.front = True
        self._view.interrupted()
        if self._returning is None or self.is_ready:  # else it waits for the rest of what is new
            self._mark_news()
            self.attention.look()

    def turn_away(self) -> None:
        """Another room comes to the front."""
        self.front = False

    def _mark_news(self) -> None:
        if self._first_new is not None and self.attention.new:
            missed = self._returning is not None and self._returning.missed
            self._mark = _Mark(*self._first_new, 0 if missed else self.attention.new)
        self._first_new = None

    @property
    def is_ready(self) -> bool:
        """Whether the room is known, and all that was replayed of it."""
        return bool(self._epoch) and not self._backlog.replaying

    @property
    def seen_position(self) -> StreamPosition | None:
        """The newest event that was on the screen while somebody was there; None if none was."""
        return StreamPosition(self._epoch, self.seen) if self.seen else None

    @property
    def columns(self) -> int:
        """Columns of the window; 0: unknown."""
        return self._view.columns

    def fit(self, columns: int) -> None:
        """What is shown from now on is for a window of so many ``columns``; 0: it is not known how many."""
        if columns != self._view.columns:  # what was shown may look otherwise: below it, an author is named again
            self._view.interrupted()
        self._view.columns = columns

    def interrupted(self) -> None:
        """Something else was shown below what `take` gave: what comes next doesn't follow that directly."""
        self._view.interrupted()

    def highlight(self, words: tuple[str, ...]) -> None:
        """These ``words`` count as a mention wherever they stand."""
        self._view.highlight = self.attention.highlight = words

    def restyle(self, time_format: str) -> None:
        """Show the time so before each line from now on; empty leaves it out."""
        self._view.time_format = time_format

    def aside(self) -> view.View:
        """A view for messages that don't follow what was shown before, with their numbers."""
        return self._view.apart()


def _allowed(rights: Collection[str]) -> str:
    """The most that somebody with ``rights`` may do."""
    if "own" in rights:
        return "do everything"
    if "moderate" in rights:
        return "moderate"
    return "speak" if "post" in rights else "only read"
