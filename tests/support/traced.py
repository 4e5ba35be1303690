"""Servers under strace: what they ask of the kernel, in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.server import ROOT, Server


def tracing(file: Path, calls: str) -> tuple[str, ...]:
    """What to put before a command, so that ``file`` has its calls with the time at which they began and ended."""
    # -D: the command is this process's own child, so that a signal and an exit status are its own.
    return ("strace", "-D", "-f", "-ttt", "-T", "-yy", "-s", "8192", "-e", f"trace={calls}", "-o", str(file))


class Call(NamedTuple):
    """A call in such a file. ``text`` is what was given to it."""

    text: str
    began: float
    ended: float


def calls_in(file: Path) -> list[Call]:
    """The calls of all threads, as they began."""
    begun: dict[str, tuple[int, str, float]] = {}
    found: dict[int, Call] = {}
    for place, line in enumerate(file.read_text(errors="replace").splitlines()):
        thread, at, text = line.split(maxsplit=2)
        if text.endswith("<unfinished ...>"):
            begun[thread] = place, text, float(at)
        elif text.startswith("<... "):
            first, text, began = begun.pop(thread)
            found[first] = Call(text, began, float(at))
        elif text.endswith(">"):
            found[place] = Call(text, float(at), float(at) + float(text.rpartition("<")[2][:-1]))
    return [found[place] for place in sorted(found)]


class TracedServer(Server):
    """`Server` under ``strace OPTIONS``; its calls are in ``calls``, one a line."""

    def __init__(self, data: Path, *strace: str) -> None:
        super().__init__(data)
        self._strace = strace
        self._trace = data.parent / f"{data.name}.strace"

    def start(self, *, wait: bool = True) -> Self:
        # -D: the server is this process's own child, so that a signal and an exit status are its own.
        command = ["strace", "-D", "-f", "-o", str(self._trace), *self._strace]
        serve = [sys.executable, "-m", "chatty", "serve", "--port", str(self.port), "--data", str(self.data)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *serve], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=self._env
            )
        if wait:
            self.wait_ready_or_kill()
        return self

    @classmethod
    def with_failing_writes(cls, data: Path, file: str, which: str) -> Self:
        """A server that finds no space for writes to ``file`` of its data: ``which`` of them, as strace counts."""
        full = f"inject=pwrite64:error=ENOSPC:when={which}"
        return cls(data, "-P", str(data / file), "-e", "trace=pwrite64", "-e", full)

    @property
    def calls(self) -> list[str]:
        """The traced calls so far, in the order in which they ended."""
        return self._trace.read_text().splitlines()
