"""A command starts fast: it imports what it needs, and nothing for another command."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from chatty._version import __version__
from chatty.cli.app import COMMANDS
from tests.cli.user import User
from tests.support.server import PATIENCE

HEAVY = {
    "aiohttp",
    "asyncio",
    "msgspec",
    "nats",
    "prompt_toolkit",
    "pydantic",
    "rich",
    "rich.console",
    "sqlite3",
    "typer",
    "uvloop",
}


def imported(user: User, *arguments: str) -> set[str]:
    """The libraries of HEAVY that a command imports."""
    told = user.run(*arguments, status=None, env={**user.env, "PYTHONPROFILEIMPORTTIME": "1"}).stderr.decode()
    return HEAVY & set(re.findall(r"^import time:.*\| +([\w.]+)$", told, re.MULTILINE))


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_costs_no_library_at_all(user: User, option: str) -> None:
    assert imported(user, option) == set()
    assert user.says(option) == f"chatty {__version__}\n"


def test_the_version_is_also_told_among_other_options(user: User) -> None:
    assert user.says("--version", "send") == f"chatty {__version__}\n"


def test_help_on_a_command_costs_the_command_line_library_alone(user: User) -> None:
    assert imported(user, "send", "--help") == {"typer"}


def test_listing_rooms_needs_no_network(user: User) -> None:
    assert imported(user, "rooms") == {"typer", "msgspec"}


def test_sending_and_reading_need_neither_screen_nor_server_nor_pydantic(user: User, room: str) -> None:
    for arguments in (
        ("send", room, "hello"),
        ("tail", room, "--no-follow", "--json"),
        ("who", room),
        ("history", room),
    ):
        assert imported(user, *arguments) == {"typer", "msgspec", "asyncio", "aiohttp"}, arguments


def test_the_help_of_serve_needs_no_http_server(user: User) -> None:
    assert "aiohttp" not in imported(user, "serve", "--help")


def test_a_server_starts_without_the_library_for_tracebacks_that_it_does_not_draw(user: User) -> None:
    libraries = imported(user, "serve", "--port", "70000")
    assert "aiohttp" in libraries
    assert "rich.console" not in libraries


def test_a_server_on_its_own_needs_no_nats(user: User, tmp_path: Path) -> None:
    env = {**user.env, "PYTHONPROFILEIMPORTTIME": "1"}
    serving = user.start("serve", "--port", "0", "--data", str(tmp_path / "data"), env=env)
    assert serving.stderr is not None
    said = []
    while "chatty listens" not in (line := serving.stderr.readline().decode()):
        said.append(line)
    serving.send_signal(signal.SIGTERM)
    said += serving.communicate(timeout=PATIENCE)[1].decode().splitlines()
    imported = {line.rpartition("|")[2].strip() for line in said}
    assert "aiohttp" in imported
    assert not any(name == "nats" or name.startswith(("nats.", "chatty.server.nats_server")) for name in imported)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(user: User, command: str) -> None:
    words = command.split()
    said = user.here.says(*words, "--help")
    assert said.startswith(f"Usage: chatty {command}")
    assert user.here.says(*words, "-h") == user.here.says("help", *words) == said
    assert f"\n  {command} " in user.here.says("--help")


def test_help_on_all_commands_is_the_same_however_it_is_asked_for(user: User) -> None:
    assert user.says("--help") == user.says("-h") == user.says("help")


def test_help_on_what_is_no_command_is_wrong_usage_and_suggests_only_what_is_close(user: User) -> None:
    hint = "hint:  see: chatty --help\n"
    assert user.here.fails(2, "help", "sned") == f"error: no such command 'sned'. Did you mean 'send'?\n{hint}"
    assert user.here.fails(2, "help", "xyzzy") == f"error: no such command 'xyzzy'\n{hint}"
    assert user.here.fails(2, "xyzzy") == f"error: no such command 'xyzzy'\n{hint}"
    said = user.here.fails(2, "help", "send", "x")
    assert said == "error: no such command 'send x'\nhint:  see: chatty send --help\n"
