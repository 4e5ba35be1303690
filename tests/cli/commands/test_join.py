"""`join` is for people: without a terminal it says what scripts use instead."""

from __future__ import annotations

import sys

import pexpect
import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, ROOT, Server


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
    child = pexpect.spawn(
        sys.executable, ["-m", "chatty", "join", room], env=user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8"
    )
    if room != "nowhere":
        child.expect("If the room has a password")  # nobody is told whether it has one
        child.sendline("")
    said = child.read()
    child.close()
    assert child.exitstatus == status
    assert told in said


def test_a_room_that_was_joined_is_known_by_its_name(user: User, server: Server) -> None:
    room = server.make_room("elsewhere")["id"]
    child = pexpect.spawn(
        sys.executable,
        ["-m", "chatty", "join", room, "--plain"],
        env=user.env,
        cwd=ROOT,
        timeout=PATIENCE,
        encoding="utf-8",
    )
    child.expect("connected")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert user.here.says("rooms").split()[:4] == ["elsewhere", room, server.url, "joined"]
    user.here.run("send", "elsewhere", "hello")
    assert server.texts(room) == ["hello"]
