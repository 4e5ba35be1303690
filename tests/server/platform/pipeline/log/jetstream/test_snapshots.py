"""A node that lacks what the log no longer has begins with a snapshot, and no data that matters is ever replaced."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from chatty.server.business.entries import CreateRoom
from chatty.server.platform.pipeline.log.jetstream import snapshots
from chatty.server.platform.pipeline.log.jetstream.bucket import STREAM as BUCKET
from chatty.server.platform.pipeline.log.jetstream.bucket import Bucket
from chatty.server.platform.pipeline.log.jetstream.connection import STREAM, Connection, stream_of
from chatty.server.platform.pipeline.log.jetstream.offline import fetch_fresh
from chatty.server.platform.pipeline.log.jetstream.opening import BEGIN, MOVE, ORIGIN, RESTORE
from chatty.server.platform.pipeline.log.jetstream.snapshots import fetch_if_needed, take
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.copies.snapshot import ASIDE, FRESH
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.errors import StoreError
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.platform.pipeline.log.jetstream.conftest import Replica, begun, now, tables


async def purge(connection: Connection, seq: int) -> None:
    await connection.api(f"STREAM.PURGE.{STREAM}", {"seq": seq})


def new(tmp_path: Path) -> Path:
    """The database of a node that has no data yet."""
    (tmp_path / "new").mkdir()
    return tmp_path / "new" / DATABASE


async def test_a_new_node_begins_with_the_newest_snapshot_and_is_then_equal(
    connection: Connection, tmp_path: Path
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("one", "two", "three")
    await take(connection, replica.store.path, 1)
    await replica.say("four")
    taken = await take(connection, replica.store.path, 1)
    await purge(connection, taken.position + 1)
    fresh = new(tmp_path)
    assert await fetch_if_needed(connection, await now(connection), fresh)
    replica.close()
    assert tables(fresh) == tables(replica.store.path)
    assert sorted(file.name for file in fresh.parent.iterdir()) == [DATABASE]


async def test_a_log_that_is_whole_needs_no_snapshot(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await take(connection, replica.store.path, 1)
    replica.close()
    assert not await fetch_if_needed(connection, await now(connection), new(tmp_path))
    assert not await fetch_if_needed(connection, await now(connection), replica.store.path)


async def test_a_long_log_is_not_replayed_if_a_snapshot_skips_most_of_it(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say(*"abcdefg", "h" * 100_000)
    await take(connection, replica.store.path, 1)
    await replica.say("i")
    replica.close()
    fresh = new(tmp_path)
    monkeypatch.setattr(snapshots, "LONG_BYTES", 50_000)
    assert await fetch_if_needed(connection, await now(connection), fresh)
    assert Replica(fresh, connection, replica.generation).position == 9


async def test_a_node_that_has_most_of_it_goes_on_with_that(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE)
    away = Replica(new(tmp_path), connection, info.generation)
    away.follow(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER), 3)
    away.close()
    monkeypatch.setattr(snapshots, "LONG_BYTES", 0)
    for texts, is_long in (("bcdef", False), ("g", True)):
        await replica.say(*(text * 100_000 for text in texts))
        await take(connection, replica.store.path, 1)
        assert await fetch_if_needed(connection, await now(connection), away.store.path) == is_long
    replica.close()


async def test_a_snapshot_that_would_skip_little_is_not_worth_while(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await take(connection, replica.store.path, 1)
    await replica.say(*("x" * 1_000 for _ in range(60)))
    replica.close()
    monkeypatch.setattr(snapshots, "LONG_BYTES", 50_000)
    assert not await fetch_if_needed(connection, await now(connection), new(tmp_path))


async def test_a_node_that_is_behind_the_logs_first_message_takes_a_snapshot_and_keeps_no_old_texts(
    connection: Connection, tmp_path: Path
) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE)
    behind = Replica(new(tmp_path), connection, info.generation)
    behind.follow(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER), 1)
    (behind.store.path.with_name("search.db")).write_bytes(b"an index")
    await replica.say("one", "two")
    taken = await take(connection, replica.store.path, 1)
    await purge(connection, taken.position + 1)
    # It was killed: what it has last is in its write-ahead log.
    assert await fetch_if_needed(connection, await now(connection), behind.store.path)
    replica.close()
    assert tables(behind.store.path) == tables(replica.store.path)
    assert sorted(file.name for file in behind.store.path.parent.iterdir()) == [DATABASE]


async def test_a_node_that_is_just_at_the_logs_first_message_goes_on_with_its_own(
    connection: Connection, tmp_path: Path
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("one")
    replica.close()
    await purge(connection, replica.position + 1)
    assert not await fetch_if_needed(connection, await now(connection), replica.store.path)


async def test_without_a_snapshot_a_node_does_not_begin_in_the_middle_of_a_log(
    connection: Connection, tmp_path: Path
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("one", "two")
    await take(connection, replica.store.path, 1)
    await replica.say("three", "four")
    replica.close()
    await purge(connection, replica.position)
    fresh = new(tmp_path)
    with pytest.raises(StoreError, match="from message 5, and no snapshot up to there"):
        await fetch_if_needed(connection, await now(connection), fresh)
    assert list(fresh.parent.iterdir()) == []


async def test_a_broken_snapshot_is_passed_over_for_the_one_before_it(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("one")
    first = await take(connection, replica.store.path, 1)
    await replica.say("two")
    await take(connection, replica.store.path, 1)
    replica.close()
    await purge(connection, first.position + 1)
    chunks = await connection.api(f"STREAM.INFO.{BUCKET}", {"subjects_filter": "$O.chatty-snapshots.C.>"})
    newest = sorted(chunks["state"]["subjects"])[-1]
    await connection.api(f"STREAM.PURGE.{BUCKET}", {"filter": newest, "keep": 0})
    await connection.client.request(newest, b"something else", timeout=5)
    fresh = new(tmp_path)
    assert await fetch_if_needed(connection, await now(connection), fresh)
    assert Replica(fresh, connection, replica.generation).position == first.position


@pytest.mark.parametrize("content", [gzip.compress(b"a database")[:-9], b"something else"], ids=["cut", "none"])
async def test_a_backup_passes_over_a_snapshot_that_lacks_its_end_or_is_none(
    connection: Connection, tmp_path: Path, content: bytes
) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("one")
    first = await take(connection, replica.store.path, 1)
    replica.close()
    await Bucket(connection).put(info.generation, first.position + 1, io.BytesIO(content))
    fetched, is_fresh = await fetch_fresh(connection, new(tmp_path))
    assert (fetched.position, is_fresh) == (first.position, False)


async def test_data_of_another_log_is_set_aside_only_if_the_log_was_restored(
    connection: Connection, tmp_path: Path
) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say("of the old log")
    replica.close()
    old = tables(replica.store.path)
    await connection.api(f"STREAM.DELETE.{STREAM}")
    info, _other = await begun(connection, tmp_path / "b" / DATABASE)
    with pytest.raises(StoreError, match="is of another log"):
        await fetch_if_needed(connection, info, replica.store.path)
    assert tables(replica.store.path) == old
    await connection.api(f"STREAM.DELETE.{STREAM}")
    _, restored = await begun(connection, tmp_path / "c" / DATABASE, **{ORIGIN: RESTORE})
    await take(connection, restored.store.path, 1)
    for round_ in ("first", "again"):  # the second time there is something set aside already
        assert await fetch_if_needed(connection, await now(connection), replica.store.path) is (round_ == "first")
    assert tables(replica.store.path.parent / ASIDE / DATABASE) == old
    restored.close()
    assert tables(replica.store.path) == tables(restored.store.path)


@pytest.mark.parametrize("origin", [BEGIN, RESTORE, MOVE])
async def test_data_of_a_server_by_itself_is_never_replaced(
    connection: Connection, tmp_path: Path, origin: str
) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE, **{ORIGIN: origin})
    await take(connection, replica.store.path, 1)
    store = Store(new(tmp_path), on_error=lambda _: None)
    store.open()
    store.apply([CreateRoom(ROOM, AT, "Mine", "", "epoch", OWNER)])
    store.close()
    before = tables(store.path)
    with pytest.raises(StoreError, match="of a server by itself") as refused:
        await fetch_if_needed(connection, info, store.path)
    assert "chatty cluster move" in refused.value.hint
    assert tables(store.path) == before


async def test_data_in_which_nobody_has_made_anything_gives_way(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await take(connection, replica.store.path, 1)
    replica.close()
    await purge(connection, 2)
    store = Store(new(tmp_path), on_error=lambda _: None)
    store.open()
    store.close()
    assert await fetch_if_needed(connection, await now(connection), store.path)
    assert tables(store.path) == tables(replica.store.path)


async def test_a_copy_that_a_killed_process_left_behind_is_removed(connection: Connection, tmp_path: Path) -> None:
    info, replica = await begun(connection, tmp_path / "a" / DATABASE)
    replica.close()
    (replica.store.path.with_name(FRESH)).write_bytes(b"half of it")
    await fetch_if_needed(connection, info, replica.store.path)
    assert not replica.store.path.with_name(FRESH).exists()


async def test_snapshots_of_other_logs_are_not_taken_for_this_ones(connection: Connection, tmp_path: Path) -> None:
    _, replica = await begun(connection, tmp_path / "a" / DATABASE)
    await replica.say(*"abcdef")
    await take(connection, replica.store.path, 1)
    await connection.api(f"STREAM.DELETE.{STREAM}")
    info, _ = await begun(connection, tmp_path / "b" / DATABASE)
    await purge(connection, 2)
    assert await Bucket(connection).snapshots(info.generation) == []
    with pytest.raises(StoreError, match="no snapshot"):
        await fetch_if_needed(connection, await now(connection), new(tmp_path))


@pytest.mark.parametrize("origin", [RESTORE, MOVE])
async def test_no_node_begins_with_a_log_whose_first_snapshot_is_not_there_yet(
    connection: Connection, tmp_path: Path, origin: str
) -> None:
    info = await stream_of(connection, 1, {ORIGIN: origin}, create=True)
    with pytest.raises(StoreError, match="no snapshot up to there can be read"):
        await fetch_if_needed(connection, info, new(tmp_path))
