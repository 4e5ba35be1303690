"""Settings at a real terminal: config.toml before, ``/set`` meanwhile, and what is left for the next time."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

from tests.cli.commands.test_send import wait_until
from tests.cli.join.test_terminal import CTRL_D, ENTER, Sit, say
from tests.cli.user import User
from tests.support.server import Server

COLORED = re.compile(r"\x1b\[[0-9;]*(3[0-8]|9[0-7])[0-9;]*m")


def config(home: Path, text: str = "") -> Path:
    """The config.toml of somebody who sits at a `Seat`."""
    file = home / "config" / "chatty" / "config.toml"
    if text:
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return file


def test_what_makes_no_sense_is_told_at_the_start_and_nobody_is_kept_out(
    server: Server, room: Any, sit: Sit, tmp_path: Path
) -> None:
    file = config(tmp_path / "John", '[join]\njions = "all"\ntime = ""\n')
    say(server, room, "hello")
    john = sit("John")
    rows = john.sees("bot │ hello")
    told = f'warning: {file}: [join]: "jions" is not understood; did you mean "joins"?'
    assert told in "".join(rows)
    assert next(row for row in rows if "hello" in row).lstrip().startswith("bot")


def test_settings_hold_at_once_and_the_next_time(server: Server, room: Any, sit: Sit, tmp_path: Path) -> None:
    john = sit("John", term="xterm-256color")
    say(server, room, "one")
    john.sees("bot │ one")
    assert COLORED.search(john.raw)
    john.press(f"/set color never{ENTER}")
    john.sees("-- color = never ([join])")
    before = len(john.raw)
    john.press(f"/set --room time ''{ENTER}/set --room time %H{ENTER}/timestamp{ENTER}")
    john.sees("-- the time is hidden")
    say(server, room, "two")
    rows = john.sees("bot │ two")
    assert next(row for row in rows if "two" in row).lstrip().startswith("bot")
    assert not COLORED.search(john.raw[before:])
    john.press(CTRL_D)
    assert john.ends() == 0
    assert config(tmp_path / "John").read_text() == (
        '[join]\ncolor = "never"\n\n[join.room.general]\ntime = ""\n'
    )  # fmt: skip
    john = sit("John")
    rows = john.sees("bot │ two")
    assert next(row for row in rows if "two" in row).lstrip().startswith("bot")
    assert not COLORED.search(john.raw)


def test_a_mention_runs_the_command_with_the_room_and_the_text(
    server: Server, room: Any, sit: Sit, tmp_path: Path
) -> None:
    script, called = tmp_path / "record", tmp_path / "called"
    script.write_text(f"#!{sys.executable}\nimport sys\nopen({str(called)!r}, 'w').write(f'{{sys.argv[1:]}}\\n')\n")
    script.chmod(0o700)
    config(tmp_path / "John", f'[join]\nnotify = "{script}"\n')
    john = sit("John")
    say(server, room, "@John $(touch x) 'ping' \x1b]0;x\x07")
    john.sees("ping")
    wait_until(lambda: called.exists() and called.read_text() != "")
    assert ast.literal_eval(called.read_text()) == ["#general", "bot: @John $(touch x) 'ping' ␛]0;x␇"]


def test_a_bell_on_the_command_line_goes_first(server: Server, room: Any, sit: Sit, tmp_path: Path) -> None:
    config(tmp_path / "John", '[join]\nbell = "off"\n')
    john = sit("John", "--bell", "all")
    say(server, room, "hello")
    john.sees("bot │ hello")
    john.press(f"/set bell{ENTER}")
    john.sees("-- bell = all (command line)")
    assert "\a" in re.sub(r"\x1b\][^\a]*\a", "", john.raw)


def test_a_bad_table_of_join_is_nothing_to_other_commands(user: User, room: Any) -> None:
    for text in ("join = 3", "[joins]", '[join]\njions = "all"', "[profile.default]\njoin = 3"):
        file = user.home / "config" / "chatty" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        assert user.here.run("who", room["id"]).stderr == b""
