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
    TRUSTED_AFTER,
    YOUNG_SECONDS,
    Clock,
    Question,
    uptime,
)
from chatty.server.platform.store.times import Span

NOW = 1_800_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY


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

    def ask(self, newest_before: int, ahead: Span | None) -> None:
        """Let the clock ask rooms, which answer so."""
        question = self.clock.wants_to_ask()
        assert question is not None
        self.clock.answer(question, newest_before, ahead)


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
    assert machine.told == [CorrectTimes("", now, first, jump)]
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", jump // 1000)]
    machine.live(1)
    assert len(machine.told) == 1


def test_jumps_that_go_away_together_are_told_one_by_one_from_the_newest_on() -> None:
    machine = Machine()
    first = machine.live(1, step=HOUR)
    second = machine.live(6 * 3600, step=YEAR)
    now = machine.live(10, step=-YEAR - HOUR)
    away = [CorrectTimes("", now + HOUR, second, YEAR), CorrectTimes("", now, first, HOUR)]
    assert machine.told == away
    now = machine.live(10, step=YEAR + HOUR)
    assert machine.told[2:] == [
        CorrectTimes("", now, first - HOUR, -HOUR), CorrectTimes("", now, second - YEAR, -YEAR),
    ]  # fmt: skip


def test_jumps_that_go_away_one_after_the_other_come_again_so_too() -> None:
    machine = Machine()
    first = machine.live(1, step=HOUR)
    second = machine.live(10, step=YEAR)
    machine.live(10, step=-YEAR)
    machine.live(10, step=-HOUR)
    again = [machine.live(10, step=HOUR), machine.live(10, step=YEAR)]
    assert machine.told[2:] == [
        CorrectTimes("", again[0], first - HOUR, -HOUR), CorrectTimes("", again[1], second - YEAR, -YEAR),
    ]  # fmt: skip


@pytest.mark.parametrize("step", [-YEAR, -HOUR, -HOUR - 3 * MINUTE, -3 * MINUTE, -MINUTE - 1])
def test_jumps_that_do_not_add_up_to_what_the_clock_went_back_prove_nothing(step: int) -> None:
    """Smaller ones, larger ones, a paused machine's before a typing error of a year."""
    machine = Machine()
    machine.live(YOUNG_SECONDS)
    machine.live(1, step=2 * HOUR)
    machine.live(1, step=5 * MINUTE)
    machine.live(1, step=step)
    machine.live(1, step=-step)
    machine.live(1, step=-5 * MINUTE)
    assert machine.told == []


@pytest.mark.parametrize(("short", "told"), [(1.0, 1), (0.0, 0)])
def test_a_jump_that_has_lasted_a_hundred_times_its_length_is_right(short: float, told: int) -> None:
    machine = Machine()
    machine.live(1, step=2 * MINUTE)
    machine.live(TRUSTED_AFTER * 120 - short, step=-2 * MINUTE)
    assert len(machine.told) == told
    machine = Machine()
    machine.live(1, step=2 * MINUTE)
    machine.live(1, step=-2 * MINUTE)
    machine.live(TRUSTED_AFTER * 120 - short, step=2 * MINUTE)
    assert len(machine.told) == 1 + told


def test_a_small_step_back_belongs_to_the_jump_that_it_follows() -> None:
    machine = Machine()
    machine.live(1, step=HOUR)
    since = machine.live(1, step=-50_000)
    now = machine.live(10, step=50_000 - HOUR)
    assert machine.told == [CorrectTimes("", now, since, HOUR - 49_000)]
    machine.live(1, step=2 * MINUTE)
    machine.live(1, step=-50_000)
    machine.live(1, step=-50_000)
    machine.live(1, step=-2 * MINUTE)
    assert len(machine.told) == 1


def test_a_jump_to_what_is_stored_may_be_right_and_proves_nothing() -> None:
    """Otherwise, what was stored before it would be taken for what the jump gave."""
    machine = Machine(wall=NOW - YEAR)
    machine.clock.learn(NOW)
    machine.live(2 * YOUNG_SECONDS)
    machine.live(1, step=HOUR)
    machine.live(1, step=-HOUR)
    assert machine.told == []
    machine.live(1, step=HOUR)
    machine.live(1, step=YEAR)
    first = machine.live(1, step=HOUR)
    now = machine.live(1, step=-HOUR)
    assert machine.told == [CorrectTimes("", now, first, HOUR)]


def test_what_follows_a_step_back_for_no_reason_that_is_known_is_measured_from_there() -> None:
    machine = Machine()
    machine.live(YOUNG_SECONDS)
    machine.live(1, step=-2 * HOUR)
    first = machine.live(1, step=5 * HOUR)
    now = machine.live(1, step=-3 * HOUR)
    assert [(entry.since, entry.at, entry.by // 1000) for entry in machine.told] == [(first, now, 3 * HOUR // 1000)]


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


def test_a_clock_that_jumped_after_the_start_and_goes_back_farther_tells_nothing() -> None:
    """It may have been wrong from the start, and the jump be a pause: how far it was ahead then is not known."""
    machine = Machine(wall=NOW + HOUR)
    machine.clock.learn(NOW - YEAR)
    machine.live(30, step=3 * MINUTE)
    machine.live(30, step=-HOUR)
    assert machine.told == []


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
    assert [(entry.since, entry.by) for entry in machine.told] == [
        (NOW, HOUR - 5_001), (NOW - HOUR + 5_001, -HOUR + 5_001),
    ]  # fmt: skip


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
    steady_since = machine.wall
    machine.live(STEADY_SECONDS)
    assert machine.clock.wants_to_ask() == Question(steady_since, machine.wall + MINUTE)


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
    machine.live(STEADY_SECONDS)
    machine.ask(machine.wall, Span(NOW, NOW))
    assert machine.told == []


def test_a_machine_without_a_battery_that_is_put_right_is_believed() -> None:
    machine = Machine(wall=5_000, up=20.0)
    assert machine.live(1) == 6_000
    assert machine.live(10, step=NOW) == NOW + 16_000
    assert machine.live(10) == NOW + 26_000
    assert machine.told == []


def test_what_rooms_have_is_asked_at_the_start_but_not_just_after_the_machines() -> None:
    assert Machine().clock.wants_to_ask() == Question(NOW, NOW + MINUTE)
    machine = Machine(up=20.0)
    assert machine.clock.wants_to_ask() is None
    machine.live(BOOT_SECONDS)
    assert machine.clock.wants_to_ask() is not None
    machine.ask(0, None)
    assert (machine.clock.wants_to_ask(), machine.told) == (None, [])


def test_times_that_lie_together_far_ahead_were_wrong() -> None:
    machine = Machine()
    with capture_logs() as said:
        machine.ask(NOW - DAY, Span(NOW + YEAR, NOW + YEAR + HOUR))
    assert machine.told == [CorrectTimes("", NOW, NOW + YEAR, YEAR + HOUR)]
    assert [line["seconds"] for line in said] == [(YEAR + HOUR) // 1000]
    assert machine.clock.wants_to_ask() is None


@pytest.mark.parametrize(
    ("newest_before", "first", "last"),
    [
        (NOW - HOUR, NOW + HOUR, NOW + YEAR),  # they lead up to the present, and the clock is behind
        (NOW - HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR),  # a pause in the talk
        (NOW - HOUR, NOW + DAY - 1, NOW + DAY - 1),
        (NOW - HOUR, NOW + 20 * DAY, NOW + 22 * DAY + 1),
        (NOW - 2 * DAY, NOW + 3 * DAY, NOW + 3 * DAY + HOUR),  # a young server, some days after its beginning
        (0, NOW + 3 * DAY, NOW + 3 * DAY + HOUR),  # and before it
    ],
)
def test_times_that_may_be_right_are_and_the_clock_is_behind(newest_before: int, first: int, last: int) -> None:
    machine = Machine()
    with capture_logs() as said:
        machine.ask(newest_before, Span(first, last))
    assert machine.told == []
    assert [(line["log_level"], line["seconds"]) for line in said] == [("warning", (last - NOW) // 1000)]


def went_back(by: int) -> tuple[Machine, int]:
    """A machine whose clock went back for no reason that is known a minute ago, and when that was."""
    machine = Machine()
    machine.live(2 * YOUNG_SECONDS)
    now = machine.live(1, step=-by)
    machine.live(STEADY_SECONDS)
    return machine, now


def test_times_that_were_wrong_are_moved_by_as_much_as_the_clock_went_back_and_again_if_it_comes_again() -> None:
    machine, then = went_back(YEAR)
    machine.ask(then - 3 * HOUR, Span(then + YEAR - 2 * HOUR, then + YEAR - HOUR))
    assert machine.told == [CorrectTimes("", machine.wall, then + YEAR - 2 * HOUR, YEAR)]
    now = machine.live(100, step=YEAR)
    assert machine.told[1:] == [CorrectTimes("", now, then - 2 * HOUR, -YEAR)]
    now = machine.live(100, step=-YEAR)
    assert machine.told[2:] == [CorrectTimes("", now, then + YEAR - 2 * HOUR, YEAR)]


@pytest.mark.parametrize(("newest_before", "last"), [(2 * HOUR, HOUR), (3 * HOUR, -MINUTE)])
def test_times_that_the_step_back_does_not_explain_stay(newest_before: int, last: int) -> None:
    """They would get between those that are right, or after now, and could not be taken back."""
    machine, then = went_back(YEAR)
    machine.ask(then - newest_before, Span(then + YEAR - 2 * HOUR, then + YEAR - last + 2 * MINUTE))
    assert machine.told == []


@pytest.mark.parametrize("step", [-YEAR, YEAR])
def test_an_answer_to_a_clock_that_was_set_meanwhile_counts_for_nothing_and_it_asks_again(step: int) -> None:
    machine = Machine()
    question = machine.clock.wants_to_ask()
    assert question is not None
    now = machine.live(1, step=step)
    machine.clock.answer(question, NOW - HOUR, Span(NOW + 3 * YEAR, NOW + 3 * YEAR))
    assert (machine.told, machine.clock.wants_to_ask()) == ([], None)
    machine.live(STEADY_SECONDS)
    assert machine.clock.wants_to_ask() == Question(now, machine.wall + MINUTE)


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
