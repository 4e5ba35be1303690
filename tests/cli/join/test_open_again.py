"""``chatty join`` without a room: those that were open when one left last."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.cli.join.seat import Seat
from tests.support.gates import Together
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


def leave_both(server: Server, room: Any, tmp_path: Path) -> int:
    """John was in a room here and in one of another server, which has ended. Gives that server's port."""
    with Server(tmp_path / "other") as other:
        ops = other.make_room("ops")
        with Seat(tmp_path / "home", server.url, room["id"], f"{other.url}/v1/rooms/{ops['id']}") as john:
            john.sees("● 1 #general (1 online) · 2 #ops")
            leave(john)
    return other.port


def test_a_room_whose_server_is_away_is_tried_again_the_next_time(server: Server, room: Any, tmp_path: Path) -> None:
    home, port = tmp_path / "home", leave_both(server, room, tmp_path)
    with sit_again(home, "● connected · #general") as john:
        assert any(row.startswith("note:  ") and "cannot reach" in row for row in john.glass.rows)
        leave(john)
    with Server(tmp_path / "other", port=port), sit_again(home, "● 1 #general (1 online) · 2 #ops") as john:
        leave(john)


def test_rooms_of_last_time_are_entered_at_once_and_in_their_order(server: Server, tmp_path: Path) -> None:
    home, names = tmp_path / "home", ("general", "ops", "deploys", "lunch")
    first, *others = (server.make_room(name)["id"] for name in names)
    with Together(server.port) as gate:
        with Seat(home, gate.url, first, *others) as john:
            john.sees("4 #lunch")
            leave(john)
        gate.many(len(names))  # one after the other, none would ever get through
        with sit_again(home, "● 1 #general (1 online) · 2 #ops · 3 #deploys · 4 #lunch") as john:
            leave(john)


def test_nobody_is_asked_for_the_password_of_a_room_that_is_gone(server: Server, room: Any, tmp_path: Path) -> None:
    home, port = tmp_path / "home", leave_both(server, room, tmp_path)
    with Server(tmp_path / "another", port=port), sit_again(home, "● connected · #general") as john:
        assert any(row.startswith("note:  ") and "ops" in row for row in john.glass.rows)
        leave(john)
