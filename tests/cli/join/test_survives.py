"""Whatever dies, no draft, no read mark and no unsent message of any room is lost."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.cli.join.seat import PATIENCE, Seat
from tests.support.proxy import Proxy
from tests.support.server import Server

ENTER: Final = "\r"
ROOMS: Final = ("deploys", "ops", "general")
TALKING: Final = ("deploys", "ops")
"""Those in which messages wait when it happens."""


class House:
    """Three rooms, and somebody who is in all of them, by a network that may break."""

    def __init__(self, server: Server, home: Path) -> None:
        self.server = server
        self.home = home
        self.rooms = {name: server.make_room(name) for name in ROOMS}
        self.url = server.url

    def sit(self, *rooms: str, **how: str) -> Seat:
        """Sits John down in ``rooms``; without any, where he was last."""
        first, *others = [self.rooms[name]["id"] for name in rooms] or [""]
        return Seat(self.home, self.url, first, *others, rows=40, columns=100, **how)

    def says(self, name: str, text: str) -> None:
        self.server.ask("POST", f"/v1/rooms/{self.rooms[name]['id']}/messages", {"participant": "Ada", "text": text})

    def of_john(self, name: str) -> list[str]:
        messages = (one for one in self.server.history(self.rooms[name]["id"]) if one["event_type"] == "message")
        return [one["text"] for one in messages if one["participant"] == "John"]

    def drafts(self) -> list[str]:
        return sorted(json.loads(path.read_bytes()).get("draft", "") for path in self.home.rglob("*.draft"))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


@pytest.fixture
def house(own_server: Server, tmp_path: Path) -> Iterator[House]:
    return House(own_server, tmp_path / "john")


@asynccontextmanager
async def broken(what: str, server: Server, proxy: Proxy) -> AsyncIterator[None]:
    """Inside, nothing gets from a client to the server and back."""
    match what:
        case "server":
            await asyncio.to_thread(server.kill9)
        case "network":
            await proxy.hang_up()
            proxy.cut()
        case "answers":  # the server gets what is sent to it, later
            server.signal(signal.SIGSTOP)
    yield
    match what:
        case "server":
            await asyncio.to_thread(server.start)
        case "network":
            await proxy.listen()
        case "answers":
            server.signal(signal.SIGCONT)


def read(house: House, john: Seat) -> None:
    """John reads all three rooms, and begins to write in the last one, where something new comes when he is elsewhere."""
    for number, name in enumerate(ROOMS, 1):
        house.says(name, f"{name} read")
        john.press(f"\x1b{number}")
        john.sees(f"Ada │ {name} read")
    john.press("general draft")
    john.sees("> general draft")
    john.press("\x1b1")
    house.says("general", "general new")
    john.sees("3 #general 1")


def write(house: House, john: Seat) -> None:
    """John says in two rooms what doesn't get through, and begins to write something else."""
    for name in reversed(TALKING):
        john.press(f"\x1b{ROOMS.index(name) + 1}")
        john.sees(lambda rows, name=name: f"#{name} (" in rows[-1] or f"#{name} ·" in rows[-1])  # type: ignore[misc]
        for place in (1, 2):
            john.press(f"{name} unsent {place}{ENTER}")
        john.press(f"{name} draft")
        john.sees(f"> {name} draft")
    until(lambda: house.drafts() == sorted(f"{name} draft" for name in ROOMS))


def finds(john: Seat, name: str, *, marked: bool = True) -> None:
    """All is in room ``name`` as it was left: what was read above the mark, what came below it, and the draft."""
    unsent = [f"{name} unsent {place}" for place in (1, 2)] if name in TALKING else []
    said = [f"{name} read", f"{name} new", *unsent]
    john.press(f"\x1b{ROOMS.index(name) + 1}")
    rows = john.sees(
        lambda rows: (
            rows[-2:-1] == [f"> {name} draft"]
            and all(any(row.endswith(f" │ {text}") for row in rows) for text in said)
            and not any(row.endswith(f"  {text}") for row in rows for text in unsent)
        )
    )
    head = max(at for at, row in enumerate(rows) if row.startswith(f"━━ #{name}"))
    places = [[at for at, row in enumerate(rows) if at > head and row.endswith(f" │ {text}")] for text in said]
    if marked:
        read, new, *rest = [only for (only,) in places]
        (mark,) = (at for at, row in enumerate(rows) if at > head and re.match("── 1 new since .* ──", row))
        assert read < mark < new
        assert rest == sorted(rest)


@pytest.mark.parametrize(
    ("what", "end"), [("server", Seat.kill9), ("network", Seat.hang_up), ("answers", Seat.kill9)]
)
async def test_whoever_is_killed_finds_everything_again(house: House, what: str, end: Callable[[Seat], None]) -> None:
    async with Proxy(house.server.port) as proxy:
        house.url = proxy.url
        with house.sit(*ROOMS) as john:
            await asyncio.to_thread(john.sees, "● 1 #deploys")
            await asyncio.to_thread(read, house, john)
            async with broken(what, house.server, proxy):
                await asyncio.to_thread(write, house, john)
                await asyncio.to_thread(end, john)
        await asyncio.to_thread(house.says, "deploys", "deploys new")
        await asyncio.to_thread(house.says, "ops", "ops new")
        with house.sit() as john:
            for name in ROOMS:
                await asyncio.to_thread(finds, john, name)
    for name in TALKING:
        assert house.of_john(name) == [f"{name} unsent 1", f"{name} unsent 2"]
