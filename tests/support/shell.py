"""``chatty`` as people run it: the installed command, in a real shell, with real pipes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.server import PATIENCE, environment

CHATTY = Path(sys.executable).with_name("chatty")


class Shell:
    """A user at a shell, with a home of their own, who talks to ``server``. What still runs at the end is killed."""

    def __init__(self, home: Path, server: str, **variables: str) -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        self._environment = environment(
            HOME=str(home),
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_STATE_HOME=str(home / "state"),
            CHATTY_SERVER=server,
            CHATTY_NAME="John",
            **variables,
        )
        self._environment["PATH"] = f"{CHATTY.parent}:{self._environment['PATH']}"
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        assert CHATTY.exists(), "install the project first"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._started:
            kill9(process)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def start(self, *command: str, **popen: Any) -> subprocess.Popen[bytes]:
        """``command`` in the background, in the user's home."""
        options: dict[str, Any] = {"cwd": self.home, "env": self._environment, **popen}
        process = subprocess.Popen(command, **options)
        self._started.append(process)
        return process

    def run(self, line: str, **popen: Any) -> tuple[int, str, str]:
        """A line of shell to its end: the pipeline's status (pipefail), and its output."""
        process = self.start(
            "bash", "-o", "pipefail", "-c", line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen
        )
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end: {line}") from None
        return process.returncode, out.decode(), err.decode()


def kill9(process: subprocess.Popen[bytes]) -> None:
    """Kills it where it stands, and returns when it is gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
