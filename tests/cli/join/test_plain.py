"""``chatty join`` as plain lines, and its colours: a real server, real processes, a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.join.seat import Seat
from tests.cli.join.test_terminal import CTRL_D, ENTER, Sit, say
from tests.support.server import Server


@pytest.mark.parametrize("how", [{"options": ["--plain"]}, {"term": "dumb"}])
def test_plain_means_lines_and_nothing_else(own_server: Server, tmp_path: Path, how: Any) -> None:
    room = own_server.make_room("general")["id"]
    with Seat(tmp_path, own_server.url, room, *how.get("options", []), term=how.get("term", "xterm")) as john:
        john.sees("-- connected")
        john.press(f"typed{ENTER}")
        john.sees("John │ typed")
        john.press(f"/qiut{ENTER}")
        john.sees("Did you mean /quit?")
        john.press(f"/clear{ENTER}/edit{ENTER}")
        john.sees("!! plain lines are not cleared: ")
        john.sees("!! plain lines don't come back: ")
        own_server.kill9()
        john.sees("-- reconnecting")
        john.press(f"meanwhile{ENTER}")
        own_server.start()
        john.sees("John │ meanwhile")
        john.press(CTRL_D)
        assert john.ends() == 0
        cursor_moves = re.sub(r"\x1b\[[0-9;]*m", "", john.raw)
        assert "\x1b" not in cursor_moves
        if "term" in how:
            assert "\x1b" not in john.raw
    assert own_server.texts(room) == ["typed", "meanwhile"]


@pytest.mark.parametrize("leaving", [CTRL_D, f"half a line{CTRL_D}{CTRL_D}", "hang-up"])
def test_leaving_sends_nothing_that_nobody_entered(server: Server, room: Any, tmp_path: Path, leaving: str) -> None:
    say(server, room, "lunch?")
    with Seat(tmp_path, server.url, room["id"], "--plain") as john:
        john.sees("bot │ lunch?")
        john.press(f"/react :+1:{ENTER}")
        john.sees("press Enter to do it")
        if leaving == "hang-up":
            terminal: Any = john.child
            terminal.ptyproc.fileobj.close()
            terminal.wait()
        else:
            john.press(leaving)
            assert john.ends() == 0
            assert "not sent: it was not confirmed" in john.raw
            assert ("not sent: it was still being typed" in john.raw) == ("half" in leaving)
    assert server.texts(room["id"]) == ["lunch?"]
    assert "reaction" not in {event["event_type"] for event in server.history(room["id"])}


def test_without_colour_names_are_plain(server: Server, room: Any, sit: Sit) -> None:
    say(server, room, "hello")
    john = sit("John", "--no-color")
    john.sees("bot │ hello")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-8]|9[0-7])[0-9;]*m", john.raw)


@pytest.mark.parametrize(
    ("options", "variables", "colored"),
    [
        ([], {"NO_COLOR": "1"}, False),
        (["--color"], {"NO_COLOR": "1"}, True),
        (["--no-color"], {"FORCE_COLOR": "1"}, False),
        (["--plain"], {}, True),
        (["--plain"], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        ([], {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_are_as_the_options_say_and_else_the_environment(
    server: Server, room: Any, sit: Sit, options: list[str], variables: dict[str, str], colored: bool
) -> None:
    say(server, room, "hello")
    john = sit("John", *options, variables=variables, ready="│ hello")
    assert bool(re.search(r"\x1b\[[0-9;]*(3[0-8]|9[0-7])[0-9;]*m", john.raw)) == colored


def test_the_name_of_a_colour_is_the_same_for_everybody(server: Server, room: Any, sit: Sit) -> None:
    say(server, room, "hello")
    seen = set()
    for name in ("John", "Ada"):
        seat = sit(name)
        seat.sees("bot │ hello")
        seen.add(re.findall(r"\x1b\[(\d+)mbot", seat.raw)[0])
    assert len(seen) == 1
