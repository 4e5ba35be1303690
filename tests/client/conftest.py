"""One real server for the tests that do it no harm, and one for each test that does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.proxy import Proxy
from tests.support.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share: nobody stops it."""
    with Server(tmp_path_factory.mktemp("shared") / "data") as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to stop and to kill."""
    with Server(tmp_path / "data") as running:
        yield running


@pytest.fixture
def room_id(server: Server) -> str:
    """A new room on the shared server."""
    created: str = server.make_room()["id"]
    return created


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    """The way to the shared server, to be broken."""
    async with Proxy(server.port) as running:
        yield running
