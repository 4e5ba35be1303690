"""A room, and people who sit down at terminals in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.join.seat import Seat
from tests.support.server import Server

Sit = Callable[..., Seat]


@pytest.fixture
def room(server: Server) -> Any:
    return server.make_room("general")


@pytest.fixture
def sit(tmp_path: Path, server: Server, room: Any) -> Iterator[Sit]:
    """Sits somebody down at a terminal, in the room, and waits until the prompt is there."""
    seats: list[Seat] = []

    def sit(name: str = "John", *options: str, ready: str = "● connected", **how: Any) -> Seat:
        seat = Seat(tmp_path / name, server.url, room["id"], *options, name=name, **how)
        seats.append(seat)
        seat.sees(ready)
        return seat

    yield sit
    for seat in seats:
        seat.child.close(force=True)
