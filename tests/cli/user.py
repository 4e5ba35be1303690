"""Somebody at a shell: runs ``chatty``, as real processes or in the test's own, with a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from chatty.cli.app import run
from chatty.cli.environment import Environment
from tests.support.server import CHATTY, PATIENCE, ROOT, environment

Done = subprocess.CompletedProcess[bytes]
Running = subprocess.Popen[bytes]


class Caller(ABC):
    """Runs commands to their end."""

    @abstractmethod
    def run(
        self, *arguments: str, said: bytes = b"", status: int | None = 0, env: Mapping[str, str] | None = None
    ) -> Done:
        """``chatty ARGUMENTS`` with ``said`` on its standard input and the variables ``env``; None: the user's own.

        ``status`` is how it must end; None: anyhow.
        """

    def says(self, *arguments: str, **options: Any) -> str:
        """What ``chatty ARGUMENTS`` prints."""
        printed: str = self.run(*arguments, **options).stdout.decode()
        return printed

    def fails(self, status: int, *arguments: str, **options: Any) -> str:
        """What ``chatty ARGUMENTS``, which must end with ``status``, says about it."""
        done = self.run(*arguments, status=status, **options)
        assert b"Traceback" not in done.stderr, done.stderr
        return str(done.stderr.decode())

    def events(self, *arguments: str, **options: Any) -> list[Any]:
        """What ``chatty tail ARGUMENTS --json --no-follow`` prints."""
        lines = self.says("tail", *arguments, "--json", "--no-follow", **options)
        return [json.loads(line) for line in lines.splitlines()]


class User(Caller):
    """Runs commands of ``program`` against ``server``. What still runs at the end is killed."""

    def __init__(self, home: Path, server: str, program: Sequence[str] = CHATTY) -> None:
        self.home = home
        self._program = program
        self.env = environment(
            HOME=str(home),
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_STATE_HOME=str(home / "state"),
            CHATTY_SERVER=server,
            CHATTY_NAME="John",
            TZ="UTC",
        )
        for name in ("NO_COLOR", "FORCE_COLOR"):
            self.env.pop(name, None)
        self.here = Here(self.env)
        self._started: list[Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None and not stream.closed:
                    stream.close()

    def start(self, *arguments: str, **popen: Any) -> Running:
        """``chatty ARGUMENTS`` in the background, its streams pipes unless told otherwise."""
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [*self._program, *arguments]
        options = {"env": self.env, "cwd": ROOT, "bufsize": 0, **streams, **popen}
        process = subprocess.Popen(command, **options)
        self._started.append(process)
        return process

    def run(
        self,
        *arguments: str,
        said: bytes = b"",
        status: int | None = 0,
        env: Mapping[str, str] | None = None,
        **popen: Any,
    ) -> Done:
        process = self.start(*arguments, env=self.env if env is None else env, **popen)
        out, err = process.communicate(said if process.stdin else None, timeout=PATIENCE)
        assert status is None or process.returncode == status, (process.returncode, out, err)
        return Done(process.args, process.returncode, out, err)


class Here(Caller):
    """Runs commands in this process, which saves the time in which a process starts and loads its libraries.

    All else is real: files are its streams, and the network is the network.
    It takes the main thread and an event loop of its own. A process is for
    what only a process has: signals, pipes, terminals, a group of its own,
    and the server's default directory, which is chosen when it is imported.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def run(
        self, *arguments: str, said: bytes = b"", status: int | None = 0, env: Mapping[str, str] | None = None
    ) -> Done:
        with ExitStack() as stack:
            stack.enter_context(_variables(self._env if env is None else env))
            stdin, stdout, stderr = (
                TextIOWrapper(stack.enter_context(TemporaryFile()), "utf-8", "backslashreplace") for _ in range(3)
            )
            stack.enter_context(redirect_stdout(stdout))  # Typer writes its help there
            stdin.buffer.write(said)
            stdin.seek(0)
            ended = run(Environment(environ=os.environ, stdin=stdin, stdout=stdout, stderr=stderr), arguments)
            out, err = (_written(stream) for stream in (stdout, stderr))
        assert status is None or ended == status, (ended, out, err)
        return Done(arguments, ended, out, err)


@contextmanager
def _variables(environ: Mapping[str, str]) -> Iterator[None]:
    """This process's own variables, and the time zone among them, are those of ``environ`` meanwhile."""
    try:
        with patch.dict(os.environ, environ, clear=True):
            time.tzset()
            yield
    finally:
        time.tzset()


def _written(stream: TextIOWrapper) -> bytes:
    stream.flush()
    stream.seek(0)
    return bytes(stream.buffer.read())
