"""``chatty join`` without a room: those that were open when one left last."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.cli.join.seat import Seat
from tests.support.server import Server

CTRL_D = "\x04"
AGAIN = [sys.executable, "-m", "chatty", "join"]


def sit_again(home: Path, sees: str) -> Seat:
    seat = Seat(home, "", "", command=AGAIN)
    seat.sees(sees)
    return seat


def leave(seat: Seat) -> None:
    seat.press(CTRL_D)
    assert seat.ends() == 0


def test_a_room_whose_server_is_away_is_tried_again_the_next_time(server: Server, room: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Server(tmp_path / "other") as other:
        ops = other.make_room("ops")
        with Seat(home, server.url, room["id"], f"{other.url}/v1/rooms/{ops['id']}") as john:
            john.sees("● 1 #general (1 online) · 2 #ops")
            leave(john)
    with sit_again(home, "● connected · #general") as john:
        assert any(row.startswith("note:  ") and "cannot reach" in row for row in john.glass.rows)
        leave(john)
    with Server(tmp_path / "other", port=other.port), sit_again(home, "● 1 #general (1 online) · 2 #ops") as john:
        leave(john)
