"""As a container's first process chatty ends when it is told to, at any moment, and reaps what others leave behind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.support.faults import eventually
from tests.support.server import CHATTY, PATIENCE, ROOT, Server, environment

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
if os.geteuid():
    UNSHARE += ["--user", "--map-root-user"]

IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""

Start = Callable[..., "Container"]


class Container:
    """A command as process 1 of a namespace of its own."""

    def __init__(self, *arguments: str, **extra: str) -> None:
        command = [*UNSHARE, *CHATTY, *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=ROOT, env=environment(**extra),
        )  # fmt: skip

    @property
    def first(self) -> psutil.Process:
        """Its process 1."""
        eventually(lambda: bool(psutil.Process(self.process.pid).children()), "process 1 is there")
        return psutil.Process(self.process.pid).children()[0]

    @property
    def children(self) -> list[psutil.Process]:
        return self.first.children()

    def wait_for(self, line: str) -> None:
        """Returns when it says ``line`` on standard error."""
        assert self.process.stderr is not None
        said = ""
        while line not in said:
            said = self.process.stderr.readline()
            assert said, "it ended before that"

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*arguments: str, **extra: str) -> Container:
            container = Container(*arguments, XDG_STATE_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), **extra)
            stack.callback(container.process.communicate)
            stack.callback(container.process.kill)
            return container

        yield start


@pytest.fixture
def serving(start: Start, tmp_path: Path) -> Container:
    container = start("serve", "--port", "0", "--data", str(tmp_path / "data"))
    container.wait_for("next, in another terminal")
    return container


def test_a_server_stops_in_order(serving: Container) -> None:
    serving.first.send_signal(signal.SIGTERM)
    status, said = serving.end()
    assert status == 0
    assert "stopped" in said


def test_a_signal_in_the_first_moment_ends_it(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    # What is imported last, before a server has handlers of its own, takes forever.
    (tmp_path / "uvloop.py").write_text(f"print('importing', flush=True)\nopen({str(tmp_path / 'never')!r})\n")
    container = start("serve", "--data", str(tmp_path / "data"), PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert container.process.stdout is not None
    assert container.process.stdout.readline() == "importing\n"
    container.first.send_signal(signal.SIGTERM)
    assert container.end()[0] == 128 + signal.SIGTERM


def test_orphans_are_reaped(serving: Container) -> None:
    (server,) = serving.children
    enter = ["nsenter", "--target", str(serving.first.pid), "--pid"]
    if os.geteuid():
        enter += ["--user", "--preserve-credentials"]
    subprocess.run([*enter, "sh", "-c", "sleep 0.5 & sleep 0.5 &"], check=True, close_fds=True)
    assert len(serving.children) == 3
    eventually(lambda: serving.children == [server], "nothing is left of them")


def test_a_command_that_starts_others_gets_their_status_all_the_same(
    server: Server, room_id: str, start: Start
) -> None:
    leaving = "sleep 0.2 & sleep 0.2 & exit 7"
    container = start("run", room_id, "--server", server.url, "--name", "ci", "--", "sh", "-c", leaving)
    assert container.end()[0] == 7
    assert any("7" in text for text in server.texts(room_id))


def test_it_ends_as_the_command_ends(start: Start) -> None:
    assert start("--version").end()[0] == 0
    status, said = start("serve", "--port", "many").end()
    assert status == 2
    assert "is not a whole number" in said


def test_a_command_that_is_killed_ends_it(serving: Container) -> None:
    (server,) = serving.children
    server.kill()
    assert serving.end()[0] == 128 + signal.SIGKILL


@pytest.mark.parametrize("stop", [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_nothing_stops_it_for_good(serving: Container, stop: signal.Signals) -> None:
    (server,) = serving.children
    server.send_signal(stop)
    serving.first.send_signal(signal.SIGTERM)
    assert serving.end()[0] == 0


@pytest.mark.parametrize("keys", [b"\x03", b"\x1a\x03"], ids=["Ctrl-C", "Ctrl-Z Ctrl-C"])
def test_in_a_terminal_a_key_is_one_signal(tmp_path: Path, keys: bytes) -> None:
    controller, terminal = pty.openpty()
    data = tmp_path / "data"
    command = [sys.executable, "-c", IN_A_TERMINAL, *UNSHARE, *CHATTY, "serve", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=ROOT, env=environment())
    os.close(terminal)
    with os.fdopen(controller, "rb", buffering=0) as screen:
        said = b""
        while b"next, in another terminal" not in said:
            said += screen.read(4096)
        os.write(screen.fileno(), keys)
        assert process.wait(PATIENCE) == 0
