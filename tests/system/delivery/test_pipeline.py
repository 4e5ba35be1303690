"""No line is ever lost, not even in a script's pipe: everything is killed, and every line comes out once, in order."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chatty.cli.scripting.cursor_file import CursorFile
from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server
from tests.support.shell import Shell, kill9

LINES = scaled(100_000)
KILLS = 3


def numbers(lines: Iterable[bytes]) -> list[int]:
    """What ``seq`` printed, as ``tail --json`` shows it."""
    return [int(json.loads(line)["text"]) for line in lines]


class Consumer:
    """Reads a ``tail``'s pipe, one run after the other, and drops what comes again."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.again = 0
        self._last = 0
        self._thread: threading.Thread | None = None

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Reads from this run on."""
        assert process.stdout is not None
        self._thread = threading.Thread(target=self._read, args=(process.stdout,))
        self._thread.start()

    def end(self) -> None:
        """Returns when the run's pipe is empty and has ended."""
        assert self._thread is not None
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "somebody keeps the pipe open"

    def _read(self, pipe: Any) -> None:
        for line in pipe:
            if not line.endswith(b"\n"):
                return  # a kill in the middle of a line: it comes again
            seq = json.loads(line)["seq"]
            if seq <= self._last:
                self.again += 1
            else:
                self._last = seq
                self.lines.append(line)


class Tails:
    """``chatty tail`` into a file and into a pipe, each with its cursor."""

    def __init__(self, shell: Shell, room_id: str) -> None:
        self.out = shell.home / "out"
        self.consumer = Consumer()
        self._shell = shell
        self._command = f"exec chatty tail {room_id} --json --wait 60 --cursor"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        into_file = self._shell.start("bash", "-c", f"{self._command} file-cursor >> out")
        into_pipe = self._shell.start("bash", "-c", f"{self._command} pipe-cursor", stdout=subprocess.PIPE)
        self.consumer.follow(into_pipe)
        self._running = [into_file, into_pipe]

    def kill9(self) -> None:
        for process in self._running:
            kill9(process)
        self.consumer.end()
        self._break_off()

    def reach(self, number: int) -> None:
        """Returns when so many lines came out of the pipe and, roughly, went into the file."""
        deadline = time.monotonic() + PATIENCE
        while len(self.consumer.lines) < number or self._size() < number * 80:
            assert time.monotonic() < deadline, f"{len(self.consumer.lines)} of {number} lines came"
            assert all(process.poll() is None for process in self._running), "a tail has ended by itself"
            time.sleep(0.005)

    def finish(self) -> None:
        """Returns when all lines came, whole, and both have been ended."""
        deadline = time.monotonic() + PATIENCE
        while len(self.consumer.lines) < LINES or self._count() < LINES:
            assert time.monotonic() < deadline, f"{len(self.consumer.lines)} and {self._count()} of {LINES} lines came"
            time.sleep(0.05)
        for process in self._running:
            kill9(process)
        self.consumer.end()

    def _break_off(self) -> None:
        """Leave the file as a kill in the middle of the last write does: chance seldom strikes there."""
        with CursorFile(self._shell.home / "file-cursor") as file:
            saved = file.load()
        if saved and saved.pending:
            assert saved.length is not None
            begun = min(self._size(), saved.length + len(saved.pending.data) // 2)
            os.truncate(self.out, begun)

    def _count(self) -> int:
        return self.out.read_bytes().count(b"\n")

    def _size(self) -> int:
        return self.out.stat().st_size if self.out.exists() else 0


@pytest.mark.timeout(600)
def test_a_pipeline_whose_every_part_is_killed_brings_each_line_once_and_in_order(
    server: Server, room_id: str, tmp_path: Path
) -> None:
    chance = random.Random(9)
    moments = sorted(chance.sample(range(1, LINES * 9 // 10), 2 * KILLS))
    with Shell(tmp_path / "home", server.url) as shell:
        tails = Tails(shell, room_id)
        tails.start()
        sending = shell.start("bash", "-o", "pipefail", "-c", f"seq {LINES} | chatty send {room_id}")
        for turn, moment in enumerate(moments):
            tails.reach(moment)
            if turn % 2:
                tails.kill9()
                tails.start()
            else:
                server.crash()
        assert sending.wait(10 * PATIENCE) == 0
        tails.finish()
        with tails.out.open("rb") as out:
            assert numbers(out) == list(range(1, LINES + 1))
        assert numbers(tails.consumer.lines) == list(range(1, LINES + 1))
        assert server.texts(room_id) == [str(number) for number in range(1, LINES + 1)]
