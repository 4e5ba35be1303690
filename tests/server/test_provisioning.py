"""A server that is set up by settings and files alone keeps to them, and to what was ruled since."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from chatty.credentials import new_token
from tests.support.server import Server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "admin-token"
    path.write_text(new_token() + "\n")
    return path


def me(server: Server, token: str) -> Any:
    return server.ask("GET", "/v1/me", token=token)


def refusal(server: Server, token: str | None = None) -> int:
    with pytest.raises(HTTPError) as refused:
        server.ask("POST", "/v1/rooms", {"name": "x"}, token=token)
    refused.value.close()
    return refused.value.code


def test_the_token_in_a_file_is_an_administrator_s_and_another_one_takes_its_place(tmp_path: Path, file: Path) -> None:
    with Server(tmp_path / "data", "--access", "token", "--admin-token-file", str(file)) as server:
        first = file.read_text().strip()
        assert (me(server, first)["name"], me(server, first)["role"]) == ("admin", "owner")
        server.restart()  # the same file again changes nothing
        assert len(server.ask("GET", "/v1/tokens", token=first)["tokens"]) == 1
        file.write_text(second := new_token())
        server.restart()
        assert me(server, second)["identity"]
        assert refusal(server, first) == 401
        # It was revoked, so it is not valid again because a file has it.
        file.write_text(first)
        server.stop()
        server.start(wait=False)
        assert server.wait() != 0
    assert "was revoked" in server.log
    assert all(secret not in server.log for secret in (first, second))


@pytest.mark.parametrize(
    ("content", "said"), [(None, "can't be read"), (b"\xff\xfe", "can't be read"), (b"a" * 40, "there is no token in")]
)
def test_a_file_without_a_token_is_refused_at_the_start(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    server = Server(tmp_path / "data", "--admin-token-file", str(file))
    server.start(wait=False)
    assert server.wait() != 0
    assert said in server.log
    assert "hint:" in server.log
    assert content is None or content.decode(errors="replace") not in server.log


def test_who_gets_in_is_kept_until_it_is_said_again(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--access", "token") as server:
        assert refusal(server) == 401
        server.options = ()
        server.restart()
        assert refusal(server) == 401
        assert server.ask("GET", "/v1")["access"] == "token"
        server.options = ("--access", "open")
        server.restart()
        assert server.make_room()["id"]


def test_a_start_that_lets_nobody_in_says_how_the_first_administrator_gets_in_until_there_is_one(
    tmp_path: Path,
) -> None:
    advice = f"chatty token create --admin --name YOUR-NAME --data {tmp_path}/data"
    with Server(tmp_path / "data", "--access", "token", "--host", "0.0.0.0") as server:
        assert advice in server.log
        assert "without encryption" in server.log
        assert "--access open" not in server.log
        server.operate("POST", "/v1/tokens", {"name": "ada", "admin": True})
        server.restart()
        assert server.log.count(advice) == 1
