"""For the tests of programs that talk to chatty: a pytest plugin with a real server.

    # conftest.py
    pytest_plugins = ["chatty.testing"]

    # test_bot.py
    def test_the_bot_answers(chatty_server):
        room = chatty_server.create_room("test")
        ...  # chatty.join(chatty_server.url, room.id, name="Ada")

`ChattyServer` is the same without pytest. It knows the server only as a
program: it starts ``chatty serve`` as a user does.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from chatty.errors import Refused
from chatty.protocol import CreatedRoom, NewRoom, Problem, encode

__all__ = ["ChattyServer", "chatty_server"]

_PATIENCE: Final = 60.0
"""Seconds for a start or a stop, which take well under one where nothing is wrong."""


class ChattyServer:
    """A server in a process of its own, as a context manager; ``data`` is where it keeps its rooms.

    Leaving the context kills it, which is quick.
    All methods block until they are done. In a test with a running
    event loop that must go on meanwhile, as for a bot in the same process
    that is to notice a restart, call ``await asyncio.to_thread(server.restart)``.
    Those that start it raise RuntimeError, with its output, if it doesn't start.
    """

    def __init__(self, data: Path | str) -> None:
        self.data = Path(data)
        self._log = self.data.with_name(f"{self.data.name}.log")
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Its address, which stays the same when it restarts."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """Its output so far, over all restarts."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def start(self) -> None:
        """Starts it, and returns when it takes messages. Does nothing if it runs."""
        if self._running():
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "chatty", "serve", "--port", str(self._port), "--data", str(self.data)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment()
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stops it as an operator does: connections are closed with 1001. Does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kills it on the spot (``kill -9``): everything that it has acked is there after `start`. Nobody is told."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stops it, if it runs, and starts it with the same address and rooms."""
        self.stop()
        self.start()

    def create_room(self, name: str = "test") -> CreatedRoom:
        """Creates a room; `chatty.join` takes its ``id``, and ``owner_token`` closes it.

        Raises `Refused` if ``name`` is not a valid name.
        """
        status, body = self._ask("POST", "/v1/rooms", encode(NewRoom(name)))
        if status != HTTPStatus.CREATED:
            problem = msgspec.json.decode(body, type=Problem)
            raise Refused(problem.code, problem.detail, status=status)
        return msgspec.json.decode(body, type=CreatedRoom)

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"chatty serve did not stop within {_PATIENCE:.0f} s; it said:\n{self.log}") from None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._ready():
            if not self._running():
                raise RuntimeError(f"chatty serve ended at once; it said:\n{self.log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"chatty serve was not ready within {_PATIENCE:.0f} s; it said:\n{self.log}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            return self._ask("GET", "/readyz")[0] == HTTPStatus.OK
        except (OSError, HTTPException):
            return False

    def _ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """A request, which needs no event loop and disturbs none."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def _free_port() -> int:
    """A port from below those that the kernel gives to clients, so that it is still free for a restart."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - nobody has to guess wrong
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _environment() -> dict[str, str]:
    """The test's own environment, without variables that would configure a chatty server or client."""
    inherited = os.environ  # noqa: TID251 - a fixture is the edge
    return {name: value for name, value in inherited.items() if not name.startswith("CHATTY_")}


try:
    import pytest
except ModuleNotFoundError:  # then there is no fixture
    pass
else:

    @pytest.fixture
    def chatty_server(tmp_path: Path) -> Iterator[ChattyServer]:
        """A chatty server of the test's own, on a free port, with its data in the test's temporary directory."""
        with ChattyServer(tmp_path / "chatty") as server:
            yield server
