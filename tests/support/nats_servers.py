"""Real servers of NATS with JetStream, one or a cluster of three, each in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.server import PATIENCE, free_port

PROGRAM: Final = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"


class NatsServers:
    """``count`` servers whose files are in ``directory``, encrypted with ``key`` if there is one."""

    def __init__(self, directory: Path, count: int = 1, *, key: str = "") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._ports = [(free_port(), free_port(), free_port()) for _ in range(count)]
        self._cipher = f'cipher: aes, key: "{key}"' if key else ""
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self.url = ",".join(f"nats://127.0.0.1:{port}" for port, _, _ in self._ports)

    def __enter__(self) -> Self:
        for number in range(len(self.processes)):
            self.start(number)
        for number in range(len(self.processes)):
            self.wait_healthy(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in range(len(self.processes)):
            self.kill9(number)

    def store(self, number: int) -> Path:
        """Where a server keeps its files."""
        return self.directory / f"nats-{number}"

    def start(self, number: int) -> None:
        """Start a server. It is not ready yet."""
        file = self.directory / f"nats-{number}.conf"
        file.write_text(self._configuration(number))
        with (self.directory / f"nats-{number}.log").open("ab") as log:
            self.processes[number] = subprocess.Popen([PROGRAM, "-c", str(file)], stdout=log, stderr=log)

    def wait_healthy(self, number: int) -> None:
        """Return when a server takes part. Raises AssertionError, with what it said, if it doesn't in time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[number][2]}/healthz", timeout=5):
                    return
            except OSError as error:
                reason = error
            said = (self.directory / f"nats-{number}.log").read_text()
            assert time.monotonic() < deadline, f"nats-server is not ready ({reason}):\n{said}"
            time.sleep(0.05)

    def kill9(self, number: int) -> None:
        """Kill a server, whatever state it is in."""
        process, self.processes[number] = self.processes[number], None
        if process is not None:
            process.kill()
            process.wait()

    def _configuration(self, number: int) -> str:
        port, route, http = self._ports[number]
        routes = ", ".join(f'"nats://127.0.0.1:{route}"' for _, route, _ in self._ports)
        cluster = f'cluster {{ name: chatty, listen: "127.0.0.1:{route}", routes: [{routes}] }}'
        return f"""
            server_name: n{number}
            listen: "127.0.0.1:{port}"
            http: "127.0.0.1:{http}"
            jetstream {{ store_dir: "{self.store(number)}", sync_interval: always, {self._cipher} }}
            {cluster if len(self._ports) > 1 else ""}
        """
