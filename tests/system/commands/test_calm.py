"""Two people, a bot, a command that prints for a minute, and a flood of joins: what is on screens of three sizes."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

import chatty
from tests.support.faults import eventually, figure
from tests.support.server import PATIENCE, Server
from tests.support.shell import Shell
from tests.support.tmux import Person, Tmux

pytestmark = pytest.mark.timeout(300)

MOST: Final = 12
"""Rows that the command may leave, however much it prints."""
GUESTS: Final = 60

SIZES: Final = {"John": (80, 24), "Ada": (30, 20), "Eve": (200, 50)}
WHILE_IT_RUNS: Final = {
    "John": "A command runs, in 80 × 24",
    "Ada": "A command runs, in 30 × 20",
    "Eve": "A command runs, in 200 × 50",
}
AFTERWARDS: Final = {
    "wide": "The same in `chatty tail`, in 80 × 24",
    "slim": "The same in `chatty tail`, in 30 × 20",
    "John": "It has ended, in 80 × 24",
    "Ada": "It has ended, in 30 × 20",
    "Eve": "It has ended, in 200 × 50",
}
TAILS: Final = {"wide": (80, 24), "slim": (30, 20)}

RELEASE: Final = """\
i=0
while [ $i -lt 200 ]; do
    i=$((i + 1))
    echo "[$i/200] cc -O2 -Wall -c src/module_$i.c -o build/module_$i.o"
    sleep 0.3
done
echo "release 2.4.1 is built: dist/release-2.4.1.tar.gz"
"""


@pytest.fixture
def ci(tmp_path: Path, server: Server) -> Iterator[Shell]:
    """Where programs run."""
    with Shell(tmp_path / "ci", server.url) as shell:
        (shell.home / "release.sh").write_text(RELEASE)
        yield shell


def is_changing(row: str) -> bool:
    return row.startswith("▶")


def is_calm(person: Person) -> Callable[[list[str]], bool]:
    """Whether one row changes on the screen of ``person``, right above their half-typed line."""

    def calm(rows: list[str]) -> bool:
        return is_changing(rows[-3]) and rows[-2] == f"> {draft_of(person)}" and sum(map(is_changing, rows)) == 1

    return calm


def draft_of(person: Person) -> str:
    return f"half-typed by {person.name}"


def of_the_command(rows: list[str]) -> list[str]:
    """The rows that it left: its messages, and the quotes of them."""
    found, its = [], False
    for row in rows:
        if re.match(r"\S", row) or "↪" in row:  # all others go on with what is above them
            its = bool(re.match(r"(12:00)? *(↪ ci: |ci( │|$))", row))
        if its:
            found.append(row)
    return found


def begins_as_chattys_own(row: str) -> bool:
    """Whether ``row`` begins as no text of others does."""
    return bool(re.match(r"12:00 |── |━━ |↪ |> | |$", row))


async def many_come_and_go(server: Server, room: str, ada: Person, john: Person) -> None:
    """They come, Ada speaks, John hears it, and they go."""
    async with AsyncExitStack() as guests:
        for number in range(1, GUESTS + 1):
            await guests.enter_async_context(chatty.join(server.url, room, name=f"guest {number}"))
        await asyncio.to_thread(ada.says, "so many?")
        await asyncio.to_thread(john.sees, "Ada │ so many?")


def test_a_minute_of_output_and_a_flood_of_joins_leave_few_rows(server: Server, tmux: Tmux, ci: Shell) -> None:
    room = server.make_room("deploys", topic="what goes out when")["id"]
    people = [tmux.person(name) for name in SIZES]
    tails = [tmux.person(name) for name in TAILS]
    for person in people:
        person.resize(*SIZES[person.name])
        person.joins(room)
    for person in people:
        person.sees("3 online" if person.name != "Ada" else "connected")
    for tail in tails:
        tail.resize(*TAILS[tail.name])
        tail.says(f"clear; chatty tail {room} -n 0")
    eventually(lambda: figure(server, 'chatty_members{dialect="v1"}') == len(people) + len(tails), "all are there")
    john, ada, _ = people
    ci.start("chatty", "bot", room, "--on", "^!status$", "--", "echo", "2 of 3 are up", stderr=subprocess.DEVNULL)
    run = ci.start("chatty", "run", room, "--name", "ci", "--", "sh", "release.sh", stdout=subprocess.DEVNULL)
    for person in [*people, *tails]:
        person.sees(lambda rows: any(map(is_changing, rows)))
    asyncio.run(many_come_and_go(server, room, ada, john))
    ada.says("!status")
    for person in [*people, *tails]:
        person.sees("2 of 3 are up")
    for person in people:
        person.types(draft_of(person))
    changed: dict[str, set[str]] = {}
    while not any("[142/200]" in row for row in ada.rows):  # as it is in all screens from the hundredth line on
        for person in people:
            rows = person.sees(is_calm(person))
            changed.setdefault(person.name, set()).add(rows[-3])
        for tail in tails:
            tail.sees(lambda rows: is_changing(rows[-1]) and sum(map(is_changing, rows)) == 1)
        time.sleep(0.5)
    assert all(len(rows) > 5 for rows in changed.values())
    for person in people:
        person.looks(WHILE_IT_RUNS[person.name], is_calm(person))
    assert run.wait(2 * PATIENCE) == 0
    for person in [*people, *tails]:
        person.sees(lambda rows: not any(map(is_changing, rows)))
        person.looks(AFTERWARDS[person.name], "release 2.4.1")
        rows = person.all
        assert 0 < len(of_the_command(rows)) <= MOST, rows
        assert sum("guest" in row for row in rows) <= 4, rows
        assert all(map(begins_as_chattys_own, rows)), rows
        assert not any(map(is_changing, rows))
