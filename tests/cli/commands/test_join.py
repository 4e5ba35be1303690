"""`join` is for people: without a terminal it says what scripts use instead."""

from __future__ import annotations

import sys

import pexpect
import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, ROOT, Server


def joining(user: User, *arguments: str) -> pexpect.spawn[str]:
    """``chatty join ARGUMENTS`` in a terminal."""
    command = ["-m", "chatty", "join", *arguments]
    return pexpect.spawn(sys.executable, command, env=user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8")


def rest(child: pexpect.spawn[str], status: int) -> str:
    """What it says until it ends, which must be with ``status``."""
    said = child.read()
    child.close()
    assert child.exitstatus == status
    return said


def test_without_a_terminal_it_names_what_scripts_use(user: User, room: str) -> None:
    said = user.here.fails(2, "join", room)
    assert "chatty send ROOM" in said
    assert "chatty tail ROOM" in said


@pytest.mark.parametrize(
    ("room", "status", "told"), [("1" * 27, 3, "no room"), ("nowhere", 3, "chatty create nowhere")]
)
def test_a_room_that_is_not_there_is_told_before_the_screen_opens(
    user: User, room: str, status: int, told: str
) -> None:
    child = joining(user, room)
    if room != "nowhere":
        child.expect("If the room has a password")  # nobody is told whether it has one
        child.sendline("")
    assert told in rest(child, status)


def test_a_room_that_was_joined_is_known_by_its_name(user: User, server: Server) -> None:
    room = server.make_room("elsewhere")["id"]
    child = joining(user, room, "--plain")
    child.expect("connected")
    child.sendeof()
    rest(child, 0)
    assert user.here.says("rooms").split()[:4] == ["elsewhere", room, server.url, "joined"]
    user.here.run("send", "elsewhere", "hello")
    assert server.texts(room) == ["hello"]


def test_somebody_who_names_no_room_is_told_which_there_are(user: User, server: Server) -> None:
    def asked() -> tuple[pexpect.spawn[str], str]:
        child = joining(user)
        child.expect("Room or invitation")
        return child, str(child.before).strip()

    child, note = asked()
    assert note == "note:  you know no room yet; create one: chatty create NAME"
    child.sendline("")
    said = rest(child, 2)
    assert "no room was named" in said
    assert "chatty rooms" in said
    user.here.run("create", "one")
    user.here.run("create", "two")
    child, note = asked()
    assert note == "note:  you know these rooms: two, one; create one: chatty create NAME"
    child.close(force=True)


def test_of_rooms_to_be_entered_the_one_that_cannot_be_entered_is_named(user: User, server: Server) -> None:
    user.here.run("create", "open")
    user.here.run("create", "shut")
    user.here.run("close", "shut")
    said = rest(joining(user, "open", "shut"), 6)
    assert " shut: This room is closed" in said
    assert "hint:  read what was said: chatty history ROOM" in said


def test_rooms_are_entered_again_although_one_was_closed_meanwhile(user: User, server: Server) -> None:
    def joined(*rooms: str) -> str:
        child = joining(user, "--plain", *rooms)
        child.expect("connected")
        before = child.before
        child.sendeof()
        return f"{before}{rest(child, 0)}"

    user.here.run("create", "open")
    user.here.run("create", "shut")
    joined("open", "shut")
    user.here.run("close", "shut")
    said = joined()
    assert "#open" in said
    assert "!! shut: This room is closed" in said
    assert "shut" not in joined(), "it is forgotten"
