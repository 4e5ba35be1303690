"""`login`, `logout` and `whoami`: a token is kept for one server, and nobody else sees it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pexpect
import pytest
from aiohttp import web

from chatty.credentials import new_token
from tests.cli.test_certificates import clients, needed
from tests.cli.user import User
from tests.support.scripted import Scripted, problem
from tests.support.server import PATIENCE, ROOT, Server


@pytest.fixture
def user(server: Server, tmp_path: Path) -> User:
    return User(tmp_path / "home", server.url)


def test_a_stranger_is_told_how_to_get_in(user: User, server: Server) -> None:
    for command in (("create", "x"), ("send", "1" * 27, "hi"), ("tail", "1" * 27), ("who", "1" * 27), ("policy",)):
        said = user.here.fails(4, *command)
        assert said.endswith(f"hint:  chatty login {server.url}\n"), command


@pytest.mark.parametrize("name", sorted({*clients()} - {"join", "login", "logout", "whoami", "token list"}))
def test_no_command_does_anything_for_a_stranger_or_for_somebody_whose_token_counts_no_longer(
    user: User, server: Server, name: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(new_token())
    words, rest = name.split(), needed(name, "1" * 27)[len(name.split()) :]
    for token, hint in (((), f"chatty login {server.url}"), (("--token-file", str(tmp_path / "token")), "put a token")):
        status = 0 if name == "run" else 4  # run runs its command in any case, and says what it could not report
        said = user.here.fails(status, *words, *token, *rest)
        assert said.startswith("note:  the room was not told" if name == "run" else "error: "), said
        assert f"hint:  {hint}" in said or name == "run"


def test_after_a_login_one_speaks_under_the_name_of_the_token_until_the_logout(user: User, admin: str) -> None:
    assert user.here.says("login", said=f"{admin}\n".encode()) == f"logged in to {user.env['CHATTY_SERVER']} as ada\n"
    room = user.here.says("create", "general").strip()
    user.here.run("send", room, "hello")
    (message,) = user.here.events(room)
    assert message["participant"] == "ada"  # whatever CHATTY_NAME says
    assert user.here.fails(4, "send", room, "hello", "--name", "John").startswith(
        "error: With this token you are 'ada'"
    )
    user.here.run("logout")
    user.here.fails(4, "send", room, "hello")
    assert "note:  there was no login at " in user.here.run("logout").stderr.decode()


def test_a_login_is_kept_where_only_its_owner_can_read_it(user: User, admin: str) -> None:
    user.here.run("login", said=admin.encode())
    file = user.home / "state" / "chatty" / "logins.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert admin in file.read_text()


def test_whoami_says_what_the_server_takes_one_for(user: User, admin: str, known_as: object) -> None:
    assert "your key" in user.here.says("whoami")
    user.here.run("login", said=admin.encode())
    assert "owner: an administrator" in user.here.says("whoami")
    me = json.loads(user.here.says("whoami", "--json"))
    assert (me["name"], me["trust"], me["role"]) == ("ada", "verified", "owner")
    assert me["token"] in user.here.says("whoami")


def test_a_token_with_a_typing_error_is_noticed_before_anybody_is_asked(user: User, admin: str) -> None:
    nobody = {**user.env, "CHATTY_SERVER": "http://127.0.0.1:1"}
    for typed in (admin[:-1], admin.replace("chatty_t", "chatty_i"), admin[:20] + "~" + admin[21:], "", "secret"):
        said = user.here.fails(4, "login", said=typed.encode(), env=nobody)
        assert "this is not a token" in said
        assert typed[10:] == "" or typed[10:] not in said


def test_a_token_that_the_server_does_not_know_is_not_kept(user: User) -> None:
    assert "error: This token is not valid" in user.here.fails(4, "login", said=new_token().encode())
    assert not (user.home / "state" / "chatty" / "logins.json").exists()


def test_a_token_in_the_place_of_the_server_is_neither_looked_up_nor_repeated(user: User, admin: str) -> None:
    said = user.here.fails(2, "login", admin)
    assert "a token is not the address of a server" in said
    assert admin not in said


def test_the_rooms_to_which_a_token_leads_can_be_called_by_their_names(ada: User, user: User) -> None:
    room = ada.here.says("create", "deploys").strip()
    token = ada.here.says("token", "create", "--name", "bo", "--room", room)
    user.here.run("login", said=token.encode())
    user.here.run("send", "deploys", "hello")
    assert [event["participant"] for event in ada.here.events(room)] == ["bo"]


async def test_a_login_is_shown_to_its_server_alone(user: User, admin: str) -> None:
    shown: list[str] = []
    no_room = problem(404, "room_not_found")

    async def answer(request: web.Request) -> web.StreamResponse:
        shown.append(request.headers.get("Authorization", ""))
        return await no_room(request)

    await asyncio.to_thread(user.run, "login", said=admin.encode())
    async with Scripted(answer) as other:
        await asyncio.to_thread(user.run, "who", "1" * 27, "--server", other.url, status=3)
    assert shown
    assert all(header.startswith("Bearer ") and admin not in header for header in shown)


def test_two_profiles_are_two_logins(user: User, admin: str, ada: User) -> None:
    config = user.home / "config" / "chatty"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("[profile.work]\n[profile.home]\n")
    user.here.run("login", "--profile", "work", said=admin.encode())
    user.here.run("login", "--profile", "home", said=ada.here.says("token", "create", "--name", "cy").encode())
    names = [json.loads(user.here.says("whoami", "--json", "--profile", name))["name"] for name in ("work", "home")]
    assert names == ["ada", "cy"]


def test_what_is_typed_is_not_shown(user: User, admin: str) -> None:
    with pexpect.spawn(
        sys.executable, ["-m", "chatty", "login"], env=user.env, cwd=str(ROOT), timeout=PATIENCE, encoding="utf-8"
    ) as terminal:
        terminal.expect("Token for http.*: ")
        terminal.sendline(admin)
        terminal.expect("as ada")
        assert admin not in terminal.before
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 0


def test_a_token_file_goes_before_a_login_and_is_copied_by_one(user: User, ada: User, admin: str) -> None:
    file = user.home / "token"
    user.home.mkdir()
    file.write_text(ada.here.says("token", "create", "--name", "di"))
    user.here.run("login", said=admin.encode())
    assert json.loads(user.here.says("whoami", "--json", "--token-file", str(file)))["name"] == "di"
    user.here.run("login", "--token-file", str(file))
    file.unlink()
    assert json.loads(user.here.says("whoami", "--json"))["name"] == "di"


@pytest.mark.parametrize("content", [None, "", "not a token\n"])
def test_a_file_without_a_token_is_wrong_usage(user: User, content: str | None) -> None:
    user.home.mkdir()
    file = user.home / "token"
    if content is not None:
        file.write_text(content)
    said = user.here.fails(2, "whoami", "--token-file", str(file))
    assert str(file) in said
    assert "not a token" not in said
    assert user.here.fails(2, "whoami", env={**user.env, "CHATTY_TOKEN_FILE": str(file)}) == said


def test_a_damaged_list_of_logins_says_so_and_not_what_is_in_it(user: User, admin: str) -> None:
    user.here.run("login", said=admin.encode())
    file = user.home / "state" / "chatty" / "logins.json"
    file.write_text(file.read_text()[:-2])
    said = user.here.fails(1, "whoami")
    assert f"{file} is damaged" in said
    assert admin not in said
