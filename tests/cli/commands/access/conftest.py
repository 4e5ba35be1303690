"""A server that lets in only those with a token, shared by a file's tests, and people who use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.user import User
from tests.support.server import Server

Login = Callable[..., User]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("team") / "data", "--access", "token") as running:
        yield running


@pytest.fixture(scope="module")
def operator(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """Somebody who may read the server's files, and has no token."""
    with User(tmp_path_factory.mktemp("operator"), server.url) as someone:
        yield someone


@pytest.fixture(scope="module")
def admin(server: Server, operator: User) -> str:
    """The token of ada, who owns the server."""
    return operator.here.says("token", "create", "--admin", "--name", "ada", "--data", str(server.data)).strip()


@pytest.fixture
def ada(server: Server, admin: str, tmp_path: Path) -> Iterator[User]:
    """ada, logged in."""
    with User(tmp_path / "ada", server.url) as someone:
        someone.here.run("login", said=admin.encode())
        yield someone


@pytest.fixture
def known_as(server: Server, admin: str, tmp_path: Path) -> Iterator[Callable[..., User]]:
    """Makes somebody with a token for a name, which ``options`` describe, in a file that CHATTY_TOKEN_FILE names."""
    made: list[User] = []

    def make(name: str, *options: str) -> User:
        home = tmp_path / f"{name}-{len(made)}"
        home.mkdir()
        with User(tmp_path / "issuer", server.url) as issuer:
            issuer.here.run("login", said=admin.encode())
            token = issuer.here.says("token", "create", "--name", name, *options)
        (home / "token").write_text(token)
        someone = User(home, server.url)
        someone.env["CHATTY_TOKEN_FILE"] = os.fspath(home / "token")
        made.append(someone)
        return someone

    yield make
    for someone in made:
        someone.__exit__(None, None, None)
