"""`token create`, `list`, `revoke` and `generate`: what is issued counts where it should, until it is revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chatty.credentials import is_token
from tests.cli.user import User
from tests.support.server import Server


def only_token(user: User) -> str:
    """The public id of the one token that ``user`` has."""
    return str(json.loads(user.here.says("whoami", "--json"))["token"])


def test_the_secret_is_printed_alone_and_never_listed(ada: User) -> None:
    done = ada.here.run("token", "create", "--name", "eve", "--expires", "90d", "--label", "for \x1b[31mher")
    secret = done.stdout.decode().strip()
    assert is_token(secret)
    assert done.stderr == b""
    listed = ada.here.says("token", "list", "--all")
    (line,) = [line for line in listed.splitlines() if "\teve\t" in line]
    assert "for ␛[31mher" in line
    assert "; by ada; " in line
    assert secret not in listed + ada.here.says("token", "list", "--all", "--json")


def test_a_token_for_a_job_is_worth_one_thing_in_one_room(ada: User, known_as: Callable[..., User]) -> None:
    room, other = (ada.here.says("create", name).strip() for name in ("jobs", "other"))
    job = known_as("job", "--room", room, "--can", "post")
    job.here.run("send", room, "done")
    assert [event["text"] for event in ada.here.events(room)] == ["done"]
    only = "error: you may post in this room, but not read it\n"
    assert job.here.fails(4, "tail", room, "--no-follow") == only
    assert job.here.fails(4, "bot", room, "--on", ".", "--", "true") == only
    assert "no room" in job.here.fails(3, "send", other, "hi")
    assert job.here.fails(4, "create", "x") != ""


def test_a_revoked_token_is_worth_nothing_and_another_of_its_name_is_the_same_person(
    ada: User, known_as: Callable[..., User]
) -> None:
    room = ada.here.says("create", "talk").strip()
    fay = known_as("fay")
    fay.here.run("send", room, "one")
    ada.here.run("token", "revoke", only_token(fay))
    said = fay.here.fails(4, "send", room, "two")
    assert said.splitlines()[1] == f"hint:  put a token that counts into {fay.env['CHATTY_TOKEN_FILE']}"
    again = known_as("fay")
    again.here.run("send", room, "three")
    assert [(event["participant"], event["text"]) for event in ada.here.events(room)] == [
        ("fay", "one"),
        ("fay", "three"),
    ]
    assert "revoked " in ada.here.says("token", "list", "--all")


def test_who_may_not_issue_or_revoke_is_told_so(ada: User, known_as: Callable[..., User]) -> None:
    guy = known_as("guy")
    for command in (
        ["create", "--name", "ada"],
        ["create", "--admin", "--name", "x"],
        ["list", "--all"],
        ["revoke", only_token(ada)],
    ):
        assert guy.here.fails(4, "token", *command).startswith("error: "), command
    own = guy.here.says("token", "create").strip()  # for oneself, as much as one has
    assert is_token(own)
    assert len(guy.here.says("token", "list").splitlines()) == 2


def test_a_secret_is_no_id(ada: User, admin: str) -> None:
    said = ada.here.fails(2, "token", "revoke", admin)
    assert admin not in said
    assert "named by its id" in said
    assert ada.here.fails(6, "token", "revoke", "000000000000").startswith("error: ")


def test_an_administrator_has_neither_room_nor_limit(ada: User) -> None:
    assert "say what the administrator is called" in ada.here.fails(2, "token", "create", "--admin")
    for option in (("--room", "1" * 27), ("--can", "read")):
        assert "an administrator may do everything" in ada.here.fails(2, "token", "create", "--admin", *option)


def test_generate_makes_a_token_that_a_server_takes_from_a_file(user: User, tmp_path: Path) -> None:
    secret = user.here.says("token", "generate").strip()
    assert is_token(secret)
    assert user.here.says("token", "generate").strip() != secret
    file = tmp_path / "admin"
    file.write_text(secret)
    with Server(tmp_path / "data", "--access", "token", "--admin-token-file", str(file)) as server:
        at = ("--server", server.url, "--token-file", str(file))
        assert json.loads(user.here.says("whoami", "--json", *at))["name"] == "admin"


def test_the_operator_needs_no_token(operator: User, server: Server) -> None:
    data = ("--data", str(server.data))
    secret = operator.here.says("token", "create", "--admin", "--name", "root", *data).strip()
    assert is_token(secret)
    assert "\troot\t" in operator.here.says("token", "list", *data)
    operator.here.run("role", "--server-wide", "root", "member", *data)
    assert "root\tmember" in operator.here.says("members", *data)
    assert operator.here.says("policy", *data).splitlines()[0] == "everyone\tnobody"
    assert "issued token" in operator.here.says("audit", *data)
    listed = json.loads(operator.here.says("token", "list", "--json", *data).splitlines()[0])
    operator.here.run("token", "revoke", listed["id"], *data)
    both = ("--server", server.url, *data)
    assert "--data and --server both say which server" in operator.here.fails(2, "token", "list", *both)


def test_before_the_first_start_and_while_the_server_is_stopped_the_operator_does_the_servers_work(
    user: User, tmp_path: Path
) -> None:
    data = tmp_path / ("deep" * 25) / "data"  # longer than the path of a socket may be
    assert "there is no server's data in" in user.here.fails(2, "members", "--data", str(data))
    assert not data.exists()
    secret = user.run("token", "create", "--admin", "--data", str(data)).stdout.decode().strip()
    assert is_token(secret)
    data.parent.joinpath("token").write_text(secret)
    at = ("--token-file", str(data.parent / "token"))
    with Server(data, "--access", "token") as server:
        me = json.loads(user.here.says("whoami", "--json", "--server", server.url, *at))
        assert (me["name"], me["role"]) == ("admin", "owner")
        assert server.stop() == 0
        done = user.run("token", "list", "--data", str(data))
        assert me["token"] in done.stdout.decode()
        assert done.stderr == b""
        user.run("token", "revoke", me["token"], "--data", str(data))
        server.start()
        user.here.fails(4, "policy", "--server", server.url, *at)


def test_somebody_who_may_not_read_the_files_is_no_operator(user: User, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = user.run("token", "create", "--data", str(tmp_path / "file" / "data"), status=2).stderr.decode()
    assert said.startswith("error: cannot use ")


@pytest.mark.parametrize("address", ["http://192.0.2.1:8080", "http://chat.example"])
@pytest.mark.parametrize("command", [("whoami",), ("create", "x"), ("send", "1" * 27, "x"), ("tail", "1" * 27)])
def test_no_token_is_sent_where_others_could_read_it(
    user: User, tmp_path: Path, admin: str, address: str, command: tuple[str, ...]
) -> None:
    (tmp_path / "token").write_text(admin)
    said = user.here.fails(2, *command, "--server", address, "--token-file", str(tmp_path / "token"))
    error, hint = said.splitlines()
    assert error == f"error: a token for {address} could be read on the way there, and is not sent"
    assert hint.startswith(f"hint:  use https://{address.removeprefix('http://')}; or, ")
    assert "is not sent" in user.here.fails(2, "login", address, said=admin.encode())
