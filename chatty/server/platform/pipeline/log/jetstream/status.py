"""What this node knows of its cluster, for those who run it, and whether all nodes agree."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec
import nats.errors
import structlog
from msgspec.structs import replace
from nats.aio.msg import Msg

from chatty.clusters import (
    ClusterStatus,
    Examination,
    LogServerStatus,
    LogStatus,
    NodePrint,
    NodeStatus,
    ReplicaStatus,
    SnapshotStatus,
    TablePrint,
)
from chatty.events import rfc3339
from chatty.server.business.entries import Entry, Rejection
from chatty.server.business.nodes import LEVEL, Fingerprint, RaiseLevel
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.jetstream.bucket import Bucket
from chatty.server.platform.pipeline.log.jetstream.connection import SERVERS, Connection, Refusal, StreamInfo
from chatty.server.platform.pipeline.log.jetstream.examination import problems
from chatty.server.platform.pipeline.log.jetstream.keeper import TURN
from chatty.server.platform.pipeline.log.jetstream.peers import Alive, Peers
from chatty.server.platform.pipeline.log.jetstream.warnings import warnings
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import Incarnation
from chatty.server.platform.store.table_hashes import Frozen

COMPARED: Final = "chatty.fingerprint."
COMPARE_SECONDS: Final = 60.0
"""How long a node may take to hash its tables."""
LOOK_SECONDS: Final = 0.1
OFFLINE_NS: Final = 5_000_000_000
"""How long a server of NATS has to be silent, if the others have not found out that it is offline."""

_LOG = structlog.get_logger("chatty")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(NodePrint).decode


class WatchedLog(Protocol):
    """What is asked of a node's log."""

    node: str
    connection: Connection
    peers: Peers
    level: int
    nodes: dict[str, Incarnation]
    stream: StreamInfo | None

    def describe(self) -> Alive:
        """What this node says of itself."""

    async def commit(self, entry: Entry) -> Outcome:
        """See `Log`."""


class Operator:
    """The cluster, as those see it who run it. See `ClusterOperator`."""

    def __init__(self, log: WatchedLog, directory: Path) -> None:
        """``directory`` is where the node keeps its data."""
        self._log, self._directory = log, directory
        self._loop = asyncio.get_running_loop()
        self._answering: set[asyncio.Task[None]] = set()

    async def status(self) -> ClusterStatus:
        log = self._log
        stream, servers, snapshots = log.stream, list[LogServerStatus](), list[SnapshotStatus]()
        is_silent = True
        with contextlib.suppress(nats.errors.Error, Refusal, TimeoutError, OSError):
            stream = await log.connection.info() or stream
            is_silent = False
            servers = await self._servers(len(stream.replicas) + 1 if stream else 1)
            found = await Bucket(log.connection).snapshots(stream.generation if stream else "")
            snapshots = [SnapshotStatus(one.position, one.bytes, rfc3339(one.at)) for one in found]
        assert stream is not None, "a log that is open has a stream"
        status = ClusterStatus(
            log.node, log.level, log_status(stream, servers), self._nodes(stream.last), snapshots
        )  # fmt: skip
        if is_silent:
            status = replace(status, log=replace(status.log, is_silent=True))
        return replace(status, warnings=warnings(status, log.peers.strangers))

    async def _servers(self, most: int) -> list[LogServerStatus]:
        answers = [json.loads(answer) for answer in await self._log.connection.ask_all(SERVERS, most)]
        return sorted((_server(answer) for answer in answers if "data" in answer), key=lambda server: server.name)

    def _nodes(self, last: int) -> list[NodeStatus]:
        log, now = self._log, self._loop.time()
        living = set(log.peers.living())
        mine = log.describe()
        found = {log.node: _node(mine, max(0, last - mine.position), 0, 0.0, rank=log.peers.rank(TURN))}
        for name, heard in log.peers.heard.items():
            silent = 0.0 if name in living else now - heard.at
            lag = max(0, last - heard.alive.position) if silent else heard.lag
            found[name] = _node(heard.alive, lag, heard.skew, round(silent, 1))
        for name, known in log.nodes.items():
            if name not in found or known.ended:
                found[name] = NodeStatus(name, known.id, ended=known.ended, trouble="" if known.ended else "unheard")
        return [found[name] for name in sorted(found)]

    # --- levels ---------------------------------------------------------------------------------------------

    async def raise_level(self, level: int, at: int) -> Outcome:
        """Raise the log's level, if all nodes know it. Those that are not heard of have to be gone for good."""
        log = self._log
        known = {log.node: LEVEL, **{name: heard.alive.knows for name, heard in log.peers.heard.items()}}
        for name, node in log.nodes.items():
            if not node.ended and known.get(name, 0) < level:
                why = f"knows level {known[name]}" if name in known else "is not heard of"
                return Rejection("bad_request", f"Level {level} needs all nodes to know it, and {name} {why}.")
        return await log.commit(RaiseLevel("", at, level))

    # --- comparing ------------------------------------------------------------------------------------------

    async def examine(self, at: int) -> Examination | Rejection:
        log, which = self._log, secrets.token_hex(8)
        prints: dict[str, NodePrint] = {}

        async def take(message: Msg) -> None:
            body = log.peers.unsealed(message.data)
            if body is not None:
                found = _decode(body)
                prints[found.node] = found

        subscription = await log.connection.client.subscribe(COMPARED + which, cb=take)
        try:
            outcome = await log.commit(Fingerprint("", at, which))
            if isinstance(outcome, Rejection):
                return outcome
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COMPARE_SECONDS):
                    while not prints.keys() >= set(log.peers.living()):
                        await asyncio.sleep(LOOK_SECONDS)
        finally:
            await log.connection.quietly(subscription.unsubscribe())
        wanted = {name for name, node in log.nodes.items() if not node.ended}
        generation = log.stream.generation if log.stream else ""
        return Examination(
            [prints[name] for name in sorted(prints)], sorted(wanted - prints.keys()),
            await problems(log.connection, generation, self._directory),
        )  # fmt: skip

    def answer(self, id: str, frozen: Frozen) -> None:
        """Hash the tables of this node, and tell the one who asks."""
        task = self._loop.create_task(self._answer(id, frozen))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, id: str, frozen: Frozen) -> None:
        log = self._log
        try:
            hashes = await asyncio.to_thread(frozen.hashes)
        except StoreError as error:
            _LOG.error("the tables can't be hashed", error=str(error))
            return
        tables = {name: TablePrint(one.rows, one.hash) for name, one in hashes.items()}
        body = log.peers.sealed(_encode(NodePrint(log.node, frozen.position, tables)))
        await log.connection.quietly(log.connection.client.publish(COMPARED + id, body))


def log_status(stream: StreamInfo, servers: list[LogServerStatus]) -> LogStatus:
    """The log as its stream's ``info`` describes it."""
    config = stream.config
    replicas = [_replica(replica) for replica in stream.replicas]
    if stream.leader:
        replicas.append(ReplicaStatus(stream.leader, is_leader=True))
    return LogStatus(
        config.get("name", ""), stream.generation, stream.first, stream.last, stream.bytes, stream.leader,
        config.get("num_replicas", 1), config.get("discard", ""),
        sorted(replicas, key=lambda replica: replica.server), servers,
        config.get("max_age", 0) // 1_000_000, config.get("max_bytes", -1),
    )  # fmt: skip


def _replica(told: Mapping[str, object]) -> ReplicaStatus:
    lag, silent_ns = told.get("lag"), told.get("active")
    is_current = bool(told.get("current"))
    # A leader that has never heard of a server says 0, or nothing.
    is_silent = not is_current and (not isinstance(silent_ns, int) or not 0 < silent_ns <= OFFLINE_NS)
    return ReplicaStatus(
        str(told.get("name", "")), is_current=is_current, is_offline=bool(told.get("offline")) or is_silent,
        lag=lag if isinstance(lag, int) else 0,
    )  # fmt: skip


def _server(answer: Mapping[str, Mapping[str, object]]) -> LogServerStatus:
    server, data = answer["server"], answer["data"]
    config = data.get("config")
    config = config if isinstance(config, dict) else {}
    used = data.get("storage")
    free = int(config.get("max_storage", 0)) - (used if isinstance(used, int) else 0)
    return LogServerStatus(
        str(server.get("name", "")), str(server.get("ver", "")), bool(config.get("sync_always")), max(0, free)
    )


def _node(alive: Alive, lag: int, skew: int, silent: float, rank: int | None = None) -> NodeStatus:
    return NodeStatus(
        alive.node, alive.incarnation, alive.version, alive.level, alive.knows, alive.position,
        lag, skew, alive.mark, alive.chain.hex(), alive.members, alive.disk_free,
        alive.settings, silent, alive.trouble, rank=rank,
    )  # fmt: skip
