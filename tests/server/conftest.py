"""A real server that the tests of a module share, and sockets to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody stops."""
    with Server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def room(server: Server) -> str:
    """A new room's id."""
    created: str = server.make_room()["id"]
    return created


async def heard(socket: ClientConnection, count: int) -> list[Any]:
    """The next ``count`` frames, decoded."""
    return [json.loads(await socket.recv()) for _ in range(count)]
