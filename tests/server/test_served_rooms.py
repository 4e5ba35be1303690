"""A server knows the rooms of ``--room`` as its own, whatever others call theirs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatty.server.platform.store.errors import StoreError
from chatty.server.served_rooms import ServedRooms
from tests.support.server import Server


def test_rooms_and_their_tokens_are_known_to_the_next_server(tmp_path: Path) -> None:
    first = ServedRooms(tmp_path)
    assert ("1" in first, first.owner_token("1")) == (False, None)
    first.add("1", "owner_1")
    first.add("2", "owner_2")
    second = ServedRooms(tmp_path)
    assert [second.owner_token(room) for room in ("1", "2", "3")] == ["owner_1", "owner_2", None]
    assert [path.name for path in tmp_path.iterdir()] == ["served-rooms.json"]


def test_only_new_data_is_known_to_have_no_such_rooms(tmp_path: Path) -> None:
    assert ServedRooms(tmp_path).unknown, "an earlier version's, or a backup"
    ServedRooms(tmp_path).begin()
    assert not ServedRooms(tmp_path).unknown
    ServedRooms(tmp_path).add("1", "owner_1")
    ServedRooms(tmp_path).begin()
    assert "1" in ServedRooms(tmp_path), "a beginning forgets nothing"


def test_a_room_whose_token_is_not_known_is_one_of_them_all_the_same(tmp_path: Path) -> None:
    ServedRooms(tmp_path).add("1", None)
    rooms = ServedRooms(tmp_path)
    assert ("1" in rooms, rooms.owner_token("1")) == (True, None)
    rooms.add("1", "owner_1")
    assert ServedRooms(tmp_path).owner_token("1") == "owner_1"


def test_a_room_that_is_known_is_not_written_again(tmp_path: Path) -> None:
    rooms = ServedRooms(tmp_path)
    rooms.add("1", "owner_1")
    (tmp_path / "served-rooms.json").unlink()
    rooms.add("1", "owner_1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"owner_tokens":{"1":2}}'])
def test_a_damaged_file_is_an_error_with_what_to_do(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "served-rooms.json").write_bytes(data)
    with pytest.raises(StoreError, match=r"served-rooms\.json is damaged") as error:
        ServedRooms(tmp_path)
    assert error.value.hint.startswith("move it away")


def test_a_server_is_ready_when_its_own_rooms_are_there(tmp_path: Path) -> None:
    names = [f"room {number}" for number in range(100)]
    with (
        Server(tmp_path / "data", *(option for name in names for option in ("--room", name))) as server,
        closing(sqlite3.connect(f"{(server.data / 'chatty.db').as_uri()}?mode=ro", uri=True)) as db,
    ):
        assert sorted(name for (name,) in db.execute("SELECT name FROM rooms")) == sorted(names)
