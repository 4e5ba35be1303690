"""Starting what is measured: chatty as it ships, or the naive baseline, pinned to a core of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

from tests.support.preloaded import Forked

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE: Final = 30.0
"""Seconds for a server to start or to stop."""

_CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE: Final = _CORES[0]
CLIENT_CORE: Final = _CORES[1 % len(_CORES)]


class Running:
    """A server that listens on ``port`` of 127.0.0.1."""

    def __init__(self, process: subprocess.Popen[bytes] | Forked, port: int) -> None:
        self.process = process
        self.port = port
        self._status = psutil.Process(process.pid)

    @property
    def memory(self) -> int:
        """Bytes of its own that it has in memory."""
        return int(self._status.memory_full_info().uss)

    @property
    def cpu_seconds(self) -> float:
        """The processor's time that it has used."""
        times = self._status.cpu_times()
        return float(times.user + times.system)

    def ask(self, method: str, path: str) -> bytes:
        """One HTTP request's answer. Raises RuntimeError for a refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {body.decode(errors='replace')}")
        return body

    def make_rooms(self, count: int) -> list[str]:
        """The ids of ``count`` new rooms."""
        return [str(json.loads(self.ask("POST", f"/chat?name=room{number}"))["id"]) for number in range(count)]

    def metric(self, name: str) -> float:
        """One of chatty's own figures, with its labels if it has any; 0 if it is not there."""
        for line in self.ask("GET", "/metrics").decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0


@contextlib.contextmanager
def running(
    kind: str,
    *,
    data: Path | None = None,
    under: Sequence[str] = (),
    core: int = SERVER_CORE,
    options: Sequence[str] = (),
) -> Iterator[Running]:
    """A server of ``kind``, ``"chatty"`` or ``"naive"``, ready to serve; stopped at the end.

    ``data`` is chatty's directory (a temporary one otherwise), ``options`` are
    of ``chatty serve``, ``under`` is a command that runs it. Raises RuntimeError with what it said if it ends.
    """
    with tempfile.TemporaryDirectory() as scratch, _no_settings():
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.naive", str(port)]
        if kind == "chatty":
            data = data or Path(scratch) / "data"
            command = [sys.executable, "-m", "chatty", "serve", "--port", str(port), "--data", str(data), *options]
        log = Path(scratch) / "log"
        with log.open("wb") as out, pinned(core):
            process = subprocess.Popen([*under, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT)
        try:
            _wait_for(process, port, log)
            yield Running(process, port)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Processes that are started here run on ``core`` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def beside(module: str, *arguments: object, core: int | None = None) -> Iterator[None]:
    """A process of ``module``, from when it says that it is ready; on ``core`` alone, if one is given."""
    with pinned(core) if core is not None else contextlib.nullcontext():
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _no_settings() -> Iterator[None]:
    """What is measured is chatty as it ships, whatever this shell has set."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CHATTY_")}
    try:
        yield
    finally:
        os.environ.update(kept)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}: {log.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not listen within {PATIENCE:.0f} s: {log.read_text()}")
