"""The place in JetStream's object store where snapshots lie. `nats object` can list and get them, too.

An object's name says which log it is of and how far that is applied in it.
Objects are written and read by nats-py; what is there, and what can go, is asked of
the stream behind the bucket, because that takes one question and no consumer.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol, cast

import nats.js.errors
from msgspec import Struct
from nats.js.object_store import ObjectStore

from chatty.server.platform.pipeline.log.jetstream.connection import NO_STREAM, Connection, Refusal
from chatty.server.platform.store.copies.snapshot import Decompressing
from chatty.server.platform.store.errors import StoreError

BUCKET: Final = "chatty-snapshots"
STREAM: Final = f"OBJ_{BUCKET}"
CHUNKS: Final = f"$O.{BUCKET}.C."
META: Final = f"$O.{BUCKET}.M."

SECONDS: Final = 10.0
"""How long an answer may take while a server is busy or has just been elected."""
STALL_SECONDS: Final = 15.0
"""How long nothing may come of an object that is read."""
ORPHAN_MS: Final = 900_000
"""How old chunks have to be that belong to no object: younger ones may be an object that is being written."""


class Snapshot(Struct, frozen=True):
    """A snapshot of a log up to ``position``: its size as it lies there, and when it was put there.

    ``at`` is in milliseconds since 1970.
    """

    generation: str
    position: int
    bytes: int
    at: int

    @property
    def name(self) -> str:
        """The object's name. Later snapshots of a log have greater ones."""
        return name_of(self.generation, self.position)


class Reader(Protocol):
    """Gives the bytes of an object, in a thread."""

    def readinto(self, buffer: bytearray) -> int:
        """Fill ``buffer`` with the next bytes, and give how many; 0 at the end."""


class Writer(Protocol):
    """Takes the bytes of an object, in a thread."""

    def write(self, data: bytes) -> int:
        """Take the next bytes, and give how many they are."""


class Broken(Exception):
    """An object can't be read as it was written."""


def name_of(generation: str, position: int) -> str:
    """The name of the snapshot of a log up to ``position``."""
    return f"{generation}/{position:016d}"


class Bucket:
    """The snapshots in JetStream. Methods raise Refusal, an error of NATS, or TimeoutError if it doesn't answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # What nats-py publishes with this waits longer than a message in the log would.
        self._objects = ObjectStore(BUCKET, STREAM, connection.client.jetstream(timeout=SECONDS))

    async def create(self, replicas: int) -> None:
        """Make the bucket, unless it is there."""
        config = {
            "name": STREAM, "subjects": [f"{CHUNKS}>", f"{META}>"], "storage": "file", "discard": "new",
            "num_replicas": replicas, "allow_rollup_hdrs": True, "allow_direct": True, "max_age": 0, "max_bytes": -1,
        }  # fmt: skip
        if await self._subjects(META) is None:
            await self._api(f"STREAM.CREATE.{STREAM}", config)

    async def snapshots(self, generation: str = "") -> list[Snapshot]:
        """All snapshots, or those of one log, the newest first."""
        found = []
        for subject in await self._subjects(META) or ():
            last = await self._last(subject)
            if last is None or last[0].get("deleted"):
                continue
            info, at = last
            of, _, position = info["name"].rpartition("/")
            if position.isdigit() and generation in ("", of):
                found.append(Snapshot(of, int(position), info.get("size") or 0, at))
        return sorted(found, key=lambda one: (one.generation, one.position), reverse=True)

    async def put(self, generation: str, position: int, reader: Reader) -> None:
        """Write a snapshot. If that fails, there is none."""
        await self._objects.put(name_of(generation, position), cast(io.BufferedIOBase, reader))

    async def download(self, snapshot: Snapshot, file: Path) -> None:
        """Read a snapshot into ``file`` as the database that it was. Raises as `get` does, and OSError."""
        with file.open("wb") as opened:
            database = Decompressing(opened)
            try:
                await self.get(snapshot, database)
            except StoreError as error:
                raise Broken(str(error)) from error
        if not database.is_whole:
            raise Broken("it does not end")

    async def get(self, snapshot: Snapshot, writer: Writer) -> None:
        """Read a snapshot. Raises Broken if it is damaged, or gone."""
        progress = _Progress(writer)
        getting = asyncio.ensure_future(self._objects.get(snapshot.name, cast(io.BufferedIOBase, progress)))
        try:
            while not (await asyncio.wait([getting], timeout=STALL_SECONDS))[0]:
                if progress.stands_still():
                    raise Broken("nothing comes of it any more")
            getting.result()
        except nats.js.errors.Error as error:
            raise Broken(str(error) or type(error).__name__) from error
        finally:
            getting.cancel()

    async def keep_only(self, snapshots: Iterable[Snapshot], now: int) -> int:
        """Remove all that is not of these, and give how many objects and pieces of objects that was.

        Pieces that belong to nothing may be of a snapshot that is being written, so they have to be old at ``now``,
        which is in milliseconds since 1970.
        """
        names = {one.name for one in snapshots}
        kept, gone = set(), []
        for subject in await self._subjects(META) or ():
            last = await self._last(subject)
            if last is not None and last[0]["name"] in names:
                kept.add(f"{CHUNKS}{last[0]['nuid']}")
            elif last is not None:
                gone += [subject, f"{CHUNKS}{last[0]['nuid']}"]
        for subject in await self._subjects(CHUNKS) or ():
            if subject not in kept and subject not in gone:
                last = await self._last(subject, whole=False)
                if last is not None and now - last[1] > ORPHAN_MS:
                    gone.append(subject)
        for subject in gone:
            await self._api(f"STREAM.PURGE.{STREAM}", {"filter": subject})
        return len(gone)

    async def _subjects(self, begin: str) -> list[str] | None:
        """The subjects that begin so and have something; None if there is no bucket."""
        try:
            answer = await self._api(f"STREAM.INFO.{STREAM}", {"subjects_filter": f"{begin}>"})
        except Refusal as refusal:
            if refusal.number == NO_STREAM:
                return None
            raise
        return sorted(answer["state"].get("subjects") or ())

    async def _last(self, subject: str, *, whole: bool = True) -> tuple[dict[str, Any], int] | None:
        """The last message of ``subject``, as an object if ``whole``, and when it was written."""
        try:
            answer = await self._api(f"STREAM.MSG.GET.{STREAM}", {"last_by_subj": subject})
        except Refusal:
            return None  # it has gone meanwhile
        message = answer["message"]
        info = json.loads(base64.b64decode(message["data"])) if whole else {}
        at = datetime.fromisoformat(f"{message['time'][:19]}+00:00")  # and then nanoseconds
        return info, round(at.timestamp() * 1000)

    async def _api(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._connection.api(what, body, SECONDS)


class _Progress:
    """Passes on what comes, and sees when nothing does."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._count = self._seen = 0

    def write(self, data: bytes) -> int:
        self._count += 1
        return self._writer.write(data)

    def stands_still(self) -> bool:
        """Whether nothing has come since this was asked last."""
        before, self._seen = self._seen, self._count
        return before == self._count
