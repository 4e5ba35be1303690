"""Whether a node that begins anew would get everything: from the newest snapshot, and from the log after it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import nats.errors

from chatty.server.platform.pipeline.log.jetstream.bucket import Broken, Bucket, Snapshot
from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, Connection, Refusal
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.doctor import examine
from chatty.server.platform.store.errors import StoreError


async def problems(connection: Connection, generation: str, directory: Path) -> list[str]:
    """What is wrong with the snapshots and the log, as sentences. ``directory`` has room for a database meanwhile."""
    try:
        found = await Bucket(connection).snapshots(generation)
        broken = await _fetched(connection, found[0], directory) if found else []
        return [*broken, *await _holes(connection, found[0].position if found else 0)]
    except (nats.errors.Error, Refusal, TimeoutError) as error:
        return [f"The cluster's log does not answer ({str(error) or type(error).__name__})."]
    except OSError as error:
        return [f"The newest snapshot can't be stored for a look at it ({error.strerror or error})."]


async def _fetched(connection: Connection, one: Snapshot, directory: Path) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="examined-", dir=directory) as place:
        database = Path(place, DATABASE)
        try:
            await Bucket(connection).download(one, database)
            found = await asyncio.to_thread(examine, database)
        except (Broken, StoreError) as error:
            found = [str(error)]
    return [f"The snapshot up to {one.position:,} is damaged: {problem}" for problem in found]


async def _holes(connection: Connection, position: int) -> list[str]:
    state = (await connection.api(f"STREAM.INFO.{STREAM}"))["state"]
    first, last, messages = state["first_seq"], state["last_seq"], state["messages"]
    if last == 0:
        return []
    found = []
    if first > position + 1:
        found.append(f"The log begins at {first:,}, and the newest snapshot only goes up to {position:,}.")
    if messages != last - first + 1:
        found.append(f"The log lacks {last - first + 1 - messages:,} of its messages between {first:,} and {last:,}.")
    return found
