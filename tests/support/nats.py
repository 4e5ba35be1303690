"""Real servers of NATS in processes of their own, which keep a cluster's log as an operator's would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nats
import nats.errors

from chatty.server.platform.pipeline.log.jetstream.connection import STREAM
from tests.support.server import PATIENCE, free_port

PROGRAM = str(Path(sys.executable).with_name("nats-server"))


class NatsServer:
    """One of the servers. Its data lies in ``data``, its output in ``log``; ``prefix`` is a command that runs it."""

    def __init__(
        self, data: Path, name: str, port: int, routes: int, peers: list[int], *, is_encrypted: bool = True
    ) -> None:
        self.data, self.name, self.port, self.routes = data, name, port, routes
        self.process: subprocess.Popen[bytes] | None = None
        self.prefix: tuple[str, ...] = ()
        self._log = data.with_name(f"{name}.log")
        self._config = data.with_name(f"{name}.conf")
        cluster = (
            f'cluster {{ name: chatty, listen: "127.0.0.1:{routes}", no_advertise: true,'
            f" routes: [{', '.join(f'nats://127.0.0.1:{peer}' for peer in peers)}] }}\n"
            if len(peers) > 1
            else ""
        )
        cipher = f' cipher: aes, key: "{"k" * 32}"' if is_encrypted else ""
        data.parent.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{port}"\n'
            f'jetstream {{ store_dir: "{data}", sync_interval: always, max_mem: 256M, max_file: 8G,{cipher} }}\n'
            f"{cluster}"
        )

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self.process is not None, "start it first"
        return self.process.pid

    def start(self) -> Self:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([*self.prefix, PROGRAM, "-c", str(self._config)], stdout=log, stderr=log)
        return self

    def signal(self, number: int) -> Self:
        assert self.process is not None, "start it first"
        self.process.send_signal(number)
        return self

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        assert self.process is not None
        self.process.wait(PATIENCE)

    def kill9(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(PATIENCE)


class Nats:
    """So many of them in directory ``data``, which find each other. ``url`` is what a node's ``--log`` takes."""

    def __init__(self, data: Path, size: int = 1, *, is_encrypted: bool = True) -> None:
        self.data = data
        ports = [(free_port(), free_port()) for _ in range(size)]
        peers = [routes for _, routes in ports]
        self.servers = [
            NatsServer(data / f"n{number}", f"n{number}", port, routes, peers, is_encrypted=is_encrypted)
            for number, (port, routes) in enumerate(ports, 1)
        ]
        self.secret = data / "secret"
        data.mkdir(parents=True, exist_ok=True)
        self.secret.write_text(secrets.token_urlsafe(32))

    @property
    def url(self) -> str:
        return ",".join(server.url for server in self.servers)

    @property
    def replicas(self) -> int:
        return len(self.servers)

    def __enter__(self) -> Self:
        for server in self.servers:
            server.start()
        self.wait_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in self.servers:
            server.kill9()
        shutil.rmtree(self.data, ignore_errors=True)

    def wait_ready(self) -> None:
        """Returns when JetStream has a leader."""
        self._await("INFO", lambda answer: True)

    def leader(self) -> NatsServer:
        """The server that leads the log's stream."""
        answer = self._await(f"STREAM.INFO.{STREAM}", lambda answer: bool(answer["cluster"].get("leader")))
        return next(server for server in self.servers if server.name == answer["cluster"]["leader"])

    def wait_current(self) -> None:
        """Returns when the log's stream has a leader, and all its replicas have everything."""
        self._await(f"STREAM.INFO.{STREAM}", self._is_current)

    def _is_current(self, answer: Any) -> bool:
        cluster = answer["cluster"]
        replicas = cluster.get("replicas") or []
        return (
            bool(cluster.get("leader"))
            and len(replicas) == len(self.servers) - 1
            and all(replica["current"] and not replica.get("offline") for replica in replicas)
        )

    def _await(self, what: str, wanted: Callable[[Any], bool]) -> Any:
        """JetStream's answer, when it is as ``wanted``."""
        return asyncio.run(self._asking(what, wanted))

    async def _asking(self, what: str, wanted: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + PATIENCE
        urls = [server.url for server in self.servers]
        while True:
            with contextlib.suppress(OSError, nats.errors.Error, TimeoutError):
                client = await nats.connect(urls, connect_timeout=1, max_reconnect_attempts=1, error_cb=_ignore)
                try:
                    answer = json.loads((await client.request(f"$JS.API.{what}", b"", timeout=1)).data)
                finally:
                    await client.close()
                if "error" not in answer and wanted(answer):
                    return answer
            assert time.monotonic() < deadline, "\n".join(server.log for server in self.servers)
            await asyncio.sleep(0.05)


async def _ignore(error: Exception) -> None:
    """It is asked again."""


def check_configuration(file: Path) -> None:
    """Raises AssertionError with nats-server's own words if it doesn't understand the configuration."""
    checked = subprocess.run([PROGRAM, "-t", "-c", file], capture_output=True, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stderr.decode()
