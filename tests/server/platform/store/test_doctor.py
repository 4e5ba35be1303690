"""The doctor finds damage, and leaves nothing behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatty.server.business.entries import CreateRoom, Edit, Post, Probe, TrimRoom
from chatty.server.platform.store import doctor
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.schema import MIGRATIONS
from chatty.server.platform.store.search.index import INDEX, Index
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.principals import speaker


def fail(error: BaseException) -> None:
    raise error


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data of a server with two rooms, one of them with retention."""

    store = Store(tmp_path / DATABASE, on_error=fail)
    store.open()
    for room in (ROOM, "another"):
        store.apply([CreateRoom(room, AT, f"The {room}", "", "epoch", OWNER)])
        store.apply([Post(room, AT, speaker("Ada", b"a" * 16), f"text {number}") for number in range(20)])
    store.apply([Edit("another", AT, who=speaker("Ada", b"a" * 16), of=2, text="other")])
    store.apply([TrimRoom("another", AT, 5), Probe("", AT)])
    with closing(Index(tmp_path / INDEX, store.path, "boot")) as index:
        index.take_in([ROOM, "another"])
    store.close()
    return tmp_path


def change(data: Path, script: str) -> None:
    with closing(sqlite3.connect(data / DATABASE)) as db:
        db.executescript(script)


def test_a_servers_data_is_sound_and_the_check_leaves_no_files_behind(data: Path) -> None:
    before = sorted(data.iterdir())
    assert doctor.check(data) == []
    assert sorted(data.iterdir()) == before


def test_rooms_that_are_created_during_a_check_are_not_damage(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, connect, made = Store(data / DATABASE, on_error=fail), sqlite3.connect, []

    def make_room(question: str) -> None:
        if "FROM events" in question:
            store.apply([CreateRoom("new", AT, "New", "", "epoch", OWNER)])
            store.apply([Post("new", AT, speaker("Ada", b"a" * 16), "the first")])
            made.append("new")

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **options)
        db.set_trace_callback(make_room)
        return db

    with closing(store):
        store.open()
        monkeypatch.setattr(sqlite3, "connect", watched)
        assert doctor.examine(store.path) == []
    assert made


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("DELETE FROM events WHERE key = (1 << 32) + 7", "room 'The a-room': event 7 is missing"),
        ("DELETE FROM events WHERE key <= (1 << 32) + 3", "room 'The a-room': events 1 to 3 are missing"),
        ("UPDATE rooms SET first = 8 WHERE key = 2", "room 'The another': event 5 should be gone"),
        ("UPDATE events SET body = 'nonsense' WHERE key = (1 << 32) + 7", "room 'The a-room': event 7 cannot be read"),
        ("UPDATE events SET body = x'ff' WHERE key = (1 << 32) + 7", "room 'The a-room': event 7 cannot be read"),
        ("UPDATE events SET body = 7 WHERE key = (1 << 32) + 7", "room 'The a-room': event 7 cannot be read"),
        (
            "UPDATE events SET body = (SELECT body FROM events WHERE key = (1 << 32) + 1) WHERE key = (1 << 32) + 7",
            "room 'The a-room': event 7 cannot be read",
        ),
        ("DELETE FROM rooms WHERE key = 1", "event 1 belongs to no room"),
        ("DELETE FROM events WHERE key = (1 << 32) + 20", "the search index knows events that are missing here"),
        (f"PRAGMA user_version = {len(MIGRATIONS) + 1}", "the data is of schema"),
        ("PRAGMA user_version = -1", "the data is of schema -1"),
        ("PRAGMA application_id = 7", "the database is another program's"),
    ],
)
def test_damage_that_sqlite_does_not_see_is_found(data: Path, script: str, found: str) -> None:
    change(data, script)
    assert doctor.check(data)[0].startswith(found)


def a_text(file: Path) -> None:
    file.write_text("a text of somebody's" * 100)


def of_another_program(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.executescript("CREATE TABLE users (name); INSERT INTO users VALUES ('precious')")


@pytest.mark.parametrize(
    ("name", "make", "found"),
    [
        (DATABASE, a_text, "the data is damaged"),
        (DATABASE, Path.touch, "the database is empty"),
        (DATABASE, of_another_program, "the database is another program's"),
        (INDEX, of_another_program, "another program's"),
    ],
)
def test_a_file_that_is_not_chattys_is_found(data: Path, name: str, make: Callable[[Path], None], found: str) -> None:
    (data / name).unlink()
    make(data / name)
    before = (data / name).read_bytes()
    (said,) = doctor.check(data)
    assert found in said
    assert (data / name).read_bytes() == before


def test_damage_everywhere_is_not_reported_without_end(data: Path) -> None:
    change(data, "DELETE FROM rooms")
    change(data, "INSERT INTO events SELECT key + 100, 0, NULL, 7 FROM events")
    change(data, "INSERT INTO events SELECT key + 200, 0, NULL, 7 FROM events")
    assert len(doctor.check(data)) == doctor.MOST


def test_a_missing_database_is_reported(tmp_path: Path) -> None:
    (found,) = doctor.check(tmp_path)
    assert DATABASE in found
