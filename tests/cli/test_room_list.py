"""The rooms that a user created or joined are remembered, once each, and by nobody else."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from chatty.cli.environment import Environment
from chatty.cli.failures import Failure
from chatty.cli.room_list import KnownRoom, known_rooms, listing, remember
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
    assert "owner_x" not in listing(ROOM)
    assert '"owned":true' in listing(ROOM)
