"""The wall clock, which may be wrong: what it gives is watched, and where it was wrong, stored times are corrected.

A clock that goes back was ahead before, or is behind now. What tells:

- It had jumped ahead, by as much: it was wrong in between.
- It now shows less than when this process started, a short while ago, and
  nothing that was stored before is later: it was wrong from the start, as a
  machine's is that has just booted.
- Otherwise there are the times that rooms have. Those of a clock that was ahead
  lie together, far ahead of now. Those of a right one lead up to the present,
  and the time of a clock that is behind is somewhere among them.

If it then jumps ahead by as much, it was right before it went back, and all is
as it was. Where nothing tells that it was ahead, nothing is corrected: a room's
time stands still until the clock has caught up.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from chatty.server.business.entries import CorrectTimes
from chatty.server.platform.store.times import Span

JUMP_SECONDS: Final = 60.0
JUMP_MS: Final = 60_000
"""How far the wall clock may get away from the time that has passed; ordinary corrections are far smaller."""
UNWATCHED_MS: Final = 5_000
"""How far the wall clock may go on before it is compared with the time that has passed."""
STEADY_SECONDS: Final = 60.0
"""How long a clock that went back is watched before the times that rooms have are asked about it."""
YOUNG_SECONDS: Final = 3600.0
"""How long after a process's start its clock may turn out to have been wrong from there on."""
BOOT_SECONDS: Final = 300.0
"""How long after a machine's start its clock may be behind: it has not asked others for the time yet."""
EARLIEST_MS: Final = 1_735_689_600_000
"""2025: a clock that shows less is behind, whatever rooms have. Machines without a battery begin in 1970 or so."""

_LOG = structlog.get_logger("chatty")


def wall_ms() -> int:
    """Milliseconds since 1970, by the wall clock."""
    return time.time_ns() // 1_000_000


def uptime() -> float:
    """Seconds since some moment, on Linux the machine's start, including its sleep if the system counts that."""
    for clock in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):  # on macOS it is the second one that counts sleep
        with contextlib.suppress(AttributeError, OSError):  # another system, or a sandbox that has no such clock
            return time.clock_gettime(getattr(time, clock))
    return time.monotonic()


class _Jump(NamedTuple):
    """The wall clock showed ``since`` when it was ``by`` milliseconds further than expected."""

    since: int
    by: int


class Clock:
    """Gives the time. Before it gives the next one, ``on_wrong`` is told what has to be corrected."""

    def __init__(
        self,
        on_wrong: Callable[[CorrectTimes], None],
        wall: Callable[[], int] = wall_ms,
        up: Callable[[], float] = uptime,
    ) -> None:
        self._on_wrong = on_wrong
        self._wall, self._up = wall, up
        self.started = self._last = wall()
        self._started_up = self._last_up = up()
        self._newest_before: int | None = None
        self._jumps: list[_Jump] = []
        self._went_back: _Jump | None = None
        self._ask_from: float | None = BOOT_SECONDS

    def now(self) -> int:
        """Milliseconds since 1970."""
        now = self._wall()
        if not 0 <= now - self._last < UNWATCHED_MS:
            self._watch(now)
        return now

    def _watch(self, now: int) -> None:
        up = self._up()
        step = round(now - self._last - (up - self._last_up) * 1000)
        self._last, self._last_up = now, up
        if step > JUMP_MS:
            self._note_jump(now, step)
        elif step < -JUMP_MS:
            self._note_step_back(now, up, -step)

    def _note_jump(self, now: int, by: int) -> None:
        back, self._went_back = self._went_back, None
        if back is None or abs(back.by - by) > JUMP_MS:
            self._jumps.append(_Jump(now, by))
            return
        self._jumps.append(_Jump(back.since + by, by))  # it may go back once more
        _LOG.warning(
            "the clock was right before it went back: times that are stored are as they were", seconds=by // 1000
        )
        self._on_wrong(CorrectTimes("", now, back.since, -by))

    def _note_step_back(self, now: int, up: float, by: int) -> None:
        wrong_since, left = 0, by + JUMP_MS
        while self._jumps and self._jumps[-1].by <= left:
            jump = self._jumps.pop()
            left, wrong_since = left - jump.by, jump.since
        if not wrong_since and self._was_wrong_from_the_start(now, up):
            wrong_since, self.started = self.started, self.started - by
        if not wrong_since or now < EARLIEST_MS:
            _LOG.warning("the clock went back; times that are stored stay as they are for now", seconds=by // 1000)
            self._ask_from = up + STEADY_SECONDS
            return
        self._correct(now, wrong_since, by)
        self._went_back = _Jump(max(wrong_since - by, (self._newest_before or 0) + 1), by)
        self._ask_from = up  # an earlier process may have had the wrong time, too

    def _was_wrong_from_the_start(self, now: int, up: float) -> bool:
        if now >= self.started or up - self._started_up > YOUNG_SECONDS:
            return False
        return self._newest_before is not None and self._newest_before <= now + JUMP_MS

    def learn(self, newest_before: int) -> None:
        """The newest moment that is stored from before this process started; 0 without any."""
        self._newest_before = newest_before

    def wants_to_ask(self) -> int | None:
        """From which moment on (milliseconds) rooms must not have anything, if it is time to ask; else None."""
        if self._ask_from is None or self._up() < self._ask_from:
            return None
        return self._wall() + JUMP_MS

    def answer(self, ahead: Span | None) -> None:
        """The answer to what `wants_to_ask` gave: what rooms have from there on."""
        self._ask_from = None
        if ahead is None:
            return
        now = self._wall()
        if now >= EARLIEST_MS and ahead.first - now > ahead.last - ahead.first:
            self._correct(now, ahead.first, ahead.last - now)
            return
        _LOG.warning(
            "the clock is behind what is stored: until it has caught up, the time in rooms stands still",
            seconds=(ahead.last - now) // 1000,
        )

    def _correct(self, now: int, since: int, by: int) -> None:
        _LOG.warning(
            "the clock was ahead, and has been set back: times that are stored are corrected", seconds=by // 1000
        )
        self._on_wrong(CorrectTimes("", now, since, by))
