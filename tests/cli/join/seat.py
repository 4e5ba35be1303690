"""A person at a real terminal: ``chatty join`` in a pseudo-terminal, what it shows, and the keys to press."""

from __future__ import annotations

import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect

from tests.cli.join.glass import Glass
from tests.support.server import ROOT, environment

PATIENCE = 60.0
"""Seconds for what normally takes a second or two."""


class Seat:
    """``command`` (by default ``chatty join ROOM``) in a terminal of its own, with a home of its own.

    Without a ``room`` it is in those that were open last.
    ``keys`` are typed with `press`; `sees` waits until the screen is as it
    should be. ``raw`` is all that was written to the terminal.
    """

    def __init__(
        self,
        home: Path,
        server: str,
        room: str,
        *options: str,
        name: str = "John",
        columns: int = 80,
        rows: int = 24,
        command: list[str] | None = None,
        term: str = "xterm-256color",
        variables: dict[str, str] | None = None,
    ) -> None:
        self.glass = Glass(columns, rows)
        self.raw = ""
        where = [room, "--server", server] if room else ["--server", server]
        join = [sys.executable, "-m", "chatty", "join", *where, "--name", name, *options]
        program, *arguments = command or join
        self.join_line = " ".join(join)
        env = environment(
            TERM=term, TZ="UTC", XDG_CONFIG_HOME=str(home / "config"), XDG_STATE_HOME=str(home / "state"), PS1="ready% "
        )
        for name in ("NO_COLOR", "FORCE_COLOR", "XTERM_VERSION"):
            env.pop(name, None)
        env |= variables or {}
        self.child = pexpect.spawn(
            program, arguments, env=env, cwd=str(ROOT), dimensions=(rows, columns), timeout=PATIENCE, encoding="utf-8"
        )
        self.modes = self.terminal_modes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.child.close(force=True)

    def terminal_modes(self) -> list[object]:
        """How the terminal is set: echo, line editing and so on."""
        return list(termios.tcgetattr(self.child.child_fd))

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def sees(self, what: str | Callable[[list[str]], bool]) -> list[str]:
        """Waits until ``what`` is on the screen, or true of its rows, and gives the rows."""
        holds = what if callable(what) else lambda rows: what in "\n".join(rows)
        deadline = time.monotonic() + PATIENCE
        while not holds(self.glass.rows):
            assert time.monotonic() < deadline, self._story("does not come")
            try:
                self._show(self.child.read_nonblocking(65_536, timeout=1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert holds(self.glass.rows), self._story("the program ended")
        return self.glass.rows

    def kill9(self) -> None:
        """Kills the program where it stands, and returns when it is gone."""
        self.child.kill(signal.SIGKILL)
        self.child.wait()

    def hang_up(self) -> None:
        """Closes the terminal, and returns when the program has noticed it, and ended."""
        child: Any = self.child
        terminal = child.ptyproc
        terminal.fileobj.close()
        terminal.wait()
        terminal.closed = True

    def ends(self) -> int:
        """Waits until the program has ended, and gives its exit status."""
        while True:
            try:
                self._show(self.child.read_nonblocking(65_536, timeout=PATIENCE))
            except pexpect.EOF:
                break
            except pexpect.TIMEOUT:
                raise AssertionError(self._story("it does not end")) from None
        self.child.wait()
        status = self.child.exitstatus
        return status if status is not None else -(self.child.signalstatus or 0)

    def narrow(self, columns: int) -> None:
        """Makes the window narrower."""
        self.glass.narrow(columns)
        self.child.setwinsize(self.glass.screen.lines, columns)

    def _show(self, data: str) -> None:
        self.raw += data
        self.glass.write(data)

    def _story(self, what: str) -> str:
        return "\n".join([what, *self.glass.rows])
