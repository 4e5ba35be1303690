"""Whatever dies, no draft, no read mark and no unsent message of any room is lost."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.cli.commands.test_send import wait_until
from tests.cli.join.seat import Seat
from tests.cli.join.test_terminal import ENTER, say
from tests.support.proxy import Proxy
from tests.support.server import Server

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

    def sit(self, *rooms: str) -> Seat:
        """Sits John down in ``rooms``; without any, where he was last."""
        first, *others = [self.rooms[name]["id"] for name in rooms] or [""]
        return Seat(self.home, self.url, first, *others, rows=40, columns=100)

    def says(self, name: str, text: str) -> None:
        say(self.server, self.rooms[name], text, "Ada")

    def of_john(self, name: str) -> list[str]:
        messages = (one for one in self.server.history(self.rooms[name]["id"]) if one["event_type"] == "message")
        return [one["text"] for one in messages if one["participant"] == "John"]

    def drafts(self) -> list[str]:
        return sorted(json.loads(path.read_bytes()).get("draft", "") for path in self.home.rglob("*.draft"))


@pytest.fixture
def house(own_server: Server, tmp_path: Path) -> House:
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
    """John reads three rooms, and begins to write in the last one. Something new comes there when he is elsewhere."""
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
    wait_until(lambda: house.drafts() == sorted(f"{name} draft" for name in ROOMS))


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
    read, new, *rest = (at for text in said for at, row in enumerate(rows) if row.endswith(f" │ {text}"))
    assert len(rest) == len(unsent), rows
    assert rest == sorted(rest)
    if marked:
        head, mark = [at for at, row in enumerate(rows[:new]) if row.startswith(("━━ #", "── 1 new since "))][-2:]
        assert rows[head].startswith(f"━━ #{name} "), rows
        assert rows[mark].startswith("── 1 new since "), rows
        assert read < mark


@pytest.mark.parametrize(("what", "end"), [("server", Seat.kill9), ("network", Seat.hang_up), ("answers", Seat.kill9)])
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


async def test_whoever_is_there_all_the_time_has_everything_too(house: House) -> None:
    async with Proxy(house.server.port) as proxy:
        house.url = proxy.url
        with house.sit(*ROOMS) as john:
            await asyncio.to_thread(john.sees, "● 1 #deploys")
            await asyncio.to_thread(read, house, john)
            async with broken("network", house.server, proxy):
                await asyncio.to_thread(john.sees, "○ reconnecting")
                async with broken("server", house.server, proxy):
                    await asyncio.to_thread(write, house, john)
            await asyncio.to_thread(house.says, "deploys", "deploys new")
            await asyncio.to_thread(house.says, "ops", "ops new")
            for name in ROOMS:
                await asyncio.to_thread(finds, john, name, marked=name == "general")
    for name in TALKING:
        assert house.of_john(name) == [f"{name} unsent 1", f"{name} unsent 2"]


def test_of_two_terminals_each_has_its_own_line_and_messages(house: House) -> None:
    with house.sit("deploys", "ops") as stays:
        stays.sees("● 1 #deploys")
        with house.sit("deploys", "ops") as dies:
            dies.sees("● 1 #deploys")
            house.server.kill9()
            for seat, whose in ((dies, "its"), (stays, "my")):
                seat.sees("○ reconnecting")
                seat.press(f"{whose} message{ENTER}{whose} draft")
                seat.sees(f"> {whose} draft")
                seat.press("\x1b2")
                seat.sees("━━ #ops")
                seat.press(f"{whose} other draft")
                seat.sees(f"> {whose} other draft")
            wait_until(lambda: house.drafts() == ["its draft", "its other draft", "my draft", "my other draft"])
            dies.kill9()
        house.server.start()
        with house.sit() as again:
            again.sees("John │ its message")
            again.sees(lambda rows: "> its draft" in rows and not any("my draft" in row for row in rows))
            again.press("\x1b2")
            again.sees("> its other draft")
        stays.sees("> my other draft")
        wait_until(lambda: sorted(house.of_john("deploys")) == ["its message", "my message"])


def test_what_is_refused_later_comes_back_into_the_line_of_its_room_even_after_one_more_kill(house: House) -> None:
    with house.sit("deploys", "ops") as john:
        john.sees("● 1 #deploys")
        john.press("\x1b2")
        john.sees("━━ #ops")
        house.server.kill9()
        john.sees("○ reconnecting")
        john.press(f"precious{ENTER}")
        john.sees("1 waiting")
        john.kill9()
    house.server.start()
    ops = house.rooms["ops"]
    house.server.ask("PUT", f"/v1/rooms/{ops['id']}/policy", {"locked": True}, token=ops["owner_token"])
    with house.sit() as john:
        john.sees("● 1 #deploys")
        john.sees(lambda _: any("precious" in path.read_text() for path in house.home.rglob("*.draft")))
        john.kill9()
    with house.sit() as john:
        john.sees("● 1 #deploys")
        john.press("\x1b2")
        rows = john.sees("> precious")
        assert "✗ not sent: it was refused when you were last here" in rows
        john.press("\x03")
        john.sees(lambda rows: rows[-2] == ">")
        wait_until(lambda: not house.drafts())
    assert house.of_john("ops") == []


def test_files_that_are_damaged_are_told_and_keep_nobody_out(house: House) -> None:
    with house.sit("deploys", "ops") as john:
        john.sees("● 1 #deploys")
        house.says("deploys", "deploys read")
        john.sees("deploys read")
        john.press("draft")
        wait_until(lambda: house.drafts() == ["draft"])
        john.kill9()
    for path in house.home.rglob("rooms/*/*"):
        path.write_bytes(b"\x00\xff{" * 9)
    assert {path.name for path in house.home.rglob("rooms/*/*")} == {"1.draft", "1.journal", "place.json"}
    with house.sit() as john:
        john.sees("deploys read")
        john.sees(lambda rows: "".join(rows).count("1.journal.damaged1 now") == 2)
        john.press(f"as ever{ENTER}")
        john.sees("John │ as ever")
    assert len(list(house.home.rglob("*.damaged1"))) == 2


def test_where_nothing_can_be_kept_one_warning_says_so(house: House) -> None:
    (house.home / "state").parent.mkdir()
    (house.home / "state").write_text("")
    with house.sit("deploys", "ops") as john:
        john.sees("● 1 #deploys")
        john.press(f"as ever{ENTER}")
        john.sees("John │ as ever")
        john.press(f"\x1b2and here{ENTER}")
        rows = john.sees("John │ and here")
        assert sum("can't be kept" in row for row in rows) == 1, rows
