"""`tail` in a terminal: a command that runs is one row that changes. In a pipe, every edit is a line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from chatty.client.identity import derive_key
from tests.cli.commands.test_send import wait_until
from tests.cli.commands.test_tail import line_of, say
from tests.cli.join.seat import Seat
from tests.cli.user import User
from tests.support.server import PATIENCE, Server


@pytest.fixture
def window(server: Server, room: str, tmp_path: Path) -> Any:
    command = [sys.executable, "-m", "chatty", "tail", room, "--server", server.url]
    with Seat(tmp_path / "window", server.url, room, command=command, columns=60) as seat:
        yield seat


def test_a_command_that_runs_is_one_row_and_its_result_stays(
    user: User, server: Server, room: str, window: Seat, tmp_path: Path
) -> None:
    piped = user.start("tail", room)
    say(server, room, "before")
    window.sees("Ada │ before")
    assert line_of(piped)
    script = f"echo one; until test -e {tmp_path}/more; do sleep 0.05; done; echo two"
    script += f"; until test -e {tmp_path}/go; do sleep 0.05; done; echo three"
    process = user.start("run", room, "--name", "ci", "--", "sh", "-c", script, "x" * 100)
    rows = window.sees(lambda rows: rows[-1].endswith(" · one"))
    assert rows[-1].startswith("▶ ci  sh -c")
    (tmp_path / "more").touch()
    rows = window.sees(lambda rows: rows[-1].endswith(" · two"))
    assert len([row for row in rows if row.startswith("▶")]) == 1
    assert len(rows[-1]) < 60
    (tmp_path / "go").touch()
    assert process.wait(PATIENCE) == 0
    rows = window.sees("│ three")
    assert not any("✎" in row or row.startswith("▶") for row in rows)
    wait_until(lambda: "```" not in server.texts(room)[0])
    lines = [line_of(piped).decode() for _ in range(4)]
    assert "✎ ci │ ▶ `sh" in lines[1]


def test_whoever_leaves_gets_what_became_of_it_as_a_line(server: Server, room: str, window: Seat) -> None:
    key = derive_key("secret-of-ci", server.url)
    said = {"participant": "ci", "text": "0 %", "automatic": 1}
    of = server.ask("POST", f"/v1/rooms/{room}/messages", said, token=key)["seq"]
    window.sees("ci │ 0 %")
    server.ask("PATCH", f"/v1/rooms/{room}/messages/{of}", {"participant": "ci", "text": "83 %"}, token=key)
    window.sees(lambda rows: rows[-1] == "▶ ci  83 %")
    window.press("\x03")
    assert window.ends() == 130
    assert any(row.endswith("✎ ci │ 83 %") for row in window.glass.rows)
