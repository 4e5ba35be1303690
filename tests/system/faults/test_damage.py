"""Damaged data, and data that is somebody else's: refused, with what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.faults import post
from tests.support.server import PATIENCE, ROOT, Server, environment

PAGE = 4096


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was stopped after a few hundred messages."""
    with Server(tmp_path_factory.mktemp("sound") / "data") as server:
        room = server.make_room()["id"]
        for number in range(300):
            post(server, room, f"{number} {'x' * 500}")
        assert server.stop() == 0
    assert not (server.data / "chatty.db-wal").exists()
    return server.data


@pytest.fixture
def data(left_behind: Path, tmp_path: Path) -> Path:
    """A copy of it for the test alone."""
    return shutil.copytree(left_behind, tmp_path / "data")


def chatty(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatty", *arguments],
        capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment(),
    )  # fmt: skip


def truncate(database: Path) -> None:
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size // 2)


def cut_within_a_page(database: Path) -> None:
    with database.open("r+b") as file:
        file.truncate(database.stat().st_size - 100)


def overwrite_the_beginning(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"not a database any more" * 10)


def overwrite_the_middle(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(database.stat().st_size // PAGE // 2 * PAGE)
        file.write(b"\xff" * 2 * PAGE)


def forget_the_end(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(database.stat().st_size - 3 * PAGE)
        file.write(b"\0" * 3 * PAGE)


@pytest.mark.parametrize(
    "damage", [truncate, cut_within_a_page, overwrite_the_beginning, overwrite_the_middle, forget_the_end]
)
def test_damaged_data_is_refused_and_left_as_it_is(damage: Callable[[Path], None], data: Path) -> None:
    database = data / "chatty.db"
    damage(database)
    damaged = database.read_bytes()

    done = chatty("serve", "--port", "0", "--data", str(data))
    assert done.returncode == 1
    error, hint = done.stderr.strip().splitlines()
    assert error.startswith("error: the data is damaged")
    assert "`chatty doctor`" in hint
    assert "restore a backup" in hint

    looked = chatty("doctor", str(data))
    assert looked.returncode == 1
    assert looked.stdout.strip()
    assert "Traceback" not in looked.stderr
    assert database.read_bytes() == damaged


def test_sound_data_is_called_so_also_while_a_server_uses_it(data: Path) -> None:
    with Server(data):
        looked = chatty("doctor", str(data))
    assert (looked.returncode, looked.stdout) == (0, f"{data} is sound\n")


def test_what_a_crash_left_behind_is_no_damage(data: Path) -> None:
    with Server(data) as server:
        room = server.make_room()["id"]
        post(server, room, "before the crash")
        server.kill9()
        assert (data / "chatty.db-wal").stat().st_size
        assert chatty("doctor", str(data)).returncode == 0
        server.start()
        assert server.texts(room) == ["before the crash"]


def test_a_truncated_database_beside_the_log_of_a_crash_is_refused_too(data: Path) -> None:
    with Server(data) as server:
        room = server.make_room()["id"]
        post(server, room, "before the crash")
        server.kill9()
    truncate(data / "chatty.db")
    done = chatty("serve", "--port", "0", "--data", str(data))
    assert done.returncode == 1
    assert "the data is damaged" in done.stderr
    assert chatty("doctor", str(data)).returncode == 1


@pytest.mark.parametrize(
    "lose", [lambda file: file.unlink(), lambda file: file.write_bytes(b"")], ids=["gone", "empty"]
)
def test_a_database_that_is_gone_is_missed(lose: Callable[[Path], None], data: Path) -> None:
    lose(data / "chatty.db")
    done = chatty("serve", "--port", "0", "--data", str(data))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: the database {data / 'chatty.db'} is missing or empty\n"
        f"hint:  restore a backup: chatty restore BACKUP --data {data};"
        f" to begin with nothing, remove {data / 'lock'} too\n"
    )
    (data / "lock").unlink()
    with Server(data) as anew:
        assert anew.make_room()["id"]


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(server: Server, room_id: str) -> None:
    second = chatty("serve", "--port", "0", "--data", str(server.data))
    assert second.returncode != 0
    assert second.stderr == (
        f"error: another server uses {server.data}\n"
        "hint:  stop it first, or give this one a --data directory of its own\n"
    )
    assert post(server, room_id, "still here") == 201


def test_when_the_first_server_is_killed_the_next_may_have_its_data(server: Server, room_id: str) -> None:
    post(server, room_id, "from the first")
    server.kill9()
    with Server(server.data) as after:
        assert after.texts(room_id) == ["from the first"]
