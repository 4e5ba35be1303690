"""One node takes snapshots when they are due. Then the log is purged, and deleted texts are gone for good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from chatty.server.business.entries import Delete
from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.jetstream import keeper as keepers
from chatty.server.platform.pipeline.log.jetstream.bucket import CHUNKS, META, Bucket
from chatty.server.platform.pipeline.log.jetstream.bucket import STREAM as BUCKET
from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, Connection
from chatty.server.platform.pipeline.log.jetstream.keeper import ASK, Keeper, Policy
from chatty.server.platform.pipeline.log.jetstream.snapshots import take
from chatty.server.platform.store.data_directory import DATABASE
from tests.server.platform.conftest import AT, ROOM
from tests.server.platform.pipeline.log.jetstream.conftest import Replica, begun, now
from tests.server.principals import speaker
from tests.support.nats import Nats

NEVER = 1e9


def policy(**due: float) -> Policy:
    """One by which nothing is due but what is named."""
    never = {"messages": 1 << 60, "bytes": 1 << 60, "day": NEVER, "erasure": NEVER, "start": NEVER, "look": 0.02}
    return Policy(**never | {"share": NEVER} | due)  # type: ignore[arg-type]


def nobody(_: int) -> bool:
    """Nobody is behind."""
    return False


async def positions(connection: Connection) -> list[int]:
    return [one.position for one in await Bucket(connection).snapshots()]


@contextlib.asynccontextmanager
async def running(keeper: Keeper) -> AsyncIterator[None]:
    task = asyncio.ensure_future(keeper.run())
    yield
    assert not task.done()
    task.cancel()


async def subjects(connection: Connection, begin: str) -> dict[str, int]:
    answer = await connection.api(f"STREAM.INFO.{BUCKET}", {"subjects_filter": f"{begin}>"})
    return answer["state"].get("subjects") or {}


async def test_two_snapshots_are_kept_and_the_log_since_the_older_one(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    keeper = Keeper(connection, replica.store, replica, 1, nobody, policy(messages=2))
    for texts, kept, first in (
        ("a", [2], 1), ("b", [2], 1), ("c", [4, 2], 3), ("de", [6, 4], 5), ("fgh", [9, 6], 7),
    ):  # fmt: skip
        await replica.say(*texts)
        await keeper.look()
        assert (await positions(connection), (await now(connection)).first) == (kept, first)
    assert len(await subjects(connection, META)) == len(await subjects(connection, CHUNKS)) == 2
    replica.close()


async def test_a_long_log_is_purged_a_step_at_a_time(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    await replica.say(*("x" * 1_000 for _ in range(8)))
    last = (await take(connection, replica.store.path, 1)).position
    await replica.say("new")
    firsts: list[int] = []
    ask = connection.api

    async def api(what: str, body: Any = None, seconds: float = 10.0) -> dict[str, Any]:
        if what == f"STREAM.PURGE.{STREAM}":
            firsts.append(body["seq"])
        return await ask(what, body, seconds)

    monkeypatch.setattr(connection, "api", api)
    monkeypatch.setattr(keepers, "PURGE_BYTES", 2_500)
    await Keeper(connection, replica.store, replica, 1, nobody, policy(messages=1)).look()
    assert firsts == [3, 5, 7, 9, last + 1]
    assert (await now(connection)).first == last + 1
    replica.close()


async def test_a_snapshot_is_due_by_the_logs_bytes_and_once_a_day_if_there_is_anything_new(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    by_bytes = Keeper(connection, replica.store, replica, 1, nobody, policy(bytes=2_000))
    await by_bytes.look()
    assert await positions(connection) == []
    await replica.say("x" * 2_000)
    await by_bytes.look()
    await by_bytes.look()
    assert await positions(connection) == [2]
    daily = Keeper(connection, replica.store, replica, 1, nobody, policy(day=86_400))
    await daily.look()
    monkeypatch.setattr(keepers, "wall_ms", lambda: wall_ms() + 86_401_000)
    await daily.look()
    assert await positions(connection) == [2]
    await replica.say("new")
    await daily.look()
    assert await positions(connection) == [3, 2]
    replica.close()


def files_with(servers: Nats, text: bytes) -> list[str]:
    return [file.name for file in servers.servers[0].data.rglob("*") if file.is_file() and text in file.read_bytes()]


async def delete(replica: Replica, of: int) -> None:
    await replica.apply(Delete(ROOM, AT, of, who=speaker("Ada", b"a" * 16)))


async def test_what_was_deleted_is_soon_in_no_snapshot_and_not_in_the_log(
    connection: Connection, nats_server: Nats, tmp_path: Path
) -> None:
    text = "a text that somebody regrets"
    _, replica = await begun(connection, tmp_path / DATABASE)
    await replica.say("before", text, "after")
    for _ in range(2):
        await take(connection, replica.store.path, 1)
        await replica.say("more")
    assert files_with(nats_server, text.encode())
    async with running(Keeper(connection, replica.store, replica, 1, nobody, policy(erasure=0))):
        await delete(replica, 2)
        deleted_at = replica.position
        while (await now(connection)).first <= deleted_at or (await positions(connection))[-1] < deleted_at:
            await replica.say("life goes on")
        await replica.say("and on")
        while files_with(nats_server, text.encode()):
            await asyncio.sleep(0.05)
    replica.close()
    assert text.encode() not in replica.store.path.read_bytes()


async def test_a_deletion_before_the_start_is_not_forgotten(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    await replica.say("regretted")
    await take(connection, replica.store.path, 1)
    await delete(replica, 1)
    deleted_at = replica.position
    starting = Keeper(connection, replica.store, replica, 1, nobody, policy(start=0))
    await meanwhile_talking(replica, starting.look())
    (kept,) = await positions(connection)
    assert kept > deleted_at
    assert (await now(connection)).first == kept + 1
    await starting.look()
    await Keeper(connection, replica.store, replica, 1, nobody, policy(start=NEVER)).look()
    assert await positions(connection) == [kept]
    again = Keeper(connection, replica.store, replica, 1, nobody, policy(start=0))
    await meanwhile_talking(replica, again.look())
    assert (await positions(connection))[0] > kept
    replica.close()


async def meanwhile_talking(replica: Replica, work: Coroutine[None, None, None]) -> None:
    working = asyncio.ensure_future(work)
    while not working.done():
        await replica.say("life goes on")
    await working


async def test_nodes_that_are_behind_are_waited_for_but_not_forever(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    behind = [True, True, False]
    patient = Keeper(connection, replica.store, replica, 1, lambda _: behind.pop(0), policy(messages=1, patience=NEVER))
    for text in ("one", "two"):
        await patient.look()
        await replica.say(text)
    assert behind == []
    assert (await now(connection)).first == 2
    await Keeper(connection, replica.store, replica, 1, lambda _: True, policy(messages=1, patience=0)).look()
    assert (await now(connection)).first == 3
    replica.close()


class Second(Replica):
    """It is never its turn."""

    def __init__(self, path: Path, connection: Connection, generation: str) -> None:
        super().__init__(path, connection, generation)
        self.asked = asyncio.Event()

    def rank(self, room: str) -> int:
        self.asked.set()
        return 1


async def test_only_the_node_whose_turn_it_is_takes_snapshots(connection: Connection, tmp_path: Path) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE)
    second = Second(tmp_path / "b" / DATABASE, connection, info.generation)
    async with running(Keeper(connection, second.store, second, 1, nobody, policy(messages=1, start=0))):
        for _ in range(2):
            second.asked.clear()
            await second.asked.wait()
        assert await positions(connection) == []
        async with running(Keeper(connection, replica.store, replica, 1, nobody, policy(messages=1))):
            while await positions(connection) != [1]:
                await asyncio.sleep(0.02)
    replica.close()
    second.close()


async def test_a_fresh_snapshot_can_be_asked_for(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / DATABASE)
    await replica.say("one")
    async with running(Keeper(connection, replica.store, replica, 1, nobody, policy())):
        await asyncio.sleep(0)  # it subscribes
        for position in (2, 2, 3):
            if position > replica.position:
                await replica.say("two")
            answer = await connection.client.request(ASK, b"", timeout=10)
            assert (answer.data, (await positions(connection))[0]) == (str(position).encode(), position)
    replica.close()
