"""A snapshot is whole, of one moment, and without what was deleted; and it takes the place of a database as a whole."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from chatty.server.business.entries import Delete
from chatty.server.platform.store.copies import snapshot
from chatty.server.platform.store.copies.snapshot import ASIDE, FRESH, PACKED, Decompressing, check, pack, put_in_place
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import LogState, save_log_state
from tests.server.platform.conftest import AT, ROOM, Shelf
from tests.server.principals import speaker

REGRETTED = "a text that somebody regrets"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path / DATABASE)
    shelf.say("before", REGRETTED, "after")
    return shelf


def unpacked(packed: bytes) -> tuple[bytes, bool]:
    with tempfile.TemporaryFile() as out:
        coming = Decompressing(out)
        for start in range(0, len(packed), 1_000):
            coming.write(packed[start : start + 1_000])
        out.seek(0)
        return out.read(), coming.is_whole


def test_a_database_in_use_is_copied_without_what_was_deleted(shelf: Shelf, tmp_path: Path) -> None:
    shelf.apply(Delete(ROOM, AT, 2, who=speaker("Ada", b"a" * 16)))
    packed = tmp_path / PACKED
    pack(shelf.store.path, packed)
    assert not (tmp_path / FRESH).exists()
    content, is_whole = unpacked(packed.read_bytes())
    assert is_whole
    assert b"before" in content
    assert REGRETTED.encode() not in content
    fresh = tmp_path / "fresh.db"
    fresh.write_bytes(content)
    assert check(fresh) == LogState()
    shelf.close()


def test_a_snapshot_says_of_which_log_it_is_and_how_far(shelf: Shelf, tmp_path: Path) -> None:
    shelf.close()
    state = LogState("a log", 7, b"chain", 1, {})
    with closing(sqlite3.connect(shelf.store.path)) as db, db:
        save_log_state(db, state)
    assert pack(shelf.store.path, tmp_path / PACKED) == state


def test_what_is_cut_short_or_something_else_is_not_whole(shelf: Shelf, tmp_path: Path) -> None:
    pack(shelf.store.path, tmp_path / PACKED)
    shelf.close()
    assert not unpacked((tmp_path / PACKED).read_bytes()[:-1])[1]
    with pytest.raises(StoreError, match="a snapshot is damaged"):
        unpacked(b"not compressed at all")


def test_damaged_data_gives_no_snapshot(shelf: Shelf, tmp_path: Path) -> None:
    shelf.say(*("x" * 1_000 for _ in range(200)))
    shelf.close()
    damaged = bytearray(shelf.store.path.read_bytes())
    middle = len(damaged) // 2 // 4096 * 4096
    damaged[middle : middle + 4096] = b"\xff" * 4096
    shelf.store.path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        pack(shelf.store.path, tmp_path / PACKED)
    assert [file.name for file in tmp_path.iterdir()] == [DATABASE]


@pytest.mark.parametrize("keep", [False, True])
def test_a_database_gives_way_with_its_write_ahead_log_and_index(shelf: Shelf, tmp_path: Path, keep: bool) -> None:
    fresh = snapshot.copy(shelf.store.path)
    shelf.say("only in the write-ahead log")
    place = tmp_path / "node" / DATABASE
    place.parent.mkdir()
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (place.parent / name).write_bytes((tmp_path / name).read_bytes())
    (place.parent / "search.db").write_bytes(b"an index")
    shelf.close()
    put_in_place(fresh, place, keep=keep)
    with closing(sqlite3.connect(place)) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (3,)
    assert sorted(file.name for file in place.parent.iterdir()) == [DATABASE, *([ASIDE] if keep else [])]
    if keep:
        with closing(sqlite3.connect(place.parent / ASIDE / DATABASE)) as db:
            assert db.execute("SELECT count(*) FROM events").fetchone() == (4,)
