"""Somebody at a shell: runs ``chatty`` as real processes, with a home of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.server import CHATTY, PATIENCE, ROOT, environment

Done = subprocess.CompletedProcess[bytes]
Running = subprocess.Popen[bytes]


class User:
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

    def run(self, *arguments: str, said: bytes = b"", status: int | None = 0, **popen: Any) -> Done:
        """``chatty ARGUMENTS`` with ``said`` on its standard input. ``status`` is how it must end; None: anyhow."""
        process = self.start(*arguments, **popen)
        out, err = process.communicate(said if process.stdin else None, timeout=PATIENCE)
        assert status is None or process.returncode == status, (process.returncode, out, err)
        return Done(process.args, process.returncode, out, err)

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
