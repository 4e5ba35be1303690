"""Variables that are meant for other programs, or for Python itself, harm neither a server nor commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatty._version import __version__
from chatty.cli.app import COMMANDS
from chatty.server.platform.store.schema import MIGRATIONS
from tests.cli.user import User
from tests.server.asking import ask
from tests.support.server import Server


def figures(server: Server) -> dict[str, float]:
    page = ask(server, "GET", "/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^([^# ].*) (\S+)$", page, re.MULTILINE)}


def converse(user: User, server: Server) -> None:
    """Talk in a room and read the server's figures, to see that both work. Each command is a process of its own."""
    room = user.says("create", "general").strip()
    user.run("send", room, said=b"one\ntwo\n")
    assert [event["text"] for event in user.events(room, "-n", "2")] == ["one", "two"]
    assert user.says("who", room) == ""
    assert "no such command 'sned'. Did you mean 'send'?" in user.fails(2, "sned")
    assert figures(server)["chatty_commit_seconds_count"] > 2


@pytest.mark.parametrize("there", [True, False])
def test_another_programs_directory_for_figures_is_left_alone(tmp_path: Path, there: bool) -> None:
    directory = tmp_path / "figures"
    if there:
        directory.mkdir()
    variable = {"PROMETHEUS_MULTIPROC_DIR": str(directory), "prometheus_multiproc_dir": str(directory)}
    with (
        Server(tmp_path / "data", env=variable) as server,
        User(tmp_path / "home", server.url) as user,
    ):
        user.env |= variable
        converse(user, server)
        assert server.stop() == 0
    assert directory.exists() == there
    assert not there or list(directory.iterdir()) == []


def test_a_python_without_asserts_and_docstrings_does_all_the_same(tmp_path: Path) -> None:
    variable = {"PYTHONOPTIMIZE": "2"}
    with (
        Server(tmp_path / "data", env=variable) as server,
        User(tmp_path / "home", server.url) as user,
    ):
        helps = {name: user.says("help", name) for name in ("send", "serve", "run")}
        listed = user.says("--help")
        user.env |= variable
        converse(user, server)
        assert user.says("--help") == listed
        assert all(f"  {name} " in listed for name in COMMANDS)
        assert {name: user.says("help", name) for name in helps} == helps
        assert server.stop() == 0
        assert user.says("doctor", str(server.data)) == f"{server.data} is sound\n"


def test_the_figures_tell_what_runs_and_how_the_process_is(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        shown = figures(server)
    (build,) = [name for name in shown if name.startswith("chatty_build_info")]
    told = dict(re.findall(r'(\w+)="([^"]*)"', build))
    assert told.keys() == {"version", "python", "sqlite", "schema"}
    assert told["version"] == __version__
    assert re.fullmatch(r"3\.\d+\.\d+.*", told["python"])
    assert re.fullmatch(r"3\.\d+\.\d+", told["sqlite"])
    assert told["schema"] == str(len(MIGRATIONS))
    assert shown[build] == 1
    for name in ("start_time_seconds", "resident_memory_bytes", "open_fds", "max_fds", "cpu_seconds_total"):
        assert shown[f"process_{name}"] > 0
    assert any(name.startswith("python_info{") for name in shown)
