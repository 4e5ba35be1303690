"""The log of several nodes: what is proposed is published, and what comes back from the stream is applied and told.

    propose ─► publisher ─► NATS (a quorum stores it) ─► tail ─► applier (SQLite) ─► deliver

The outcome of an entry comes from this node's own tail, together with everybody else's. The position in the stream
is committed with the state, so each message is applied once, however often the node starts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final

import nats.errors
import structlog

from chatty._version import __version__
from chatty.server.business.entries import Entry, Rejection
from chatty.server.business.nodes import LEVEL, EndNode, StartNode
from chatty.server.business.outcomes import Outcome
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.batches import SIZE_SHARE
from chatty.server.platform.pipeline.log.figures import LogFigures
from chatty.server.platform.pipeline.log.jetstream.applier import Applier, Done
from chatty.server.platform.pipeline.log.jetstream.barriers import Barriers
from chatty.server.platform.pipeline.log.jetstream.connection import Connection, Refusal, StreamInfo, derived, end
from chatty.server.platform.pipeline.log.jetstream.freshness import Freshness
from chatty.server.platform.pipeline.log.jetstream.opening import Identity, check_fit
from chatty.server.platform.pipeline.log.jetstream.peers import MOST_SKEW_MS, Alive, Peers
from chatty.server.platform.pipeline.log.jetstream.publisher import PATIENCE_SECONDS, Publisher
from chatty.server.platform.pipeline.log.jetstream.replica import Replica
from chatty.server.platform.pipeline.log.jetstream.status import Operator
from chatty.server.platform.pipeline.log.jetstream.tail import DEAF_SECONDS, Tail
from chatty.server.platform.pipeline.log.protocol import Delivery, Reply, expected
from chatty.server.platform.pipeline.log.whispers import Whisper
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import Incarnation

CUT_OFF_SECONDS: Final = 3.0
"""How long nothing may be heard of the log before all clients are sent to other nodes, which may be well."""
BEHIND_SECONDS: Final = 4.0
"""How long this node may be behind the log before it lets nobody in: what it knows of rights may be old."""
UNCERTAIN_SECONDS: Final = PATIENCE_SECONDS + 2.0
"""How long one waits for an outcome. Entries that have not been published are refused before that."""
WATCH_SECONDS: Final = 0.25
LEADER_SECONDS: Final = 1.0
NAMESAKE_SECONDS: Final = 2.5
"""How long to listen whether another process goes by this node's name."""
CLOSE_SECONDS: Final = 3.0

_LOG = structlog.get_logger("chatty")


class JetStreamLog:
    """The log of a cluster's node. See `Log`."""

    def __init__(
        self,
        store: Store,
        delivery: Delivery,
        connection: Connection,
        identity: Identity,
        *,
        on_fatal: Callable[[BaseException], None],
        most_waiting: int = PLENTY.waiting,
    ) -> None:
        """``store`` is open. `open` and `begin` have to be awaited before anything is proposed."""
        self._store, self._delivery, self._on_fatal = store, delivery, on_fatal
        self.connection, self._identity, self.node = connection, identity, identity.node
        self._most_size = most_waiting // SIZE_SHARE
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._begun = self._closing = False
        self._freshness = Freshness(self._loop.time())
        self._beginning: asyncio.Task[None] | None = None
        self._buried: set[str] = set()
        self.incarnation = ""
        self.position = 0
        self.level = 1
        self.nodes: dict[str, Incarnation] = {}
        self.dropped = self.reborn = self.elections = 0
        self.stream: StreamInfo | None = None
        self._key = derived(identity.secret, "envelopes")
        self.peers = Peers(
            connection, derived(identity.secret, "peers"), self.node, self.describe, delivery.hear, on_fatal
        )
        self.operator = Operator(self, store.path.parent)
        self._publisher = Publisher(connection, self._key, self.node, self.peers.wall_ms, self._most_size, self._report)
        self._barriers = Barriers(self._publisher.barrier)
        self.members: Callable[[], int] = lambda: 0
        self.disk_free: Callable[[], int] = lambda: 0

    def _report(self, error: BaseException) -> None:
        _LOG.error("an entry can't be encoded", error=str(error), exc_info=error)

    # --- the start ------------------------------------------------------------------------------------------

    async def open(self, info: StreamInfo) -> None:
        """Catch up with the stream. Raises StoreError if the data and the stream don't fit together."""
        replica = Replica(self._store, self._key, info.generation)
        known = self._store.log_state()
        check_fit(known, info)
        self.stream, self.position, self.level = info, known.position, known.level
        self.nodes = dict(replica.state.nodes)
        self._applier = Applier(
            self._store, replica, self.node, self._deliver, self._on_fatal, self._delivery.abandon, self._most_size
        )
        self._tail = Tail(self.connection, known.position, self._applier, self._on_fatal)
        self._tail.learn(info.last)
        await self.peers.open()
        self.keep(self._publisher.run(), self._publisher.watch(), self._tail.watch(), self._watch())
        await self.connection.quietly(self._tail.open())
        began, goal = self._loop.time(), info.last
        while self.position < goal:
            await asyncio.sleep(DEAF_SECONDS / 20)
        _LOG.info("caught up", messages=goal - known.position, seconds=round(self._loop.time() - began, 3))

    def keep(self, *work: Coroutine[Any, Any, None]) -> None:
        """Run these until the log is closed. It can't do without them: an error in one ends the server."""
        for one in work:
            self._tasks.append(self._loop.create_task(self._run(one)))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the log can't do without that task
            self._on_fatal(error)

    async def begin(self, at: int) -> Outcome:
        """Begin an incarnation of this node. Raises StoreError if another process goes by its name."""
        before = self.nodes.get(self.node)
        if before is not None and not before.ended:
            await asyncio.sleep(NAMESAKE_SECONDS)
            if self.peers.namesake:
                raise _namesake(self.node)
        outcome = await self._start_node(at, secrets.token_hex(8))
        self.keep(self.peers.run(), self._watch_leader())
        return outcome

    async def _start_node(self, at: int, incarnation: str) -> Outcome:
        self.incarnation = self._applier.incarnation = incarnation
        outcome, reply = expected()
        while not outcome.done():
            # If an earlier process of this node still had a beginning in flight, that one has to be replaced.
            after = self.nodes.get(self.node, Incarnation()).id
            self._publisher.begin(self.incarnation, after, StartNode("", at, self.node, self.incarnation), reply)
            while not outcome.done() and self.nodes.get(self.node, Incarnation()).id == after:
                await asyncio.wait([outcome], timeout=WATCH_SECONDS)
        self._begun = True
        self._publisher.level = self.level
        self._publisher.go_on()
        self._barriers.open()
        return outcome.result()

    # --- for those who propose ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        return self._publisher.waiting

    @property
    def is_alive(self) -> bool:
        return self._applier.is_alive and not any(task.done() for task in self._tasks)

    def propose(self, entry: Entry, reply: Reply | None = None) -> None:
        self._publisher.propose(entry, reply)

    async def commit(self, entry: Entry) -> Outcome:
        outcome, reply = expected()
        self._publisher.propose(entry, reply)
        done, _ = await asyncio.wait([outcome], timeout=UNCERTAIN_SECONDS)
        return outcome.result() if done else Rejection("uncertain")

    async def barrier(self) -> bool:
        await self._barriers.wait(UNCERTAIN_SECONDS)
        return True

    def rank(self, room: str) -> int:
        return self.peers.rank(room)

    def whisper(self, whisper: Whisper) -> None:
        self.peers.whisper(whisper)

    # --- how it is ------------------------------------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        return self._begun and not self._has_given_up and self._age < BEHIND_SECONDS

    @property
    def _age(self) -> float:
        return self._freshness.age(self._loop.time())

    @property
    def is_stalled(self) -> bool:
        return self._applier.stands_still or self._publisher.stalled_seconds > DEAF_SECONDS

    @property
    def _has_given_up(self) -> bool:
        return self._applier.stands_still or self._publisher.stalled_seconds > PATIENCE_SECONDS

    def figures(self) -> LogFigures:
        """What monitoring is to know."""
        return LogFigures(
            log_position=self.position,
            log_last=self._tail.last,
            log_lag_messages=max(0, self._tail.last - self.position),
            log_republished=self._publisher.republished,
            log_dropped=self.dropped,
            log_elections=self.elections,
            log_reborn=self.reborn,
            log_peers=len(self.peers.living()) - 1,
            log_diverged=int(self.peers.has_diverged),
            clock_skew_seconds=self.peers.skew_ms / 1000,
        )

    async def trouble(self) -> str:
        return self._trouble()

    def _trouble(self) -> str:
        if not self._begun:
            return "The node has not begun, or begins anew."
        if self._applier.stands_still:
            return "Nothing can be stored; see the disk."
        if self.peers.has_diverged:
            return "This node and another one have diverged."
        if self._tail.silent_seconds > DEAF_SECONDS or self.is_stalled:
            return "The cluster's log does not answer."
        if not self.is_current:
            return "The node is behind the cluster's log."
        if abs(self.peers.skew_ms) > MOST_SKEW_MS:
            return "The clock differs from those of the other nodes."
        return ""

    def describe(self) -> Alive:
        """What this node says of itself."""
        mark, chain = self.peers.mark
        return Alive(
            self.node, self.incarnation, wall_ms(), self.position, mark, chain,
            __version__, self.level, LEVEL, self._identity.settings, self.members(), self.disk_free(), self._trouble(),
        )  # fmt: skip

    # --- what is applied ------------------------------------------------------------------------------------

    def _deliver(self, done: Done) -> None:
        batch, state = done.batch, done.batch.state
        self.position, self.level, self.nodes = state.position, state.level, dict(state.nodes)
        self._publisher.level = state.level
        self.dropped += batch.dropped
        self.peers.note(batch.marks)
        self._freshness.reach(self.position)
        replies: list[Reply | None] = [None] * len(batch.applied.outcomes)
        barriers: list[Reply] = []
        for part in batch.own:
            waiting = self._publisher.settled(part.n)
            if part.length:
                replies[part.start : part.start + len(waiting)] = waiting
            else:
                barriers += [reply for reply in waiting if reply is not None]
        try:
            self._delivery.deliver(batch.applied, replies, done.seconds, done.since)
            for reply in barriers:
                reply(())
        except Exception as error:  # noqa: BLE001 - somebody may have missed something
            self._on_fatal(error)
        if done.frozen is not None:
            self.operator.answer(batch.fingerprints[0].id, done.frozen)
        if batch.is_overtaken:
            self._publisher.publish_again()
        self._look_at_myself()

    def _look_at_myself(self) -> None:
        if not self._begun or self._closing:
            return
        mine = self.nodes[self.node]
        if mine.id != self.incarnation:
            self._on_fatal(_namesake(self.node))
        elif mine.ended:
            _LOG.warning("the others took this node for dead; it begins anew")
            self.reborn += 1
            self._begun = False
            self._barriers.shut()
            self._publisher.end()
            self._beginning = self._loop.create_task(self._run(self._begin_anew()))

    async def _begin_anew(self) -> None:
        self._delivery.abandon()
        incarnation = secrets.token_hex(8)
        # A session that joins from here on comes after its beginning in the log, and belongs to it.
        self._delivery.begin_incarnation(incarnation)
        await self._start_node(self.peers.wall_ms(), incarnation)

    # --- what is watched ------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Note when the log can't be heard, and when others can't. Runs until it is cancelled."""
        sent_away = False
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._tail.silent_seconds > DEAF_SECONDS:
                self.peers.be_deaf()
            # That the tail is heard proves nothing: its server may have lost touch with the others, as this node has.
            self._learn_end(self._nobody_knew_more(), self._tail.last)
            is_cut_off = self._tail.silent_seconds > CUT_OFF_SECONDS and not self.connection.is_connected
            if is_cut_off or self._has_given_up or self._age > BEHIND_SECONDS:
                if self._begun:
                    if not sent_away:
                        _LOG.warning("the cluster's log is out of reach; clients are sent to other nodes")
                    self._delivery.abandon()  # again and again: somebody may have been about to come in
                sent_away = True
            else:
                sent_away = False
            if self._begun:
                self._bury_the_dead()

    def _learn_end(self, at: float, last: int) -> None:
        self._tail.learn(last)
        self._freshness.aim(at, last)
        self._freshness.reach(self.position)

    def _nobody_knew_more(self) -> float:
        """Until when none of the others had come further. If only the log has no leader, they go on saying so; a node
        that is cut off no longer hears it.
        """
        others = [node for node, one in self.nodes.items() if node != self.node and not one.ended]
        return self.peers.none_further(others, self.position)

    def _bury_the_dead(self) -> None:
        """End the incarnations of nodes that have been silent for long. All nodes propose that, and one is heeded."""
        for node, known in self.nodes.items():
            if known.ended:
                self.peers.forget(node)
            elif node != self.node and known.id not in self._buried and self.peers.is_dead(node, known.id):
                self._buried.add(known.id)
                _LOG.warning("a node is gone", node=node)
                self.propose(EndNode("", self.peers.wall_ms(), node, known.id), self._burying(known.id))

    def _burying(self, incarnation: str) -> Reply:
        def reply(outcome: Outcome) -> None:
            if isinstance(outcome, Rejection):
                self._buried.discard(incarnation)

        return reply

    async def _watch_leader(self) -> None:
        """Count the stream's leaders, and know its size. Runs until it is cancelled."""
        while True:
            asked = self._loop.time()
            try:
                info = await self.connection.info()
            except (TimeoutError, Refusal, nats.errors.Error, OSError):
                info = None
            if info is not None:
                if self.stream is not None and info.leader and info.leader != self.stream.leader:
                    self.elections += 1
                if self.stream is not None and info.generation != self.stream.generation:
                    self._on_fatal(StoreError("the cluster's log was replaced by another one", "start this node again"))
                self.stream = info
                self._learn_end(asked - info.alone_seconds, info.last)
            await asyncio.sleep(LEADER_SECONDS)

    # --- the end --------------------------------------------------------------------------------------------

    async def close(self) -> None:
        if self._begun and self._applier.is_alive and self.connection.is_connected:
            self._closing = True
            farewell = EndNode("", self.peers.wall_ms(), self.node, self.incarnation)
            outcome, reply = expected()
            self._publisher.propose(farewell, reply)
            await asyncio.wait([outcome], timeout=CLOSE_SECONDS)
        self._closing = True
        await end([*self._tasks, *([self._beginning] if self._beginning else [])])
        await self._tail.close()
        await self._applier.close()
        await self.connection.close()


def _namesake(node: str) -> StoreError:
    return StoreError(f"another server calls itself {node!r}", "give this one a --node of its own")
