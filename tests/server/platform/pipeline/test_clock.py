"""What a clock that goes back tells, by clocks of the test's own."""

from __future__ import annotations

import errno
import time

import pytest
from structlog.testing import capture_logs

from chatty.server.business.entries import CorrectTimes
from chatty.server.platform.pipeline.clock import (
    BOOT_SECONDS,
    EARLIEST_MS,
    STEADY_SECONDS,
    YOUNG_SECONDS,
    Clock,
    uptime,
)
from chatty.server.platform.store.times import Span

NOW = 1_800_000_000_000
HOUR = 3_600_000
YEAR = 365 * 24 * HOUR


class Machine:
    """A wall clock, the time that really goes by, and a process that has looked at both since they were set."""

    def __init__(self, *, wall: int = NOW, up: float = 10_000.0) -> None:
        self.wall, self.up = wall, up
        self.told: list[CorrectTimes] = []
        self.clock = Clock(self.told.append, lambda: self.wall, lambda: self.up)

    def live(self, seconds: float = 1.0, *, step: int = 0) -> int:
        """Let time go by, and set the clock by ``step`` milliseconds; what it gives then."""
        self.up += seconds
        self.wall += round(seconds * 1000) + step
        return self.clock.now()


def test_it_gives_the_wall_clocks_time() -> None:
    machine = Machine()
    assert [machine.live(1), machine.live(0.5), machine.live(100), machine.live(1, step=-900)] == [
        NOW + 1_000, NOW + 1_500, NOW + 101_500, NOW + 101_600,
    ]  # fmt: skip
    assert machine.told == []


@pytest.mark.parametrize("jump", [2 * 60_000, HOUR, YEAR])
@pytest.mark.parametrize("lasting", [0.5, 3 * 3600.0])
def test_a_jump_ahead_that_goes_away_is_told_from_where_it_began(jump: int, lasting: float) -> None:
    machine = Machine()
    machine.live(2 * YOUNG_SECONDS)
    first = machine.live(1, step=jump)
    machine.live(lasting)
    with capture_logs() as said:
        now = machine.live(1, step=-jump - 500)
    assert machine.told == [CorrectTimes("", now, first, jump + 500)]
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", jump // 1000)]
    machine.live(1)
    assert len(machine.told) == 1


def test_jumps_that_go_away_together_are_told_as_one() -> None:
    machine = Machine()
    first = machine.live(1, step=HOUR)
    machine.live(10, step=YEAR)
    now = machine.live(10, step=-YEAR - HOUR)
    assert machine.told == [CorrectTimes("", now, first, YEAR + HOUR)]


def test_of_several_jumps_only_the_one_that_goes_away_is_told() -> None:
    """The first was right: a machine that began in the past."""
    machine = Machine(wall=NOW - 3 * HOUR)
    machine.live(2 * YOUNG_SECONDS)
    machine.live(1, step=3 * HOUR)
    second = machine.live(10, step=2 * HOUR)
    now = machine.live(10, step=-2 * HOUR)
    assert machine.told == [CorrectTimes("", now, second, 2 * HOUR)]


def test_a_clock_that_was_ahead_from_the_start_is_told_while_the_process_is_young() -> None:
    machine = Machine(wall=NOW + HOUR)
    machine.clock.learn(NOW - YEAR)
    machine.live(30)
    now = machine.live(1, step=-HOUR)
    assert machine.told == [CorrectTimes("", now, NOW + HOUR, HOUR)]
    now = machine.live(1, step=-2 * HOUR)
    assert machine.told[1:] == [CorrectTimes("", now, NOW, 2 * HOUR)]


def test_when_times_are_corrected_rooms_are_asked_whether_there_are_more() -> None:
    machine = Machine()
    machine.clock.answer(None)
    machine.live(1, step=YEAR)
    assert machine.clock.wants_to_ask() is None
    machine.live(1, step=-YEAR)
    assert machine.clock.wants_to_ask() == machine.wall + 60_000


@pytest.mark.parametrize(("newest_before", "lasting"), [(NOW + HOUR // 2, 30), (None, 30), (NOW, YOUNG_SECONDS + 1)])
def test_but_not_where_something_is_stored_from_before_that_is_later_or_after_an_hour(
    newest_before: int | None, lasting: float
) -> None:
    machine = Machine(wall=NOW + HOUR)
    if newest_before is not None:
        machine.clock.learn(newest_before)
    machine.live(lasting)
    machine.live(1, step=-HOUR - round(lasting * 1000))
    assert machine.told == []


def test_a_clock_that_went_back_and_comes_again_was_right() -> None:
    """As if somebody had made a typing error just after the start."""
    machine = Machine()
    machine.clock.learn(NOW - YEAR)
    machine.live(10)
    behind = machine.live(1, step=-HOUR)
    with capture_logs() as said:
        now = machine.live(20, step=HOUR)
    assert machine.told == [CorrectTimes("", behind, NOW, HOUR), CorrectTimes("", now, NOW - HOUR, -HOUR)]
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", HOUR // 1000)]
    behind = machine.live(1, step=-HOUR)
    now = machine.live(20, step=HOUR)
    assert machine.told[2:] == [CorrectTimes("", behind, NOW, HOUR), CorrectTimes("", now, NOW - HOUR, -HOUR)]


@pytest.mark.parametrize("ahead", [HOUR // 2, 2 * HOUR])
def test_a_clock_that_went_back_and_jumps_ahead_by_something_else_has_jumped(ahead: int) -> None:
    machine = Machine()
    machine.clock.learn(NOW - YEAR)
    machine.live(10)
    machine.live(1, step=-HOUR)
    first = machine.live(20, step=ahead)
    assert len(machine.told) == 1
    now = machine.live(1, step=-ahead)
    assert machine.told[1:] == [CorrectTimes("", now, first, ahead)]


def test_what_was_stored_before_the_start_stays_when_the_clock_comes_again() -> None:
    machine = Machine()
    machine.clock.learn(NOW - HOUR + 5_000)
    machine.live(10)
    machine.live(1, step=-HOUR)
    machine.live(20, step=HOUR)
    assert machine.told[1].since == NOW - HOUR + 5_001


@pytest.mark.parametrize("step", [-YEAR, -2 * HOUR, -61_000])
def test_a_clock_that_goes_back_for_no_reason_that_is_known_corrects_nothing_by_itself(step: int) -> None:
    """It may be wrong now: somebody's typing error must not change a year."""
    machine = Machine()
    machine.live(YOUNG_SECONDS)
    with capture_logs() as said:
        machine.live(1, step=step)
    assert machine.told == []
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", -step // 1000)]
    assert machine.clock.wants_to_ask() is None
    machine.live(STEADY_SECONDS)
    assert machine.clock.wants_to_ask() == machine.wall + 60_000


def test_small_corrections_are_none() -> None:
    machine = Machine()
    for step in (59_000, -59_000, -59_000, 30_000):
        machine.live(10, step=step)
    assert machine.told == []


def test_a_clock_before_2025_is_never_the_right_one() -> None:
    machine = Machine()
    machine.live(1, step=YEAR)
    machine.live(1, step=-YEAR - (NOW - EARLIEST_MS) - 10_000)
    assert machine.told == []
    machine.live(STEADY_SECONDS, step=-YEAR)
    machine.clock.answer(Span(NOW, NOW))
    assert machine.told == []


def test_a_machine_without_a_battery_that_is_put_right_is_believed() -> None:
    machine = Machine(wall=5_000, up=20.0)
    assert machine.live(1) == 6_000
    assert machine.live(10, step=NOW) == NOW + 16_000
    assert machine.live(10) == NOW + 26_000
    assert machine.told == []


def test_what_rooms_have_is_asked_at_the_start_but_not_just_after_the_machines() -> None:
    assert Machine().clock.wants_to_ask() == NOW + 60_000
    machine = Machine(up=20.0)
    assert machine.clock.wants_to_ask() is None
    machine.live(BOOT_SECONDS)
    assert machine.clock.wants_to_ask() is not None
    machine.clock.answer(None)
    assert (machine.clock.wants_to_ask(), machine.told) == (None, [])


def test_times_that_lie_together_far_ahead_were_wrong() -> None:
    machine = Machine()
    with capture_logs() as said:
        machine.clock.answer(Span(NOW + YEAR, NOW + YEAR + HOUR))
    assert machine.told == [CorrectTimes("", NOW, NOW + YEAR, YEAR + HOUR)]
    assert [line["seconds"] for line in said] == [(YEAR + HOUR) // 1000]


def test_times_that_lead_up_to_the_present_are_right_and_the_clock_is_behind() -> None:
    machine = Machine()
    with capture_logs() as said:
        machine.clock.answer(Span(NOW + HOUR, NOW + YEAR))
    assert machine.told == []
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", YEAR // 1000)]


def test_the_time_that_goes_by_is_told_where_a_system_or_a_sandbox_lacks_a_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 1.0, time.CLOCK_MONOTONIC: 2.0}.__getitem__)
    assert uptime() == 1.0
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")  # macOS, where the steady clock goes on while the machine sleeps
    assert uptime() == 2.0

    def refuse(clock: int) -> float:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(time, "clock_gettime", refuse)
    assert uptime() > 2.0
