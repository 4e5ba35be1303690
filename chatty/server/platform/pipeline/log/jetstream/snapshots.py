"""Snapshots of a node's database in JetStream, for nodes that begin anew or have missed what the log no longer has."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import BinaryIO, Final

import nats.errors
import structlog
from msgspec import Struct

from chatty.server.platform.pipeline.log.jetstream.bucket import Broken, Bucket, Snapshot
from chatty.server.platform.pipeline.log.jetstream.connection import Connection, Refusal, StreamInfo
from chatty.server.platform.pipeline.log.jetstream.opening import BEGIN, ORIGIN
from chatty.server.platform.store.copies import packing
from chatty.server.platform.store.copies import snapshot as copies
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import LogState, peek

LONG_BYTES: Final = 16 << 20
"""Bytes of the log that are replayed within a second or so: for less, no snapshot is looked for."""

REST_SECONDS: Final = 0.1

_ANEW: Final = "start a node that has all of it first; or see: chatty cluster restore --help"
_LOG = structlog.get_logger("chatty")


class Taken(Struct, frozen=True):
    """A snapshot that was made: its position, and how long that took, in seconds."""

    position: int
    seconds: float


async def take(connection: Connection, database: Path, replicas: int) -> Taken:
    """Make a snapshot of a database that is in use. Raises StoreError, OSError, or as `Bucket` does."""
    began = time.monotonic()
    packed = database.with_name(copies.PACKED)
    try:
        generation, position = await _packed(database, packed)
        await put(Bucket(connection), packed, generation, position, replicas)
    finally:
        packed.unlink(missing_ok=True)
    seconds = time.monotonic() - began
    _LOG.info("took a snapshot", position=position, seconds=round(seconds, 2))
    return Taken(position, seconds)


async def _packed(database: Path, packed: Path) -> tuple[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", packing.__name__, os.fspath(database), os.fspath(packed), stdout=PIPE, stderr=PIPE
    )
    try:
        said, wrong = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
            copies.discard(database.with_name(copies.FRESH))
    if process.returncode:
        raise StoreError(wrong.decode(errors="replace").strip(), "see the disk's space")
    generation, position = said.decode().split()
    return generation, int(position)


async def put(bucket: Bucket, packed: Path, generation: str, position: int, replicas: int) -> None:
    """Put a snapshot into the bucket. Raises as `take` does."""
    await bucket.create(replicas)
    with packed.open("rb") as file:
        await bucket.put(generation, position, _Unhurried(file))


class _Unhurried:
    """Reads a file, and rests as long as storing the part before took, because others want to store things, too."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read_at = 0.0

    def readinto(self, buffer: bytearray) -> int:
        if self._read_at:
            time.sleep(min(REST_SECONDS, time.monotonic() - self._read_at))
        count = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._read_at = time.monotonic()
        return int(count)


async def fetch_if_needed(connection: Connection, info: StreamInfo, database: Path) -> bool:
    """Let this node begin with a snapshot if what it has doesn't go on in the log's stream, as ``info`` describes it.

    Gives whether ``database`` is a new one now. Nobody may have it open.
    Raises StoreError if it can't be used and no snapshot may take its place, or there is none.
    """
    for left in (copies.FRESH, copies.PACKED):  # by a process that was killed
        copies.discard(database.with_name(left))
    state = copies.log_state(database)
    has_origin = info.metadata.get(ORIGIN, BEGIN) != BEGIN
    if state is not None and state.generation != info.generation:
        _check_may_go(state, database, info, replaced=has_origin)
        if not state.generation:
            copies.discard(database)
            state = None
    position = state.position if state is not None and state.generation == info.generation else -1
    must = position + 1 < info.first if position >= 0 else has_origin or info.first > 1
    if not must and info.bytes_between(position, info.last) < LONG_BYTES:
        return False
    return await _fetch(connection, info, database, max(position, 0), must=must, keep=position < 0)


def _check_may_go(state: LogState, database: Path, info: StreamInfo, *, replaced: bool) -> None:
    """Raise StoreError for data that a snapshot of another log may not replace."""
    if state.generation:
        if not replaced:
            raise StoreError(
                f"the data in {database.parent} is of another log: of {state.generation}, and this one is of"
                f" {info.generation}",
                "see --log and --data; a node without data takes that of its cluster",
            )
    elif peek(database).is_plain:
        raise StoreError(
            f"the data in {database.parent} is of a server by itself, and not of a cluster's node",
            "to begin a cluster with it, see: chatty cluster move --help; or choose another --data directory",
        )


async def _fetch(
    connection: Connection, info: StreamInfo, database: Path, position: int, *, must: bool, keep: bool
) -> bool:
    """Fetch the newest snapshot that goes on in the stream.

    Unless there ``must`` be one, it has to be worth while.
    """
    while True:
        try:
            found = await Bucket(connection).snapshots(info.generation)
            usable = [one for one in found if one.position + 1 >= info.first]
            if not must:
                usable = [one for one in usable if _is_worth_while(one, info, position)]
            for one in usable:
                if await _install(connection, one, database, keep=keep):
                    return True
            if must:
                raise StoreError(
                    f"the log goes on from message {info.first}, and no snapshot up to there can be read", _ANEW
                )
            return False
        except (nats.errors.Error, Refusal, TimeoutError) as error:
            _LOG.warning("no snapshot can be fetched; it is tried again", error=str(error) or type(error).__name__)
            await asyncio.sleep(1)
            info = await connection.info() or info


def _is_worth_while(one: Snapshot, info: StreamInfo, position: int) -> bool:
    """Whether a snapshot is there sooner than what the log has from ``position`` on up to there.

    A byte of either takes about as long. But a snapshot replaces the search index, too, so a node that has most of it
    already goes on from there.
    """
    return one.position > 2 * position and one.bytes < info.bytes_between(position, one.position)


async def _install(connection: Connection, one: Snapshot, database: Path, *, keep: bool) -> bool:
    """Fetch a snapshot and put it in place; False if it is broken."""
    began = time.monotonic()
    fresh = database.with_name(copies.FRESH)
    try:
        await Bucket(connection).download(one, fresh)
        state = await asyncio.to_thread(copies.check, fresh)
        if (state.generation, state.position) != (one.generation, one.position):
            raise Broken("it is not what its name says")
        await asyncio.to_thread(copies.put_in_place, fresh, database, keep=keep)
    except (Broken, StoreError) as error:
        _LOG.error("a snapshot is broken", position=one.position, error=str(error))
        return False
    except TimeoutError:  # which is an OSError, too
        raise
    except OSError as error:
        raise StoreError(
            f"a snapshot can't be stored in {database.parent} ({(error.strerror or str(error)).lower()})",
            "see the disk's space and the directory's permissions",
        ) from error
    finally:
        copies.discard(fresh)
    _LOG.info("began with a snapshot", position=one.position, seconds=round(time.monotonic() - began, 2))
    return True
