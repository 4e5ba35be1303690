"""A real chatty server in a process of its own, for tests.

    with Server(tmp_path / "data") as server:
        room = server.make_room()
        ...
        server.kill9()
        server.start()

All methods block; in a test with a running event loop that must go on
meanwhile, call them as ``await asyncio.to_thread(server.restart)``.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.preloaded import Forked, nursery

ROOT = Path(__file__).resolve().parents[2]
CHATTY = (sys.executable, "-m", "chatty")
"""The command, of the sources."""
PATIENCE = 60.0
"""Seconds for what normally takes well under one: only a broken server is ever waited for that long."""


def free_port() -> int:
    """A port that nothing uses, from below the range that the kernel gives to clients.

    So it is still free when a server that was killed comes back to it.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without any setting of chatty's, so that a developer's own never leak into a test.

    Nor do the authorities that this machine trusts: reading them is a tenth of a command's time.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATTY_")}
    return {**kept, "PYTHONPATH": str(ROOT), "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull, **extra}


class Server:
    """``chatty serve`` on a free port of 127.0.0.1, with its data in ``data``.

    ``options`` are appended to the command line, which begins with
    ``program``. Leaving the context stops it, whatever state it is in. Its
    output is in ``log``. With TLS among the options, ``trusting`` is what its
    clients trust.
    """

    def __init__(
        self,
        data: Path,
        *options: str,
        port: int | None = None,
        env: dict[str, str] | None = None,
        program: Sequence[str] = CHATTY,
        trusting: ssl.SSLContext | None = None,
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.trusting = trusting
        self.url = f"{'https' if trusting else 'http'}://127.0.0.1:{self.port}"
        self.options = options
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self._program = program
        # An interpreter that is told something of its own can't be one that runs already.
        self._is_forked = program == CHATTY and not any(name.startswith("PYTHON") for name in env or {})
        self._env = environment(**(env or {}))
        self._log = data.parent / f"{data.name}.log"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill9()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, "start the server first"
        return self.process.pid

    @property
    def log(self) -> str:
        """What all its lives have printed so far."""
        return self._log.read_text() if self._log.exists() else ""

    def start(self, *, wait: bool = True) -> Self:
        """Starts it, and returns when it is ready to commit; ``wait=False``: at once."""
        assert not self.running, "it runs already"
        arguments = ["serve", "--port", str(self.port), "--data", str(self.data), *self.options]
        with self._log.open("ab") as log:
            if self._is_forked:
                self.process = nursery().start(arguments, output=log.fileno(), cwd=ROOT, env=self._env)
            else:
                self.process = subprocess.Popen(
                    [*self._program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                    env=self._env,
                )  # fmt: skip
        if wait:
            self.wait_ready_or_kill()
        return self

    def wait_ready_or_kill(self, probe: str = "/readyz") -> None:
        """As `wait_ready`; a server that is not ready in time is not left behind."""
        try:
            self.wait_ready(probe)
        except BaseException:
            self.kill9()
            raise

    def wait_ready(self, probe: str = "/readyz") -> None:
        """Returns when ``probe`` says 200. Raises AssertionError, with its log, if it ends instead."""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.running, f"the server ended with {self.process and self.process.returncode}:\n{self.log}"
            try:
                with urllib.request.urlopen(f"{self.url}{probe}", timeout=5, context=self.trusting):
                    return
            except OSError as error:
                reason = error
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
            assert time.monotonic() < deadline, f"the server is not ready ({reason}):\n{self.log}"
            time.sleep(0.02)

    def stop(self) -> int:
        """Asks it to stop (SIGTERM), and returns its exit status."""
        return self.signal(signal.SIGTERM).wait()

    def kill9(self) -> None:
        """Kills it where it stands, and returns when it is gone."""
        if self.running:
            self.signal(signal.SIGKILL).wait()

    def restart(self) -> None:
        """A clean stop and a start on the same port and data."""
        self.stop()
        self.start()

    def crash(self) -> None:
        """kill -9 and a start on the same port and data."""
        self.kill9()
        self.start()

    def signal(self, number: int) -> Self:
        assert self.process is not None, "start the server first"
        self.process.send_signal(number)
        return self

    def wait(self) -> int:
        """Its exit status, when it has ended by itself or by a signal."""
        assert self.process is not None, "start the server first"
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not stop:\n{self.log}") from None

    def line(self) -> http.client.HTTPConnection:
        """A connection for HTTP requests, which is opened by the first of them."""
        if self.trusting:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.trusting)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def dial(self, *, reads: int = 0) -> socket.socket:
        """A connection that bytes go through as they are. ``reads`` is the kernel's buffer for it."""
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        if reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reads)
        sock.connect(("127.0.0.1", self.port))
        return self.trusting.wrap_socket(sock, server_hostname="127.0.0.1") if self.trusting else sock

    def make_room(self, name: str = "test", **fields: Any) -> Any:
        """Creates a room, and gives the server's answer as a dict: ``id``, ``owner_token``, ``url`` and so on."""
        return self.ask("POST", "/v1/rooms", {"name": name, **fields})

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """One HTTP request with a JSON body, and its JSON answer. Raises urllib.error.HTTPError for a refusal."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE, context=self.trusting) as response:
            answer = response.read()
        return json.loads(answer) if answer else None

    def operate(self, method: str, path: str, body: Any = None) -> Any:
        """The same over the control socket, as the server's operator. Raises AssertionError for a refusal."""
        line = http.client.HTTPConnection("localhost", timeout=PATIENCE)
        line.sock = socket.socket(socket.AF_UNIX)
        line.sock.connect(str(self.data / "control"))
        data = None if body is None else json.dumps(body)
        with closing(line):
            line.request(method, path, data, {"Content-Type": "application/json"})
            response = line.getresponse()
            answer = response.read()
        assert response.status < 300, answer
        return json.loads(answer) if answer else None

    def history(self, room_id: str) -> list[Any]:
        """Every event that the room has stored, oldest first."""
        events: list[Any] = []
        more = True
        while more:
            after = events[-1]["seq"] if events else 0
            page = self.ask("GET", f"/v1/rooms/{room_id}/events?after={after}&limit=500")
            events += page["events"]
            more = page["more"]
        return events

    def texts(self, room_id: str) -> list[str]:
        """The texts of the messages that the room has stored, oldest first."""
        return [event["text"] for event in self.history(room_id) if event["event_type"] == "message"]
