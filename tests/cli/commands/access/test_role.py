"""`role`, `policy`, `kick`, `ban`, `mute`, `members` and `audit`: what moderators say, others feel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, Server


@pytest.fixture
def room(ada: User) -> str:
    return ada.here.says("create", "talk").strip()


def test_a_moderator_is_made_and_unmade(ada: User, room: str, known_as: Callable[..., User]) -> None:
    bob = known_as("bob")
    assert bob.here.fails(4, "members", room).startswith("error: ")
    ada.here.run("role", room, "bob", "moderator", "--for", "7d")
    assert "bob\tmoderator\tuntil " in bob.here.says("members", room)
    assert bob.here.fails(4, "role", room, "bob", "owner").startswith("error: ")
    assert bob.here.fails(4, "policy", room, "--everyone", "reader").startswith("error: ")
    bob.here.run("policy", room, "--lock")
    assert known_as("mo").here.fails(4, "send", room, "hi") == "error: This room accepts no messages for now.\n"
    ada.here.run("role", room, "bob", "nobody")
    assert "bob" not in ada.here.says("members", room)
    assert "accepts no messages" in bob.here.fails(4, "send", room, "hi")


def test_a_policy_is_shown_and_changed(ada: User, room: str, known_as: Callable[..., User]) -> None:
    assert ada.here.says("policy", room).splitlines() == [
        "everyone\tmember", "locked\tno", "topic\tmember", "password\tno", "slow\tno",
    ]  # fmt: skip
    ada.here.run("policy", room, "--everyone", "nobody", "--lock", "--topic", "moderator", "--slow", "1.5s")
    policy = json.loads(ada.here.says("policy", room, "--json"))
    assert policy == {
        "everyone": "nobody", "locked": True, "topic": "moderator", "slow": 1.5, "has_password": False,
    }  # fmt: skip
    assert ada.here.says("policy", room).splitlines()[4] == "slow\t1.5 s"
    assert ada.here.fails(2, "policy", "--slow", "5s").startswith("error: --slow is a rule of one room")
    assert "no room" in known_as("cat").here.fails(3, "who", room)
    ada.here.run("policy", room, "--unlock")
    assert json.loads(ada.here.says("policy", room, "--json"))["locked"] is False
    assert ada.here.says("policy").splitlines()[0] == "everyone\tnobody"  # of the server


def test_a_ban_says_what_it_does_and_ends_with_unban(ada: User, room: str, known_as: Callable[..., User]) -> None:
    eve = known_as("Eve")
    eve.here.run("send", room, "spam")
    following = eve.start("tail", room, "-n", "1")
    assert following.stdout is not None
    assert b"spam" in following.stdout.readline()
    done = ada.here.run("ban", room, "Eve", "--for", "1h", "--reason", "sp\x1bam")
    said = done.stdout.decode()
    assert said.startswith("Eve is banned until ")
    assert "(by key or token, name" in said
    assert f"chatty policy {room} --everyone nobody" in done.stderr.decode()
    assert following.wait(PATIENCE) == 4
    assert following.stderr is not None
    assert b"error: you were removed from the room\nhint:  " in following.stderr.read()
    assert eve.here.fails(4, "send", room, "more") == "error: You are banned from this room.\n"
    (line,) = [line for line in ada.here.says("members", room).splitlines() if line.startswith("Eve")]
    assert line.startswith("Eve\tbanned\tuntil ")
    assert "sp␛am" in line
    assert ada.here.says("unban", room, "eve") == "eve is no longer banned\n"
    eve.here.run("send", room, "sorry")
    said = ada.here.fails(6, "unban", room, "Eve")
    assert said == f'error: nobody called "Eve" is banned in {room}\nhint:  see: chatty members {room}\n'


def test_an_author_is_muted_by_a_message_and_may_still_read(
    ada: User, room: str, known_as: Callable[..., User]
) -> None:
    dan = known_as("Dan")
    dan.here.run("send", room, "la")
    (message,) = dan.here.events(room)
    assert "Dan is muted for good (by " in ada.here.says("mute", room, "--of", str(message["seq"]))
    assert dan.here.fails(4, "send", room, "la la") == "error: You are muted in this room for now.\n"
    assert dan.here.events(room) == [message]
    ada.here.run("unmute", room, "Dan")
    dan.here.run("send", room, "la la")


def test_somebody_is_sent_out_and_may_come_back(ada: User, room: str, server: Server, tmp_path: Path) -> None:
    assert ada.here.fails(6, "kick", room, "Nobody").startswith("error: ")
    ada.here.run("policy", room)
    audit = [json.loads(line) for line in ada.here.says("audit", "--json").splitlines()]
    assert audit == sorted(audit, key=lambda entry: entry["n"])
    assert ada.here.says("audit", "-n", "1").count("\n") == 1


def test_a_ban_on_the_whole_server_names_no_room(ada: User, room: str, known_as: Callable[..., User]) -> None:
    mal = known_as("Mal")
    assert "Mal is banned" in ada.here.says("ban", "--server-wide", "Mal")
    mal.here.fails(4, "send", room, "hi")
    assert "Mal\tbanned" in ada.here.says("members")
    ada.here.run("unban", "--server-wide", "Mal")
    mal.here.run("send", room, "hi")
    ada.here.run("role", "--server-wide", "Mal", "reader")
    assert "Mal\treader" in ada.here.says("members")
    audit = ada.here.says("audit")
    assert "\tada\tbanned\tMal\t" in audit
    assert "\tada\tmade reader\tMal" in audit


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["ban", "Eve"], "say who it is"),
        (["ban"], "missing argument 'ROOM'"),
        (["ban", "x", "Eve", "--of", "3"], "say who it is"),
        (["ban", "--server-wide", "x", "Eve"], "--server-wide takes no ROOM"),
        (["ban", "--server-wide", "--of", "3"], "--of is about a room's message"),
        (["role", "x", "Eve"], "it takes ROOM, NAME and ROLE"),
        (["role", "x", "Eve", "king"], '"king" is not one of nobody, reader, poster, member, moderator, owner'),
        (["role", "--server-wide", "x", "Eve", "reader"], "--server-wide takes no ROOM"),
        (["policy", "x", "--everyone", "owner"], "'owner' is not one of nobody, reader, poster, member"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_wrong_usage(ada: User, words: list[str], error: str) -> None:
    assert error in ada.here.fails(2, *words)


def test_the_token_of_a_rooms_owner_is_used_where_the_login_is_not_enough(
    ada: User, user: User, known_as: Callable[..., User]
) -> None:
    made = json.loads(ada.here.says("create", "old", "--json"))
    rooms = user.home / "state" / "chatty" / "rooms.json"
    rooms.parent.mkdir(parents=True)
    known = {key: made[key] for key in ("id", "name", "owner_token")}
    rooms.write_text(json.dumps({"rooms": [{**known, "server": user.env["CHATTY_SERVER"]}]}))
    user.here.run("policy", "old", "--everyone", "reader")  # with no login at all
    zoe = known_as("zoe")
    user.here.run("login", "--token-file", zoe.env["CHATTY_TOKEN_FILE"])
    user.here.run("role", "old", "zoe", "moderator")
    said = user.here.fails(4, "close", made["id"], "--token-file", zoe.env["CHATTY_TOKEN_FILE"])
    assert "is not yours to close" in said
    user.here.run("close", "old")
    assert user.here.says("rooms") == ""
