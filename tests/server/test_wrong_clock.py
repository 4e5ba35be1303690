"""A server under a clock that is wrong for a while, as a machine's may be: nothing of that stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.events import milliseconds
from chatty.server.platform.store import doctor
from tests.support.clock import Clock
from tests.support.faults import eventually
from tests.support.server import Server

YEAR = 365 * 86_400.0


class Machine:
    """A server, and the clock by which it lives."""

    def __init__(self, scratch: Path) -> None:
        clock = Clock(scratch / "clock")
        self.set = clock.set
        self.server = Server(scratch / "data", env=clock.env)

    def say(self, room: str, text: str) -> None:
        self.server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Bob", "text": text})

    def times(self, room: str) -> list[float]:
        """When each event in the room happened, in seconds before now; less than nothing is ahead."""
        now = time.time_ns() / 1e9
        return [now - milliseconds(event["at"]) / 1e3 for event in self.server.history(room)]

    def until_now(self, room: str) -> int:
        """How many events the room has that happened before now."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time_ns() / 1e9 + 1))
        return len(self.server.ask("GET", f"/v1/rooms/{room}/events?until={now}")["events"])


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    with machine.server:
        yield machine
        machine.server.stop()
    assert doctor.check(tmp_path / "data") == []


def right(machine: Machine, room: str, count: int) -> bool:
    """Whether the room's events are so many, all of the last minutes, and none at the time of the next."""
    ago = machine.times(room)
    return len(ago) == count and all(0 <= one < 300 for one in ago) and len(set(ago)) == count


@pytest.mark.parametrize("jump", [100 * YEAR, YEAR, 7_200.0, 90.0])
def test_what_was_said_under_a_clock_that_was_ahead_for_a_moment_has_its_right_time(
    machine: Machine, jump: float
) -> None:
    room = machine.server.make_room()["id"]
    machine.say(room, "before")
    machine.set(jump)
    machine.say(room, "the clock is ahead")
    machine.say(room, "still")
    machine.set(0)
    machine.say(room, "right again")
    machine.say(room, "and later")
    assert right(machine, room, 5)
    assert machine.until_now(room) == 5


def test_a_server_that_is_restarted_with_the_right_clock_corrects_what_it_gave(machine: Machine) -> None:
    room = machine.server.make_room()["id"]
    machine.say(room, "before")
    machine.set(YEAR)
    machine.say(room, "the clock is ahead")
    machine.server.stop()
    machine.set(0)
    machine.server.start()
    eventually(lambda: right(machine, room, 2), "a room in which nothing more is said is corrected")
    machine.say(room, "right again")
    assert right(machine, room, 3)


def test_a_server_that_began_under_a_wrong_clock_is_right_when_the_clock_is(machine: Machine) -> None:
    machine.server.stop()
    machine.set(YEAR)
    machine.server.start()
    made = machine.server.make_room(expires_in=3_600)
    machine.say(made["id"], "the clock is ahead")
    machine.set(0)
    machine.say(made["id"], "right now")
    assert right(machine, made["id"], 2)
    room = machine.server.ask("GET", f"/v1/rooms/{made['id']}")
    assert milliseconds(room["expires_at"]) - milliseconds(room["created_at"]) == 3_600_000
    assert abs(milliseconds(room["created_at"]) / 1e3 - time.time_ns() / 1e9) < 300


def test_a_machine_that_begins_in_1970_changes_no_time_and_goes_on_when_it_is_put_right(machine: Machine) -> None:
    room = machine.server.make_room()["id"]
    machine.say(room, "before")
    machine.server.stop()
    machine.set(-time.time_ns() / 1e9 + 20)
    machine.server.start()
    machine.say(room, "in 1970")
    (before, then) = machine.times(room)
    assert before == pytest.approx(then, abs=1)  # it stands still
    machine.set(0)
    machine.say(room, "right again")
    assert machine.times(room)[-1] < machine.times(room)[-2]
    assert machine.until_now(room) == 3


def test_a_clock_that_is_behind_for_a_moment_changes_no_time(machine: Machine) -> None:
    """A typing error, for instance."""
    room = machine.server.make_room()["id"]
    machine.say(room, "before")
    machine.set(-40 * 86_400)
    machine.say(room, "forty days ago")
    machine.set(0)
    machine.say(room, "right again")
    assert all(0 <= ago < 300 for ago in machine.times(room))
