"""`invite` and `join`: a URL lets somebody in once, and after that the room's name is enough. Attack 11, and 3."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pexpect
import pytest

from chatty.credentials import new_invitation
from tests.cli.user import User
from tests.support.server import PATIENCE, ROOT, Server


class Den(NamedTuple):
    """A room by invitation, of ada's."""

    id: str
    name: str


@pytest.fixture
def den(ada: User, tmp_path: Path) -> Den:
    name = f"den {tmp_path.name}"
    room = ada.here.says("create", name).strip()
    ada.here.run("policy", room, "--everyone", "nobody")
    return Den(room, name)


@pytest.fixture
def bob(server: Server, tmp_path: Path) -> Iterator[User]:
    """Somebody with nothing but a key."""
    with User(tmp_path / "bob", server.url) as someone:
        someone.env["CHATTY_NAME"] = "Bob"
        yield someone


def spawn(user: User, *arguments: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable, ["-m", "chatty", *arguments], env=user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8"
    )


def leave(child: pexpect.spawn[str]) -> None:
    child.expect("connected")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_an_invitation_is_a_url_whose_secret_goes_to_no_server_s_log(ada: User, den: Den, server: Server) -> None:
    url = ada.here.says("invite", den.name).strip()
    place, secret = url.split("#")
    assert place == f"{server.url}/v1/rooms/{den.id}"
    assert secret.startswith("chatty_i")
    (listed,) = ada.here.says("invite", den.name, "--list").splitlines()
    assert listed.split("\t")[1:] == ["member", listed.split("\t")[2]]
    assert "1 left; until " in listed
    assert "; by ada" in listed
    assert secret not in listed + ada.here.says("invite", den.name, "--list", "--json") + server.log


def test_somebody_who_accepts_it_needs_the_room_s_name_alone_from_then_on(ada: User, bob: User, den: Den) -> None:
    url = ada.here.says("invite", den.name).strip()
    bob.here.fails(4, "send", den.id, "hello")
    assert bob.here.says("join", url) == f'you were let into "{den.name}" as member\n'
    bob.here.run("send", den.name, "hello")
    assert [event["participant"] for event in bob.here.events(den.name) if event["event_type"] == "message"] == ["Bob"]
    assert bob.here.says("join", url) == f'you were let into "{den.name}" as member\n', "again is no harm"
    assert "Bob" in ada.here.says("members", den.name)


def test_it_is_accepted_in_a_terminal_where_the_conversation_begins(ada: User, bob: User, den: Den) -> None:
    leave(spawn(bob, "join", "--plain", ada.here.says("invite", den.name).strip()))
    bob.here.run("send", den.name, "hello")


def test_a_terminal_asks_for_it_and_does_not_show_it(ada: User, bob: User, den: Den) -> None:
    """Attack 3: so it is neither in the shell's history nor in the list of processes."""
    url = ada.here.says("invite", den.name).strip()
    child = spawn(bob, "join", "--plain")
    child.expect("Room or invitation")
    child.sendline(url)
    child.expect("connected")
    processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert url.split("#")[1] not in processes + (child.before or "")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()


def test_a_poster_may_send_and_is_told_so(ada: User, bob: User, den: Den) -> None:
    assert bob.here.says("join", ada.here.says("invite", den.name, "--can", "post").strip()).endswith("as poster\n")
    bob.here.run("send", den.name, "hello")
    bob.here.fails(4, "tail", den.name, "--no-follow")
    child = spawn(bob, "join", ada.here.says("invite", den.name, "--can", "post").strip())
    assert "as poster" in child.read()
    child.close()
    assert child.exitstatus == 0


def test_an_invitation_to_the_server_is_a_sign_up(ada: User, bob: User, server: Server) -> None:
    bob.here.fails(4, "create", "x")
    url = ada.here.says("invite").strip()
    assert url.startswith(f"{server.url}/v1/server#chatty_i")
    assert bob.here.says("join", url) == f"you were let into {server.url} as member\n"
    bob.here.run("create", "x")
    ada.here.fails(2, "invite", "--revoke", url.split("#")[1])
    (listed, *_) = ada.here.says("invite", "--list", "--json").splitlines()
    ada.here.run("invite", "--revoke", json.loads(listed)["id"], "--members")
    bob.here.fails(4, "create", "y")


def test_an_invitation_under_a_name_gives_it(ada: User, bob: User, den: Den) -> None:
    url = ada.here.says("invite", den.name, "--name", "Bea").strip()
    assert bob.here.says("join", url) == f'you were let into "{den.name}" as member, called Bea\n'
    bob.here.run("send", den.name, "hello", "--name", "Bea")
    with User(bob.home / "key", bob.env["CHATTY_SERVER"]) as eve:
        eve.here.run("join", ada.here.says("invite", den.name).strip())
        assert "reserved for somebody else" in eve.here.fails(6, "send", den.name, "I am Bea", "--name", "Bea")
    ada.here.fails(2, "invite", den.name, "--name", "Zoe", "--uses", "2")


def test_what_counts_no_longer_is_said_without_the_secret(ada: User, bob: User, den: Den, server: Server) -> None:
    url = ada.here.says("invite", den.name, "--json")
    made = json.loads(url)
    ada.here.run("invite", den.name, "--revoke", made["id"])
    said = bob.here.fails(4, "join", made["url"])
    assert said.startswith("error: That lets nobody in here")
    assert "hint:  check that it is whole and for this room" in said
    for broken in (made["url"][:-1], made["url"] + "x", made["url"].replace("chatty_i", "chatty_t"), server.url + "#"):
        said = bob.here.fails(4, "join", broken)
        assert "this is not a whole invitation" in said
        assert made["invitation"][8:-2] not in said
    for command in (("join", made["invitation"]), ("send", made["url"], "hello"), ("tail", made["invitation"])):
        said = bob.here.fails(2, *command)
        assert made["invitation"] not in said


def test_no_secret_goes_over_a_network_unencrypted(ada: User) -> None:
    room = "1" * 27
    for command, said in (
        (("join", f"http://192.0.2.1/v1/rooms/{room}#{new_invitation()}"), b""),
        (("join", f"http://192.0.2.1/v1/rooms/{room}", "--password-stdin"), b"correct horse\n"),
        (("policy", f"http://192.0.2.1/v1/rooms/{room}", "--password-stdin"), b"correct horse\n"),
        (("invite", f"http://192.0.2.1/v1/rooms/{room}"), b""),
    ):
        assert "could be read on the way there" in ada.here.fails(2, *command, said=said), command


def test_the_operator_invites_by_the_files_of_the_server(operator: User, bob: User, den: Den, server: Server) -> None:
    url = operator.here.says("invite", den.id, "--data", str(server.data)).strip()
    assert bob.here.says("join", url) == f'you were let into "{den.name}" as member\n'


def test_a_list_of_members_to_revoke_needs_an_invitation(ada: User, den: Den) -> None:
    assert "--revoke ID --members" in ada.here.fails(2, "invite", den.name, "--members")


# --- passwords ----------------------------------------------------------------------------------------------


def test_a_password_is_asked_for_once_and_members_stay_when_it_is_changed(ada: User, bob: User, den: Den) -> None:
    ada.here.run("policy", den.name, "--everyone", "nobody", "--password-stdin", said=b"correct horse\n")
    assert "password\tyes" in ada.here.says("policy", den.name)
    assert "correct" not in ada.here.says("policy", den.name, "--json") + ada.here.says("audit", den.name)
    child = spawn(bob, "join", den.id, "--plain")
    child.expect("If the room has a password")
    child.sendline("correct horse")
    leave(child)
    assert "correct horse" not in (child.before or "")
    ada.here.run("policy", den.name, "--password-stdin", said=b"another horse\n")
    bob.here.run("send", den.name, "hello")
    ada.here.run("policy", den.name, "--no-password")
    assert "password\tno" in ada.here.says("policy", den.name)


def test_scripts_show_a_password_by_standard_input(ada: User, bob: User, den: Den) -> None:
    ada.here.run("policy", den.name, "--password-stdin", said=b"correct horse\n")
    assert "hint:  check that it is whole" in bob.here.fails(
        4, "join", den.id, "--password-stdin", said=b"wrong horse\n"
    )
    said = bob.here.says("join", den.id, "--password-stdin", said=b"correct horse\n")
    assert said == f'you were let into "{den.name}" as member\n'
    bob.here.run("send", den.name, "hello")


def test_a_password_is_a_room_s_and_is_one(ada: User, den: Den) -> None:
    ada.here.fails(2, "policy", "--password-stdin", said=b"correct horse\n")
    ada.here.fails(2, "policy", den.id, "--password-stdin")
    assert "8 to 128 bytes" in ada.here.fails(1, "policy", den.id, "--password-stdin", said=b"short\n")
    ada.here.fails(
        2, "join", f"{ada.env['CHATTY_SERVER']}/v1/rooms/{den.id}#{new_invitation()}", "--password-stdin", said=b"x\n"
    )
