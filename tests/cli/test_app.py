"""What every command has in common: how it is called, how it fails, and what it says then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, free_port


def test_without_a_command_it_shows_how_it_is_used_and_fails(user: User) -> None:
    done = user.run(status=2)
    assert done.stdout == b""
    assert done.stderr.startswith(b"Usage: chatty ")


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["sned", "x"], "no such command 'sned'. Did you mean 'send'?", "see: chatty --help"),
        (["send"], "missing argument 'ROOM'", "see: chatty send --help"),
        (["who", "x", "--bogus"], "no such option: --bogus", "see: chatty who --help"),
        (["tail", "x", "-n", "many"], "invalid value for '-n' / '--last': 'many' is not a whole number", "chatty tail"),
        (["join", "x", "--bell", "loud"], "'loud' is not one of mention, all, off", "chatty join"),
        (["history", "x", "--format", "xml"], "'xml' is not one of text, json, markdown", "chatty history"),
        (["tail", "x", "--count", "0"], "invalid value for '--count': 0 is less than 1", "chatty tail"),
        (["send", "x", "--timeout", "soon"], "'soon' is not a length of time; write 30s, 5m, 24h", "chatty send"),
        (["tail", "x", "-n", "1", "--since", "1"], "-n and --since both say where to begin", "choose one"),
        (["send", "x", "hi", "--key", ""], "invalid value for '--key': it is empty", "chatty send"),
        (["ask", "x", "ok?", "--key", " "], "invalid value for '--key': it is empty", "chatty ask"),
        (["ask", "x", "ok?", "--from", ""], "invalid value for '--from': it is empty", "chatty ask"),
        (["run", "x", "--redact", "", "--", "ls"], "invalid value for '--redact': it is empty", "chatty run"),
        (["send", "", "hi"], "invalid value for 'ROOM': it is empty", "chatty send"),
        (["send", "x", "hi", "--name", ""], "invalid value for '--name': it is empty", "chatty send"),
        (["who", "x", "--server", ""], "invalid value for '--server': it is empty", "chatty who"),
        (["who", "x", "--profile", ""], "invalid value for '--profile': it is empty", "chatty who"),
        (["history", "x", "--grep", ""], "invalid value for '--grep': it is empty", "chatty history"),
        (["tail", "x", "--cursor", ""], "invalid value for '--cursor': a path can't be empty", "chatty tail"),
        (["who", "x", "--server", "ftp://x"], "'ftp://x' is not a server's address", ""),
    ],
)
def test_wrong_usage_is_told_in_one_line_with_a_hint(user: User, arguments: list[str], error: str, hint: str) -> None:
    first, *rest = user.here.fails(2, *arguments).splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert hint in " ".join(rest)


@pytest.mark.parametrize(
    ("options", "variables", "colored"),
    [
        (["--no-color"], {"FORCE_COLOR": "1"}, False),
        (["--color"], {"NO_COLOR": "1"}, True),
        (["--color", "--no-color"], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        (["--", "--no-color"], {"FORCE_COLOR": "1"}, True),
    ],
)
def test_the_label_of_an_error_has_a_colour_where_the_options_say_so(
    user: User, options: list[str], variables: dict[str, str], colored: bool
) -> None:
    user.env |= variables
    assert ("\x1b[" in user.here.fails(2, "join", "nowhere", *options)) == colored


def test_a_command_is_the_same_in_a_process_of_its_own_and_in_one_that_is_there_already(user: User, room: str) -> None:
    user.here.run("send", room, said="ein Käfer\n\x1b[1m".encode())
    for arguments in (
        ("history", room),
        ("tail", room, "--json", "--no-follow"),
        ("who", "1" * 27),
        ("send", "--help"),
    ):
        alone, here = user.run(*arguments, status=None), user.here.run(*arguments, status=None)
        assert (here.returncode, here.stdout, here.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_with_json_an_error_is_one_object_on_stderr(user: User) -> None:
    said = user.here.fails(2, "tail", "--json")
    assert json.loads(said) == {
        "event_type": "error",
        "code": "usage",
        "message": "missing argument 'ROOM'",
        "hint": "see: chatty tail --help",
        "exit": 2,
    }


def test_json_behind_the_dashes_is_text(user: User, room: str) -> None:
    assert user.here.fails(2, "send", room, "--bogus", "--", "--json").startswith("error: ")


def test_a_server_that_is_not_there_is_status_5_and_says_how_to_start_one(user: User) -> None:
    server = f"http://127.0.0.1:{free_port()}"
    assert user.here.fails(5, "create", "deploys", "--server", server) == (
        f"error: cannot reach {server} (connection refused)\nhint:  start one: chatty serve\n"
    )


class Elsewhere(BaseHTTPRequestHandler):
    """A server of something else."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>hello</h1>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_something_else_than_chatty_is_told_apart(user: User) -> None:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere:
        Thread(target=elsewhere.handle_request).start()
        server = f"http://127.0.0.1:{elsewhere.server_port}"
        assert "is this the address of a chatty server?" in user.here.fails(1, "create", "x", "--server", server)


def test_who_stops_reading_ends_a_command_silently(user: User, room: str) -> None:
    for arguments in (["--help"], ["--version"], ["help"], ["create", "x"], ["tail", room, "--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = user.run(*arguments, status=None, stdout=writer)
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (141, b""), arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "x"],
        ["--version"],
        ["-V"],
        ["--version", "send"],
        ["--help"],
        ["send", "-h"],
        ["help"],
        ["help", "send"],
        ["completion", "zsh"],
    ],
)
def test_a_full_disk_is_an_error_and_not_silence(user: User, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        assert user.fails(1, *arguments, stdout=full) == "error: No space left on device\n"


def test_closed_standard_streams_do_no_harm(user: User, room: str) -> None:
    command = f'exec "$0" -m chatty send {room} hello <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable], env=user.env, cwd="/", timeout=PATIENCE)
    assert done.returncode == 0


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_without_standard_streams_help_and_version_are_no_mistake(user: User, option: str) -> None:
    command = f'exec "$0" -m chatty {option} <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable], env=user.env, cwd="/", timeout=PATIENCE)
    assert done.returncode == 0


def test_an_error_is_red_only_where_somebody_sees_it(user: User) -> None:
    assert user.here.fails(2, "send").startswith("error:")
    assert user.here.fails(2, "send", env={**user.env, "FORCE_COLOR": "1"}).startswith("\x1b[1;31merror:\x1b[0m")
    assert user.here.fails(2, "send", env={**user.env, "FORCE_COLOR": "1", "NO_COLOR": "1"}).startswith("error:")
