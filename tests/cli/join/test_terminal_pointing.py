"""Pointing at messages as people meet it: a real server, real processes, a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cli.join.seat import Seat
from tests.cli.join.test_terminal import ENTER, Sit, say
from tests.cli.join.window.test_editor import program
from tests.support.server import Server

ALT_UP, ESC = "\x1b[1;3A", "\x1b"


def test_a_message_is_selected_answered_reacted_to_changed_and_deleted(server: Server, room: Any, sit: Sit) -> None:
    say(server, room, "shall we deploy?", "Ada")
    john = sit("John")
    john.sees("Ada │ shall we deploy?")
    john.press(ALT_UP)
    john.sees(lambda rows: rows[-3].startswith("  ↩ ") and rows[-3].endswith(" Ada │ shall we deploy?"))
    say(server, room, "drop the database?", "ci")
    john.sees("ci │ drop the database?")
    john.press(f"yes :tada:{ENTER}")
    john.sees("↪ Ada: shall we deploy?")
    john.sees("John │ yes 🎉")
    john.press(f"{ALT_UP}{ESC}e")
    john.sees("> /edit yes 🎉")
    john.press(f"!{ENTER}")
    john.sees("John │ yes 🎉!")
    john.press(f"{ALT_UP}{ALT_UP}{ALT_UP}{ESC}r4")
    john.sees("John 🎉 → Ada: shall we deploy?")
    john.press(f"{ALT_UP}{ESC}d")
    john.sees("delete it? Enter or y: yes")
    john.press("y")
    john.sees(lambda rows: not any("delete it?" in row for row in rows) and any("deleted" in row for row in rows))
    assert server.texts(room["id"]) == ["shall we deploy?", "drop the database?", ""]


def test_a_long_text_opens_in_the_pager_and_the_prompt_is_there_afterwards(
    server: Server, room: Any, tmp_path: Path
) -> None:
    say(server, room, "\n".join(f"row {n}" for n in range(40)), "Ada")
    pager = program(tmp_path / "pager", 'echo "paged: $(tail -n 1)"')
    with Seat(tmp_path, server.url, room["id"], variables={"PAGER": f"'{pager}'"}) as john:
        john.sees("● connected")
        number = next(event["seq"] for event in server.history(room["id"]) if event["event_type"] == "message")
        john.press(f"/show {number}{ENTER}")
        john.sees("paged:   row 39")  # behind two blanks: nothing of others begins a row
        john.press("still here")
        john.sees("> still here")
