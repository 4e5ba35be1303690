"""A real server, and a user with a home of their own who runs real commands."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatty.cli.environment import Environment
from tests.cli.user import User
from tests.support.server import Server

MakeEnvironment = Callable[..., Environment]


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
def room(server: Server) -> str:
    """The id of a new room on the shared server."""
    created: str = server.make_room()["id"]
    return created


@pytest.fixture
def user(server: Server, tmp_path: Path) -> Iterator[User]:
    """Somebody who uses the shared server."""
    with User(tmp_path / "home", server.url) as someone:
        yield someone


@pytest.fixture
def own_user(own_server: Server, tmp_path: Path) -> Iterator[User]:
    """Somebody who uses the test's own server."""
    with User(tmp_path / "home", own_server.url) as someone:
        yield someone


@pytest.fixture
def make_environment(tmp_path: Path) -> MakeEnvironment:
    """Makes environments that share one home; arguments are variables."""

    def make(now: float = 1_800_000_000.0, **environ: str) -> Environment:
        return Environment(
            environ=environ,
            stdin=io.StringIO(),
            stdout=io.StringIO(),
            stderr=io.StringIO(),
            now=lambda: now,
            directories=(tmp_path / "config", tmp_path / "state"),
        )

    return make
