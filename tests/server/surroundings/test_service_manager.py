"""systemd learns when the server is ready, that it works, and that it stops, as sd_notify(3) says."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chatty.server.surroundings.service_manager import ServiceManager
from tests.support.server import PATIENCE, Server


class Manager:
    """The socket of a service manager."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.settimeout(PATIENCE)

    def hears(self) -> list[str]:
        """The lines of the next message."""
        return self.socket.recv(4096).decode().split("\n")

    def hears_in_the_end(self, line: str) -> None:
        """Returns when a message has ``line``."""
        while line not in self.hears():
            pass

    def hears_nothing(self) -> bool:
        """Whether nothing has come that was not heard."""
        self.socket.setblocking(False)
        with suppress(BlockingIOError):
            return not self.socket.recv(4096)
        return True


@pytest.fixture(params=["a path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    found = Manager(f"@chatty-{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield found
    found.socket.close()


def test_a_server_says_when_it_is_ready_that_it_works_and_that_it_stops(manager: Manager, tmp_path: Path) -> None:
    with Server(tmp_path / "data", env={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}) as server:
        assert manager.hears() == ["READY=1", "STATUS=ready"]
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=PATIENCE) as ready:
            assert ready.status == 200
        assert [manager.hears() for _ in range(3)] == [["WATCHDOG=1"]] * 3
        server.signal(signal.SIGTERM)
        manager.hears_in_the_end("STOPPING=1")
        assert server.wait() == 0


def test_a_server_that_hangs_is_silent(manager: Manager, tmp_path: Path) -> None:
    with Server(tmp_path / "data", env={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}) as server:
        manager.hears_in_the_end("WATCHDOG=1")
        server.signal(signal.SIGSTOP)
        manager.socket.settimeout(0.5)  # of ten watchdog's intervals there may be one message that was on its way
        with pytest.raises(TimeoutError):
            while True:
                manager.hears()


async def test_it_is_not_ready_as_long_as_there_is_trouble_nor_works_while_a_part_does_not(manager: Manager) -> None:
    troubles, works = ["The log does not answer.", "The node is behind.", ""], [False, False, True]
    told = ServiceManager(manager.address, watchdog=0.01)

    async def trouble() -> str:
        return troubles.pop(0)

    attending = asyncio.create_task(told.attend(trouble, lambda: works.pop(0) if works else False))
    heard = [await asyncio.to_thread(manager.hears) for _ in range(4)]
    assert heard[:2] == [["STATUS=The log does not answer."], ["STATUS=The node is behind."]]
    assert heard[2:] == [["READY=1", "STATUS=ready"], ["WATCHDOG=1"]]
    attending.cancel()
    assert works == []


def test_without_one_there_is_nobody_to_tell() -> None:
    assert ServiceManager.of({}) is None
    assert ServiceManager.of({"NOTIFY_SOCKET": "vsock:2:1"}) is None


def test_what_it_says_is_for_this_process_and_not_for_its_children(manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1", "HOME": "/"}
    assert ServiceManager.of(environ) is not None
    assert environ == {"HOME": "/"}


async def test_the_watchdog_of_another_process_is_not_fed(manager: Manager) -> None:
    other = ServiceManager.of({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    assert other is not None

    async def no_trouble() -> str:
        return ""

    attending = asyncio.create_task(other.attend(no_trouble, lambda: True))
    assert await asyncio.to_thread(manager.hears) == ["READY=1", "STATUS=ready"]
    await asyncio.sleep(0)
    assert manager.hears_nothing()
    attending.cancel()


def test_a_manager_that_is_gone_stops_nothing(manager: Manager) -> None:
    manager.socket.close()
    Path(manager.address).unlink(missing_ok=True)
    ServiceManager(manager.address).stopping()
