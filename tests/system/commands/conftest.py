"""A server for all tests of a file, since each keeps to a room of its own, and people at terminals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.tmux import Tmux


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("shared") / "data") as running:
        yield running


@pytest.fixture
def server(shared: Server) -> Server:
    """The server, which runs. A test may kill it, and need not start it again."""
    if not shared.running:
        shared.start()
    return shared


@pytest.fixture
def tmux(tmp_path: Path, server: Server) -> Iterator[Tmux]:
    with Tmux(tmp_path, server.url) as tmux:
        yield tmux
