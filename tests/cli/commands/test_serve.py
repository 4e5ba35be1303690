"""`serve` takes the server's settings as options and variables; `doctor` looks at what it left."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatty.server.served_rooms import ServedRooms
from chatty.server.settings import SETTINGS
from tests.cli.user import User
from tests.support.certificates import Authority
from tests.support.server import CHATTY, PATIENCE, Server, free_port


def test_every_setting_is_an_option_and_a_variable(user: User) -> None:
    words = " ".join(user.here.says("serve", "--help", env={**user.env, "COLUMNS": "400"}).split())
    for setting in SETTINGS:
        assert f"--{setting.name.replace('_', '-')} " in words
        assert re.search(rf"env: CHATTY_{setting.name.upper()}[;\]]", words)
        assert setting.help in words


def test_options_go_before_variables_and_rooms_are_made_once(user: User, tmp_path: Path) -> None:
    port = free_port()
    env = {**user.env, "CHATTY_PORT": "1", "CHATTY_DATA": str(tmp_path / "data"), "CHATTY_ROOM_RATE": "0.5"}
    said = []
    for _ in range(2):
        serving = user.start("serve", "--port", str(port), "--room", "lobby", "--room", "deploys", env=env)
        assert serving.stderr is not None
        said.append([serving.stderr.readline().decode() for _ in range(3)])
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE) == 0
    assert f"http://127.0.0.1:{port}" in said[0][0]
    assert (tmp_path / "data").is_dir()
    assert said[0] == said[1]
    assert "lobby" in said[0][1]
    assert "deploys" in said[0][2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "many"], "'many' is not a whole number"),
        (["--message-rate", "fast"], "'fast' is not a number"),
        (["--host", "0.0.0.0"], "--access"),
        (["--retain-age", "long"], "'long' is not a length of time"),
        (["--retain-age", "0d"], "'0d' is not a length of time"),
        (["--port", "65536"], "--port (or CHATTY_PORT) cannot be 65536\nhint:  choose 0, or from 1 to 65535"),
        (["--host", "203.0.113.1", "--access", "open"], "choose another --host or --port"),
        (["--room", "lobby", "--room", " "], "' ' cannot be a room's name\nhint:  give the room a name of 1 to 128"),
    ],
)
def test_a_setting_that_cannot_be_is_wrong_usage(user: User, tmp_path: Path, arguments: list[str], told: str) -> None:
    assert told in user.fails(2, "serve", "--data", str(tmp_path / "data"), *arguments)


def test_a_variable_is_checked_as_an_option_is(user: User, tmp_path: Path) -> None:
    env = {**user.env, "CHATTY_RETAIN_EVENTS": "-1"}
    told = user.fails(2, "serve", "--data", str(tmp_path / "data"), env=env)
    assert told.startswith("error: --retain-events (or CHATTY_RETAIN_EVENTS) cannot be -1\nhint:  ")
    assert not (tmp_path / "data").exists()


@contextmanager
def serving(user: User, data: Path, port: int, *options: str, **popen: Any) -> Iterator[list[str]]:
    """A server while it runs; gives the first line that it says, and one for each ``--room`` among ``options``."""
    process = user.start("serve", "--port", str(port), "--data", str(data), *options, **popen)
    assert process.stderr is not None
    yield [process.stderr.readline().decode() for _ in range(1 + options.count("--room"))]
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_whoever_serves_a_room_owns_it_and_finds_it_by_name(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    there = ("--server", f"http://127.0.0.1:{port}")
    with serving(user, data, port, "--room", "lobby") as said:
        (first,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
        assert (first["name"], first["server"], first["owned"]) == ("lobby", there[1], True)
        assert f"chatty join lobby --server {there[1]}" in said[1]
        assert first["id"] not in "".join(said)  # it may be a journal that is read by others
    with serving(user, data, port, "--room", "lobby"):
        user.here.run("send", "lobby", "hello", *there)
        user.here.run("close", "lobby", *there)
    with serving(user, data, port, "--room", "lobby"):
        (second,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
        assert second["id"] != first["id"]


def test_a_room_that_has_an_end_is_not_the_one_that_is_always_there(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port):
        user.here.run("create", "lobby", "--expires", "1h", "--server", f"http://127.0.0.1:{port}")
    for _ in range(2):
        with serving(user, data, port, "--room", "lobby"):
            listed = map(json.loads, user.here.says("rooms", "--json").splitlines())
            assert [room["name"] for room in listed] == ["lobby", "lobby"]


def advice(user: User, data: Path, port: int, *options: str) -> str:
    """All that a server says while it starts and stops."""
    process = user.start("serve", "--port", str(port), "--data", str(data), *options)
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGTERM)  # it says all that there is to say all the same
    rest = process.stderr.read()
    assert process.wait(PATIENCE) == 0
    return str((first + rest).decode())


def test_a_room_of_the_same_name_by_somebody_else_is_not_taken_over(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    there = ("--server", f"http://127.0.0.1:{port}")
    with User(tmp_path / "guest", there[1]) as guest:
        with serving(user, data, port):
            theirs = guest.here.says("create", "lobby").strip()
        said = advice(user, data, port, "--room", "lobby")
        assert "warning: somebody else's room is called 'lobby', too; this one is new" in said
        (mine,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
        assert mine["id"] != theirs
        assert "somebody else" not in advice(user, data, port, "--room", "lobby")
    assert len(user.here.says("rooms").splitlines()) == 1


def test_a_served_room_is_known_by_the_data_where_the_room_list_is_lost(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port, "--room", "lobby"):
        (first,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
    with User(tmp_path / "anew", f"http://127.0.0.1:{port}") as anew:  # as in a container that was replaced
        with serving(anew, data, port, "--room", "lobby"):
            (second,) = map(json.loads, anew.here.says("rooms", "--json").splitlines())
            assert (second["id"], second["owned"]) == (first["id"], True)
            anew.here.run("close", "lobby")


def test_a_room_that_an_earlier_version_served_is_known_by_the_room_list(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port, "--room", "lobby"):
        before = user.here.says("rooms")
    (data / "served-rooms.json").unlink()
    with serving(user, data, port, "--room", "lobby"):
        assert user.here.says("rooms") == before


@pytest.mark.parametrize("rooms", [1, 2])
def test_after_a_restore_elsewhere_the_only_room_of_a_name_is_the_served_one(
    user: User, tmp_path: Path, rooms: int
) -> None:
    port, before, data, backup = free_port(), tmp_path / "before", tmp_path / "data", tmp_path / "backup.db"
    here = f"http://127.0.0.1:{port}"
    with serving(user, before, port, "--room", "lobby"):
        (served,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
        with User(tmp_path / "guest", here) as guest:
            for _ in range(rooms - 1):
                guest.here.run("create", "lobby")
    user.here.run("backup", str(backup), "--data", str(before))
    with User(tmp_path / "anew", here) as anew:  # another machine: neither list nor file came with the backup
        anew.here.run("restore", str(backup), "--data", str(data))
        said = advice(anew, data, port, "--room", "lobby")
        assert ("warning: the room 'lobby' is taken for this server's own (the data of" in said) is (rooms == 1)
        assert ("warning: somebody else's room is called 'lobby', too" in said) is (rooms == 2)
        (found,) = map(json.loads, anew.here.says("rooms", "--json").splitlines())
        assert (found["id"] == served["id"], found["owned"]) == (rooms == 1, rooms == 2)
        # From here on the data says which room it is, and nothing is asked or told again.
        assert "warning" not in advice(anew, data, port, "--room", "lobby")
        assert [json.loads(line)["id"] for line in anew.here.says("rooms", "--json").splitlines()] == [found["id"]]


def test_a_server_that_is_killed_while_it_makes_its_room_leaves_no_twin(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port):
        pass
    renamed = ["-P", str(data / ".served-rooms.json.new"), "-e", "trace=rename", "-e", "inject=rename:signal=KILL"]
    program = ["strace", "-D", "-f", "-o", "/dev/null", *renamed, *CHATTY]
    with User(user.home, f"http://127.0.0.1:{port}", program) as killed:
        killed.run("serve", "--port", str(port), "--data", str(data), "--room", "lobby", status=-signal.SIGKILL)
    ServedRooms(data).add("1" * 27, "owner")  # and as if it had been killed a moment later
    assert "warning" not in advice(user, data, port, "--room", "lobby")
    assert len(user.says("rooms").splitlines()) == 1


def test_rooms_that_are_gone_with_the_data_give_their_names_free(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port, "--room", "general"):
        user.here.run("create", "other", "--server", f"http://localhost:{port}")
    shutil.rmtree(data)
    with serving(user, data, port, "--room", "general"):
        user.here.run("send", "general", "hello", "--server", f"http://127.0.0.1:{port}")
    assert [line.split("\t")[0] for line in user.here.says("rooms").splitlines()] == ["general"]


def test_a_damaged_mark_of_served_rooms_is_told_and_makes_no_twin(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with serving(user, data, port, "--room", "lobby"):
        pass
    (data / "served-rooms.json").write_text("{")
    said = user.fails(1, "serve", "--port", str(port), "--data", str(data), "--room", "lobby")
    assert re.search(r"error: .*served-rooms.json is damaged \(.+\)\nhint:  move it away", said)
    with serving(user, data, port):
        pass


def test_creating_a_room_is_advised_only_where_there_is_none(user: User, tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    assert "chatty create general" in advice(user, data, port)
    with serving(user, data, port):
        user.here.run("create", "general", "--server", f"http://127.0.0.1:{port}")
    assert "chatty create" not in advice(user, data, port)


def test_a_served_room_is_still_owned_at_another_port(user: User, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    for port in ports:
        with serving(user, tmp_path / "data", port, "--room", "lobby"):
            pass
    with serving(user, tmp_path / "data", ports[1]):
        user.here.run("close", "lobby", "--server", f"http://127.0.0.1:{ports[1]}")


def test_a_terminal_is_told_a_served_rooms_id(user: User, tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    process = user.start("serve", "--port", "0", "--data", str(tmp_path), "--room", "lobby", stderr=terminal)
    os.close(terminal)
    with os.fdopen(controller, "rb") as screen:
        said = screen.readline() + screen.readline()
        (room,) = map(json.loads, user.here.says("rooms", "--json").splitlines())
        assert f"chatty join {room['id']} --server {room['server']}" in said.decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_server_with_a_certificate_reads_it_again_at_a_hangup_unless_its_terminal_is_gone(
    user: User, tmp_path: Path
) -> None:
    files = Authority().issue(tmp_path)
    controller, terminal = os.openpty()
    process = user.start("serve", "--port", "0", "--data", str(tmp_path / "data"), *files.options, stderr=terminal)
    os.close(terminal)
    with os.fdopen(controller, "rb") as screen:
        assert b"chatty listens on https://127.0.0.1:" in screen.readline() + screen.readline()
        process.send_signal(signal.SIGHUP)
        assert b"the certificate was read again" in screen.readline()
    process.send_signal(signal.SIGHUP)
    assert process.wait(PATIENCE) == 0


def test_a_served_room_that_cannot_be_remembered_is_told_by_its_id(user: User, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = {**user.env, "XDG_STATE_HOME": str(tmp_path / "file")}
    process = user.start("serve", "--port", "0", "--data", str(tmp_path / "data"), "--room", "lobby", env=env)
    assert process.stderr is not None
    said = "".join(process.stderr.readline().decode() for _ in range(3))
    assert "warning: room 'lobby' is not remembered" in said
    assert re.search(r"chatty join [0-9A-Za-z]{27} ", said)


def test_a_second_server_on_the_same_data_is_refused(user: User, own_server: Server) -> None:
    said = user.fails(2, "serve", "--port", "0", "--data", str(own_server.data))
    assert said.startswith("error: ")
    assert str(own_server.data) in said


def test_doctor_finds_sound_data_sound_and_damaged_data_damaged(user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    user.here.run("send", room, "--server", own_server.url, said=b"hello\n" * 5_000)
    own_server.stop()
    data = own_server.data
    assert user.says("doctor", str(data)) == f"{data} is sound\n"
    env = {**user.env, "XDG_DATA_HOME": str(data.parent / "xdg"), "CHATTY_DATA": ""}
    (data.parent / "xdg").mkdir()
    data.rename(data.parent / "xdg" / "chatty")
    assert user.says("doctor", env=env) == f"{data.parent / 'xdg' / 'chatty'} is sound\n", "where serve looks, too"
    (data.parent / "xdg" / "chatty").rename(data)
    assert user.here.says("doctor", env={**user.env, "CHATTY_DATA": str(data)}) == f"{data} is sound\n"
    database = data / "chatty.db"
    whole = database.read_bytes()
    middle = len(whole) // 2
    database.write_bytes(whole[:middle] + b"\x55" * 4096 + whole[middle + 4096 :])
    assert user.run("doctor", str(data), status=1).stdout
    assert user.here.run("doctor", str(data / "nowhere"), status=1).stdout
