"""A node of a cluster, put together: its log, its clock, and its figures. Only a server with ``--log`` imports this."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable

from chatty.ksuid import SIZE, as_text
from chatty.server.memory_limit import Budget
from chatty.server.platform.pipeline.clock import Clock
from chatty.server.platform.pipeline.log.jetstream.connection import Connection, StreamInfo, derived, stream_of
from chatty.server.platform.pipeline.log.jetstream.keeper import Keeper
from chatty.server.platform.pipeline.log.jetstream.log import JetStreamLog
from chatty.server.platform.pipeline.log.jetstream.opening import Identity, check_fit, reach
from chatty.server.platform.pipeline.log.jetstream.snapshots import fetch_if_needed
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import peek
from chatty.server.settings import Settings


class Cluster:
    """The cluster's log, before there is a node to deliver to."""

    def __init__(self, settings: Settings, connection: Connection, stream: StreamInfo, secret: bytes) -> None:
        self._settings, self._connection, self._stream, self._secret = settings, connection, stream, secret

    @classmethod
    async def reach(cls, settings: Settings, *, had_data: bool) -> Cluster:
        """Reach the log that the settings name, and take a snapshot if this node's data doesn't go on there.

        ``had_data``: this node has, or had, data of a log, so none is made. Raises SettingError or StoreError.
        """
        database = settings.data / DATABASE
        known = peek(database)
        if known.is_plain:
            raise StoreError(
                f"{database} is that of a server on its own, and not of a cluster's node",
                "to begin a cluster with it, see: chatty cluster move --help; or choose another --data directory",
            )
        connection, info, secret = await reach(settings, create=not (known.state.generation or had_data))
        if await fetch_if_needed(connection, info, database):
            info = await stream_of(connection, settings.replicas, info.metadata, create=False)  # it has gone on
        check_fit(peek(database).state, info)
        return cls(settings, connection, info, secret)

    async def join(self, node: Node, store: Store, share: Budget, on_fatal: Callable[[BaseException], None]) -> None:
        """Give ``node`` this log, and begin its incarnation. Raises StoreError."""
        settings = self._settings
        identity = Identity(node.name, self._secret, _digest(settings))
        log = JetStreamLog(
            store, node, self._connection, identity, on_fatal=on_fatal, most_waiting=share.waiting
        )  # fmt: skip
        log.members = lambda: len(node.sessions)
        log.disk_free = lambda: shutil.disk_usage(settings.data).free
        node.log = log
        # The others say when this clock is wrong, and until it is right it is held back.
        node.clock = Clock(lambda _: None, log.peers.wall_ms)
        node.shared_room = self._room_id
        node.metrics.log = log.figures
        await log.open(self._stream)
        await log.begin(node.now())
        replicas = self._stream.config["num_replicas"]
        log.keep(Keeper(self._connection, store, log, replicas, log.peers.someone_is_behind).run())
        node.begin_incarnation(log.incarnation)

    # The time in such an id means nothing.
    def _room_id(self, name: str, number: int) -> str:
        return as_text(derived(self._secret, f"room {number} {name}")[:SIZE])


def _digest(settings: Settings) -> str:
    """Of the settings that have to be the same on all nodes."""
    said = (settings.retain_events, settings.retain_age, settings.room_members, settings.access, settings.replicas)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
