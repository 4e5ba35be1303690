"""The node: everything that the connections of this process share, and the contracts that it knows them by."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog
from msgspec.structs import replace

from chatty.protocol import AWAY_SECONDS, Close
from chatty.server.business.connection_ids import connection_id
from chatty.server.business.entries import EndGrace, Entry, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import Principal
from chatty.server.platform.pipeline.clock import Clock
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.log.protocol import Log, Reply
from chatty.server.platform.pipeline.log.whispers import Seen, Typing, Whisper
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.recent_authors import RecentAuthors
from chatty.server.platform.pipeline.subscriber import Dialect
from chatty.server.platform.store.access.loading import Rulings
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.reads import Reads
from chatty.server.platform.store.search.searching import Search
from chatty.server.settings import Settings

if TYPE_CHECKING:
    from chatty.server.platform.pipeline.tracing import Tracing

T = TypeVar("T")

NODE: Final = "local"
"""The node's name if it has a log of its own."""

TURN_SECONDS: Final = 3.0
"""How long a node waits for the one whose turn it is."""
RETRY_SECONDS: Final = 1.0
"""How long to wait before proposing again an entry that could not be stored."""

_LOG = structlog.get_logger("chatty")


class Peer(Protocol):
    """A connection, as the node knows it."""

    def check(self, now: float) -> None:
        """Look after it, once a second: ``now`` is the loop's time."""

    def backlog(self) -> int:
        """Bytes that wait for the peer to take them."""


class Listener(Peer, Protocol):
    """An event stream, as the node knows it."""

    def cut(self, code: Close) -> None:
        """End it, for the reason ``code``."""

    def abort(self) -> None:
        """End it at once, and drop everything that waits to be written."""

    def rule(self, rulings: Rulings, at: int) -> None:
        """Rights have changed, perhaps this one's."""

    def check_rights(self, at: int) -> None:
        """Look whether rights have ended by themselves by ``at``."""


class Member(Listener, Protocol):
    """A session, as the node knows it."""

    connection_id: str
    room_id: str
    who: Principal
    dialect: Dialect

    def rename(self, room_id: str, identity: bytes, name_key: str, name: str) -> None:
        """A participant of the room is called ``name`` now; it may be this one."""


class Node:
    """The log, the hub and the rest, as sessions and handlers use them."""

    log: Log
    search: Search

    def __init__(self, settings: Settings, incarnation: str, reads: Reads, hub: Hub, metrics: Metrics) -> None:
        """``incarnation`` tells this run of the process from earlier ones. ``log`` and ``search`` are set later."""
        self.settings = settings
        self.name = settings.node or NODE
        self.incarnation = incarnation
        self.reads = reads
        self.hub = hub
        self.metrics = metrics
        metrics.parts.update(
            log=lambda: self.log.is_alive, reads=lambda: reads.is_answering, search=lambda: self.search.is_alive
        )
        self.loop = asyncio.get_running_loop()
        self.clock = Clock(self.propose_until_accepted)
        self.sessions: dict[Member, None] = {}
        self.streams: dict[Listener, None] = {}
        self.connections: dict[Peer, None] = {}
        self.addresses: Counter[str] = Counter()
        self.recent_authors = RecentAuthors(self.loop.time)
        self.started = self.stopping = False
        self.has_rulings = True
        """Whether anybody has ever changed a right. It is looked up at the start."""
        self.tracing: Tracing | None = None
        """It is there only if somebody wants traces."""
        self.shared_room: Callable[[str, int], str] | None = None
        """On a cluster, the ids of the rooms that ``--room`` gives a name: all nodes have the same."""
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: list[Entry] = []

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self.clock.now()

    async def fresh(self, read: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool]) -> T:
        """What ``read`` gives, and gives again if that is not enough but may only be in the log and not here yet.

        So nobody is told that something isn't there which another node has told of. Raises Refused if the log
        doesn't answer.
        """
        found = await read()
        if not is_enough(found) and await self.log.barrier():
            found = await read()
        return found

    def next_connection_id(self) -> str:
        """A new connection's id, which is never used again."""
        self._connections += 1
        return connection_id(self.name, self.incarnation, self._connections)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Keep a task that nobody awaits from being garbage-collected before it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.report("a task failed", error)

    async def settled(self, seconds: float) -> None:
        """Wait until the kept tasks are done, but no longer than ``seconds``."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def report(self, what: str, error: BaseException) -> None:
        """Log an error that nobody else gets to know."""
        _LOG.error(what, error=f"{type(error).__name__}: {error}", exc_info=error)

    def deliver(self, applied: Applied, replies: list[Reply | None], seconds: float, since: float) -> None:
        """Deliver a batch: first the outcomes to the proposers, then the events to everybody, in the log's order."""
        for renamed in applied.renamed:  # some sessions may not be attached to the hub yet, so all are asked
            for session in self.sessions:
                session.rename(*renamed)
        for reply, outcome in zip(replies, applied.outcomes, strict=True):
            if reply is not None:
                reply(outcome)
        # An ack comes before its own message, so the answers go out before any event.
        self.hub.flush_answers()
        # And those go that may not see what follows.
        if applied.rulings is not None:
            self._rule(applied.rulings)
        for room_id, events in applied.events.items():
            self.hub.publish(room_id, events)
        # None of this is in the way of a delivery: the index follows behind, and absences end by entries.
        count = sum(map(len, applied.events.values()))
        self.search.touch(applied.events, count)
        for absence in applied.away:
            self.await_return(*absence)
        taken = time.monotonic() - since
        self.metrics.batch(len(replies), count, seconds, taken)
        if self.tracing is not None:
            self.tracing.batch(len(replies), count, seconds, taken)

    def _rule(self, rulings: Rulings) -> None:
        """Let everybody who listens know that rights have changed. That is rare enough to ask all of them."""
        at = self.now()
        self.has_rulings = True
        for session in list(self.sessions):
            if session.connection_id in rulings.evicted:
                session.cut(Close.REMOVED)
            else:
                session.rule(rulings, at)
        for stream in list(self.streams):
            stream.rule(rulings, at)

    def check_rights(self) -> None:
        """Look whether rights of those who listen have ended by themselves."""
        at = self.now()
        for listener in (*self.sessions, *self.streams):
            listener.check_rights(at)

    def show_typing(self, typist: Member) -> None:
        """Show all others in its room that ``typist`` is writing."""
        self.hub.show_typing(typist.room_id, typist.who.name, typist)
        self.log.whisper(Typing(typist.room_id, typist.who.name))

    def hear(self, whisper: Whisper) -> None:
        if isinstance(whisper, Typing):
            self.hub.show_typing(whisper.room, whisper.name)
        else:
            self.recent_authors.note(whisper.room, whisper.who)

    def abandon(self) -> None:
        for listener in (*self.sessions, *self.streams):
            listener.cut(Close.GOING_AWAY)

    def begin_incarnation(self, incarnation: str) -> None:
        self.incarnation = incarnation

    def note_author(self, room_id: str, who: Principal) -> None:
        """``who`` has come to a room, or spoken there. All nodes are to know, because any of them may be asked."""
        if self.recent_authors.note(room_id, who):
            self.log.whisper(Seen(room_id, who))

    def await_return(self, room_id: str, name_key: str, away: int) -> None:
        """End an absence after its grace period. The log decides whether the participant is still away.

        Any node may propose that, and they take turns: the next one only if the one before it hasn't.
        """
        rank = self.log.rank(room_id)
        end = EndGrace(room_id, self.now(), name_key, away)
        self.loop.call_later(
            AWAY_SECONDS + TURN_SECONDS * rank, lambda: self.keep(self.loop.create_task(self._end_grace(end, rank)))
        )

    async def _end_grace(self, end: EndGrace, rank: int) -> None:
        if rank == 0 or await self.reads.is_away(end.room, end.name_key, end.away):
            self.propose_until_accepted(replace(end, at=self.now()))

    def propose_until_accepted(self, entry: Entry) -> None:
        """Propose an entry that must not get lost, again and again if the disk is full. They keep their order."""

        def reply(outcome: Outcome) -> None:
            if type(outcome) is Rejection and outcome.code == "unavailable":
                if not self._refused:
                    self.loop.call_later(RETRY_SECONDS, self._propose_refused)
                self._refused.append(entry)

        if self._refused:
            self._refused.append(entry)
        elif not self.stopping:
            self.log.propose(entry, reply)

    def _propose_refused(self) -> None:
        refused, self._refused = self._refused, []
        for entry in refused:
            self.propose_until_accepted(entry)
