"""The rooms that a user created or joined are remembered, once each, and by nobody else."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from chatty.cli.environment import Environment
from chatty.cli.failures import Failure
from chatty.cli.room_list import (
    KnownRoom,
    described,
    forget,
    known_rooms,
    listing,
    named,
    note_closed,
    note_found,
    note_gone,
    remember,
)
from chatty.protocol import RoomInfo
from tests.cli.conftest import MakeEnvironment

DAY = 86_400.0
ROOM = KnownRoom("2SzErhA2PvYGjf4PQ4pvTh9BfE0", "deploys", "http://a", owner_token="owner_x")


def test_a_room_is_remembered_with_the_token_of_its_owner(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    assert known_rooms(env) == []
    remember(env, ROOM)
    assert known_rooms(env) == [ROOM]
    assert (env.state_directory / "rooms.json").stat().st_mode & 0o777 == 0o600
    assert env.state_directory.stat().st_mode & 0o777 == 0o700


def test_joining_ones_own_room_does_not_lose_the_token(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, ROOM)
    remember(env, KnownRoom(ROOM.id, "renamed", "http://a"))
    assert known_rooms(env) == [KnownRoom(ROOM.id, "renamed", "http://a", owner_token="owner_x")]


def test_the_same_id_elsewhere_is_another_room(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, ROOM)
    remember(env, KnownRoom(ROOM.id, "copy", "http://b"))
    assert [room.server for room in known_rooms(env)] == ["http://a", "http://b"]


def test_a_room_is_forgotten_a_day_after_its_end(make_environment: MakeEnvironment) -> None:
    remember(make_environment(now=0), KnownRoom("1" * 27, "short", "http://a", ends_at=10.0))
    other = KnownRoom("2" * 27, "other", "http://a")
    remember(make_environment(now=DAY), other)
    assert len(known_rooms(make_environment())) == 2
    remember(make_environment(now=DAY + 11), other)
    assert known_rooms(make_environment()) == [other]


def test_a_room_is_one_however_the_address_of_its_server_is_spelled(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    for server in ("http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"):
        remember(env, KnownRoom(ROOM.id, "deploys", server, owner_token="owner_x"))
    assert known_rooms(env) == [KnownRoom(ROOM.id, "deploys", "http://[::1]:8080", owner_token="owner_x")]
    remember(env, KnownRoom(ROOM.id, "deploys", "http://127.0.0.1:8081"))
    assert len(known_rooms(env)) == 2


def test_what_the_server_says_about_a_rooms_end_is_remembered(make_environment: MakeEnvironment) -> None:
    env = make_environment(now=100)
    remember(env, ROOM)
    note_closed(env, ROOM.id, "http://a/")
    (closed,) = known_rooms(env)
    assert (closed.ends_at, closed.owner_token, closed.is_open(100)) == (100, "owner_x", False)
    note_closed(make_environment(now=200), ROOM.id, "http://a")
    assert known_rooms(env) == [closed], "it closed when that was heard first"


def test_a_room_that_its_server_does_not_know_is_gone_until_it_does(make_environment: MakeEnvironment) -> None:
    env = make_environment(now=100)
    remember(env, ROOM)
    note_gone(env, ROOM.id, ROOM.server)
    (gone,) = known_rooms(env)
    assert (gone.gone_at, gone.owner_token, gone.is_open(100)) == (100, "owner_x", False)
    note_found(env, ROOM.id, ROOM.server)
    assert known_rooms(env) == [ROOM]
    note_gone(env, ROOM.id, ROOM.server)
    remember(env, KnownRoom(ROOM.id, "deploys", "http://a"))
    assert known_rooms(env) == [ROOM], "to enter it is to find it"


def test_a_room_that_is_gone_is_kept_for_a_month(make_environment: MakeEnvironment) -> None:
    remember(make_environment(now=0), ROOM)
    note_gone(make_environment(now=10), ROOM.id, ROOM.server)
    other = KnownRoom("2" * 27, "other", "http://a")
    remember(make_environment(now=30 * DAY), other)
    assert len(known_rooms(make_environment())) == 2
    remember(make_environment(now=30 * DAY + 10), other)
    assert known_rooms(make_environment()) == [other]


def test_a_room_that_is_open_after_all_has_no_end_in_the_past(make_environment: MakeEnvironment) -> None:
    remember(make_environment(now=0), KnownRoom(ROOM.id, "deploys", "http://a", ends_at=10.0))
    remember(make_environment(now=5), KnownRoom(ROOM.id, "deploys", "http://a"))
    assert known_rooms(make_environment())[0].ends_at == 10.0
    remember(make_environment(now=10), KnownRoom(ROOM.id, "deploys", "http://a"))
    assert known_rooms(make_environment())[0].ends_at is None


def test_what_a_server_says_about_an_unknown_room_makes_no_file(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    for note in (note_closed, note_gone, note_found):
        note(env, ROOM.id, ROOM.server)
    assert not env.state_directory.exists()


@pytest.mark.parametrize(
    "text", ["damaged", '{"rooms":' + "[" * 100_000, '{"rooms":[{"id":1}]}', b"\xff".decode("latin-1")]
)
def test_a_damaged_list_stops_nothing_that_needs_no_list(make_environment: MakeEnvironment, text: str) -> None:
    env = make_environment()
    env.state_directory.mkdir()
    (env.state_directory / "rooms.json").write_bytes(text.encode("latin-1"))
    note_closed(env, ROOM.id, ROOM.server)
    with pytest.raises(Failure, match="damaged"):
        known_rooms(env)


def test_a_forgotten_room_is_gone_from_the_list_and_no_other_is(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, ROOM)
    remember(env, KnownRoom(ROOM.id, "copy", "http://b"))
    forget(env, ROOM)
    assert [room.server for room in known_rooms(env)] == ["http://b"]
    forget(env, ROOM)


def test_the_first_time_counts_and_the_last_name(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(ROOM.id, "old", "http://a", since=5))
    remember(env, KnownRoom(ROOM.id, "new", "http://a", since=9))
    assert known_rooms(env) == [KnownRoom(ROOM.id, "new", "http://a", since=5)]


def test_a_servers_description_has_the_rooms_end() -> None:
    info = RoomInfo("id", "deploys", "", "", "", 1, 1, 0, expires_at="2027-01-15T08:00:00.000Z")
    assert KnownRoom.of(info, "http://a", since=1) == KnownRoom(
        "id", "deploys", "http://a", ends_at=1_800_000_000.0, since=1
    )


def test_a_description_tells_rooms_of_one_name_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert described(ROOM, 0) == "created"
    joined = KnownRoom("id", "x", "http://a", since=1_800_000_000, ends_at=1_800_000_060, gone_at=1_800_000_120)
    assert described(joined, 1_800_000_000) == "joined 2027-01-15 08:00, closes 2027-01-15 08:01, gone 2027-01-15 08:02"
    assert "closed 2027-01-15 08:01" in described(joined, 1_800_000_060)


def test_a_name_spelled_exactly_goes_before_another_spelling() -> None:
    rooms = [KnownRoom("1", "Straße", "http://a"), KnownRoom("2", "STRASSE", "http://a")]
    assert [room.id for room in named(rooms, "Straße")] == ["1"]
    assert [room.id for room in named(rooms, "strasse")] == ["1", "2"]
    assert named(rooms, "other") == []


def _remember(directory: Path, number: int, start: Barrier) -> None:
    env = replace(Environment.of_process(), directories=(directory, directory))
    start.wait()
    for count in range(20):
        remember(env, KnownRoom(f"{number:013}{count:014}", "x", "http://a"))


def test_commands_that_remember_at_once_lose_nothing(tmp_path: Path, make_environment: MakeEnvironment) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    processes = [context.Process(target=_remember, args=(tmp_path / "state", number, start)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len(known_rooms(make_environment())) == 60


def test_a_damaged_file_is_told_and_not_overwritten(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, ROOM)
    path = env.state_directory / "rooms.json"
    path.write_bytes(path.read_bytes()[:-5])
    before = path.read_bytes()
    with pytest.raises(Failure, match="damaged"):
        remember(env, ROOM)
    assert path.read_bytes() == before


def test_a_listing_never_shows_the_token() -> None:
    assert '"created_at":"1970-01-01T00:00:01.000Z"' in listing(replace_struct(ROOM, since=1.0))
    assert '"joined_at":"1970-01-01T00:00:01.000Z"' in listing(KnownRoom("1", "x", "http://a", since=1.0))
    assert "owner_x" not in listing(ROOM)
    assert '"owned":true' in listing(ROOM)
