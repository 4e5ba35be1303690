"""Coming to a cluster's log: the connection, the secret, and whether the log is the one that this node's data is of."""

from __future__ import annotations

from typing import Final, NamedTuple

from chatty.server.platform.pipeline.log.jetstream.connection import (
    Connection,
    StreamInfo,
    connect,
    derived,
    secret_of,
    stream_of,
)
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import LogState
from chatty.server.settings import SettingError, Settings

ORIGIN: Final = "origin"
BEGIN: Final = "begin"
RESTORE: Final = "restore"
MOVE: Final = "move"
"""How a log came about: with nothing in it, from a backup, or from a server on its own. Unless it began with nothing,
there is a snapshot from which all nodes begin."""
SECRET: Final = "secret"


class Identity(NamedTuple):
    """Who a node is: its name, the cluster's secret, and a digest of the settings that all nodes have to share."""

    node: str
    secret: bytes
    settings: str


def metadata(secret: bytes, origin: str) -> dict[str, str]:
    """What is noted with a new log: how it came about, and by which secret its nodes know each other."""
    return {ORIGIN: origin, SECRET: derived(secret, "check").hex()}


async def reach(settings: Settings, *, create: bool) -> tuple[Connection, StreamInfo, bytes]:
    """The cluster's log, which is made if there is none and ``create`` says so, and the secret.

    Waits until there is a quorum of servers. Raises SettingError for settings that don't fit, and StoreError if the
    log is gone.
    """
    secret = secret_of(settings.secret_file)
    connection = await connect(settings.log, f"chatty {settings.node}")
    info = await stream_of(connection, settings.replicas, metadata(secret, BEGIN), create=create)
    if info.metadata.get(SECRET) != derived(secret, "check").hex():
        await connection.close()
        raise SettingError(
            "this is not the secret of the cluster whose log is there",
            "give this node the same --secret-file as the others",
        )
    return connection, info, secret


def check_fit(known: LogState, info: StreamInfo) -> None:
    """Raise StoreError if data that has come to ``known`` can't go on with the log."""
    if known.generation and known.generation != info.generation:
        raise StoreError(
            f"the data is of another log ({known.generation}) than the one that is there ({info.generation})",
            "see --log; or, to begin with that log, move the data directory away",
        )
    if known.position > info.last:
        raise StoreError(
            f"the log ends at {info.last}, but this node has already applied {known.position}",
            "the servers of NATS have lost messages; keep a copy of the data, and see: chatty cluster restore --help",
        )
    if info.first > known.position + 1:
        raise StoreError(
            f"the log begins at {info.first}, and this node has only come to {known.position}",
            "it needs a snapshot, and there is none; see: chatty cluster doctor",
        )
