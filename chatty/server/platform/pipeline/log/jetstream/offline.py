"""A cluster's log while no node runs: it is begun anew with a backup, or with the data of a server on its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import nats.errors

from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.jetstream.bucket import Broken, Bucket, Snapshot
from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, Connection, StreamInfo, stream_of
from chatty.server.platform.pipeline.log.jetstream.keeper import ASK
from chatty.server.platform.pipeline.log.jetstream.opening import metadata
from chatty.server.platform.pipeline.log.jetstream.peers import ALIVE
from chatty.server.platform.pipeline.log.jetstream.snapshots import put
from chatty.server.platform.store.copies.moving import join_log
from chatty.server.platform.store.copies.snapshot import PACKED, pack
from chatty.server.platform.store.errors import StoreError

LISTEN_SECONDS: Final = 2.5
"""Nodes say every second that they live."""
SNAPSHOT_SECONDS: Final = 1800.0
"""How long a node may take for a snapshot."""


async def check_stopped(connection: Connection) -> None:
    """Raise StoreError if a node of the cluster runs."""
    heard = asyncio.Event()

    async def hear(_: object) -> None:
        heard.set()

    subscription = await connection.client.subscribe(ALIVE, cb=hear)
    try:
        async with asyncio.timeout(LISTEN_SECONDS):
            await heard.wait()
    except TimeoutError:
        return
    finally:
        await connection.quietly(subscription.unsubscribe())
    raise StoreError("a node of the cluster is running", "stop all nodes first; the servers of NATS go on")


async def begin_with(connection: Connection, fresh: Path, secret: bytes, origin: str, replicas: int) -> StreamInfo:
    """Begin a new log in the place of one that may be there, with the database ``fresh`` as its snapshot 0.

    If it fails in the middle, the log is there, and no node begins without the snapshot. Then it has to be done again.
    Raises StoreError, or errors of NATS.
    """
    if await connection.info() is not None:
        await connection.api(f"STREAM.DELETE.{STREAM}", seconds=10)
    info = await stream_of(connection, replicas, metadata(secret, origin), create=True)
    await asyncio.to_thread(join_log, fresh, info.generation)
    bucket = Bucket(connection)
    packed = fresh.with_name(PACKED)
    try:
        await asyncio.to_thread(pack, fresh, packed)
        await put(bucket, packed, info.generation, 0, replicas)
    finally:
        packed.unlink(missing_ok=True)
    await bucket.keep_only(await bucket.snapshots(info.generation), wall_ms())
    return info


async def fetch_fresh(connection: Connection, file: Path) -> tuple[Snapshot, bool]:
    """Fetch a snapshot into ``file``: a fresh one if a node runs, and otherwise the newest that there is.

    Gives also whether it is a fresh one. Raises StoreError if there is none that can be read.
    """
    is_fresh = True
    try:
        await connection.client.request(ASK, b"", timeout=SNAPSHOT_SECONDS)
    except (nats.errors.NoRespondersError, TimeoutError):
        is_fresh = False
    info = await connection.info()
    for one in await Bucket(connection).snapshots(info.generation if info else ""):
        try:
            await Bucket(connection).download(one, file)
        except Broken:
            is_fresh = False
            continue
        return one, is_fresh
    raise StoreError(
        "there is no snapshot of the cluster that can be read", "start a node; or back up one's data: chatty backup"
    )
