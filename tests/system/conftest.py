"""A real server for each test: most of these tests kill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to stop and to kill."""
    with Server(tmp_path / "data") as running:
        yield running


@pytest.fixture
def room_id(server: Server) -> str:
    """A new room on it."""
    created: str = server.make_room()["id"]
    return created
