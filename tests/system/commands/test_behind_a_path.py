"""A server that a proxy offers under a path: every command works with that address, and prints no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatty
from tests.cli.user import User
from tests.support.prefix_proxy import PrefixProxy
from tests.support.server import Server


@pytest.fixture
def there(tmp_path: Path) -> Iterator[str]:
    """The server's address under ``/team/chatty``."""
    with Server(tmp_path / "data") as server, PrefixProxy(server.port, "/team/chatty") as proxy:
        yield proxy.url


@pytest.fixture
def user(there: str, tmp_path: Path) -> Iterator[User]:
    with User(tmp_path / "home", there) as someone:
        yield someone


def test_a_rooms_url_is_the_one_that_works(user: User, there: str) -> None:
    room = json.loads(user.says("create", "lobby", "--json"))
    assert room["url"] == f"{there}/v1/rooms/{room['id']}"
    user.run("send", room["url"], "hello")
    assert "hello" in user.says("history", room["url"])


def test_commands_go_through_it_over_http_and_websocket(user: User, there: str) -> None:
    room = user.says("create", "lobby").strip()
    user.run("send", "lobby", said=b"one\ntwo\n")  # a pipe is sent over a WebSocket
    assert user.says("tail", room, "--since", "0", "--no-follow", "--json").count('"message"') == 2
    assert "two" in user.says("history", "lobby", "--grep", "two")
    user.run("close", "lobby")


async def test_the_library_joins_through_it(user: User, there: str) -> None:
    created = await chatty.create_room(there, "lobby")
    assert created.url == f"{there}/v1/rooms/{created.id}"
    async with chatty.join(there, created.id, name="Ada") as ada:
        ack = await ada.send("hello")
        assert ack.seq
