"""`run` where no room can be told: the command must not notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatty.cli.commands import run as run_command
from tests.cli.commands.test_send import wait_until
from tests.cli.conftest import MakeEnvironment
from tests.cli.user import User
from tests.support.server import PATIENCE, free_port


def test_a_server_that_is_not_there_fails_nothing(user: User, room: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    done = user.here.run("run", room, "--server", elsewhere, "--", "sh", "-c", "echo out; exit 4", status=4)
    assert done.stdout == b"out\n"
    assert done.stderr == b"note:  the room was not told how it ended (no answer in time)\n"


def test_a_room_that_is_not_there_fails_nothing(user: User) -> None:
    for room in ("0" * 27, "no such name"):
        done = user.here.run("run", room, "--", "sh", "-c", "cat; exit 4", said=b"in", status=4)
        assert done.stdout == b"in"
        assert done.stderr.startswith(b'note:  the room was not told how it ended (no room "')
        assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("options", "variables", "config", "why"),
    [
        ((), {"CHATTY_CACERT": "/no/such/file"}, "", "no certificates in /no/such/file"),
        ((), {"CHATTY_SERVER": "ftp://here"}, "", "ftp://here"),
        ((), {"CHATTY_PROFILE": "gone"}, "", 'no profile "gone"'),
        (("--cacert", "/no/such/file"), {}, "", "no certificates in /no/such/file"),
        ((), {}, "[profile.default]\ncacert = 'gone.pem'\n", "no certificates in "),
        ((), {}, "[newer]\n", 'table "newer" is not understood'),
        ((), {}, "= what?", "config.toml"),
    ],
)
def test_no_file_and_no_variable_keeps_the_command_from_running(
    user: User, room: str, options: tuple[str, ...], variables: dict[str, str], config: str, why: str
) -> None:
    file = user.home / "config" / "chatty" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(config)
    command = ("run", room, *options, "--", "sh", "-c", "echo out; exit 4")
    done = user.here.run(*command, status=4, env={**user.env, **variables})
    assert done.stdout == b"out\n"
    assert done.stderr.startswith(b"note:  the room was not told how it ended (")
    assert why in done.stderr.decode()


def test_two_rooms_of_one_name_do_not_keep_the_command_from_running(user: User) -> None:
    for _ in range(2):
        user.here.run("create", "backups")
    done = user.here.run("run", "backups", "--", "sh", "-c", "exit 4", status=4)
    assert done.stderr == b'note:  the room was not told how it ended (2 rooms are called "backups")\n'


async def test_a_signal_cuts_the_wait_for_the_room_short(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "_PATIENCE", 1_000_000.0)
    hurried = asyncio.Event()
    telling = asyncio.create_task(asyncio.sleep(1_000_000))
    finishing = asyncio.create_task(run_command._finish(make_environment(), telling, hurried))
    hurried.set()
    await finishing
    assert telling.cancelled()


def test_a_success_that_nobody_is_told_needs_no_server(user: User, room: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    assert user.here.run("run", room, "--server", elsewhere, "--only-failures", "--", "true").stderr == b""


def test_a_signal_after_the_end_leaves_the_status_the_commands(user: User, room: str, tmp_path: Path) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    script = f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; exit 3"
    process = user.start("run", room, "--server", elsewhere, "--", "sh", "-c", script)
    wait_until((tmp_path / "pid").exists)
    wait_until(lambda: not Path("/proc", (tmp_path / "pid").read_text().strip()).exists())
    process.terminate()
    assert process.wait(PATIENCE) == 3


@pytest.mark.parametrize("arguments", [("--redact", "(", "--", "true"), ("--nonsense", "--", "true"), ()])
def test_what_makes_no_sense_runs_nothing(user: User, room: str, arguments: tuple[str, ...]) -> None:
    user.here.fails(2, "run", room, *arguments)


def test_a_command_may_have_options_of_its_own(user: User, room: str) -> None:
    assert user.here.says("run", room, "--", "echo", "--quiet", "--", "--help") == "--quiet -- --help\n"
