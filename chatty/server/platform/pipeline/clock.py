"""The wall clock, which may be wrong: what it gives is watched, and where it was wrong, stored times are corrected.

A time is corrected only by evidence, and each correction can be taken back
exactly. A clock that goes back was ahead before, or is behind now. What tells:

- It had jumped ahead, by as much: it was wrong in between. Several jumps may go
  away at once, the newest first, and only if they add up to what it went back.
- It now shows less than when this process started, a short while ago, and all
  that was stored before is earlier: it was wrong from the start, as a machine's
  is that has just booted.
- Otherwise there are the times that rooms have. Those of a clock that was ahead
  lie close together, at least a day ahead, and the others end shortly before now.

If it then jumps ahead by as much, it was right before it went back, and what was
corrected is moved back. So the jumps are like the steps of an editor: undone, the
newest first, and done again in their order, until another jump comes instead.

Where nothing tells that it was ahead, nothing is corrected: a room's time stands
still until the clock has caught up. What it gives until then can't be told from
what it gave before, so from there on no earlier jump explains anything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from itertools import accumulate, takewhile
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
TRUSTED_AFTER: Final = 100
"""A jump that has lasted so many times its own length is right. An error is noticed sooner the larger it is; the pause
of a virtual machine stays, and must not forever explain a step back that happens to be as long."""
LEAST_AHEAD_MS: Final = 24 * 3_600_000
"""How far ahead times must be before they alone tell that the clock was: anything less may be a pause in the talk."""
FAR: Final = 10
"""How many times farther ahead they must be than they are apart, and than now is from the time before them."""

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
    """The wall clock showed ``since`` when it was ``by`` milliseconds further than expected.

    All that it gave before is less than ``since - by``. ``up`` is when it came, or went away.
    """

    since: int
    by: int
    up: float

    def is_recent(self, up: float) -> bool:
        return (up - self.up) * 1000 < TRUSTED_AFTER * self.by


class Question(NamedTuple):
    """What to ask rooms: the newest they have from before ``before``, and the span of what they have from ``ahead``."""

    before: int
    ahead: int


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
        self._started = self._steady_since = self._given = self._newest = self._last = wall()
        self._started_up = self._last_up = up()
        self._look_from = self._last + UNWATCHED_MS
        self._newest_before: int | None = None
        self._jumps: list[_Jump] = []
        self._in_force = 0  # so many of the jumps are; the others have gone away, and may come again
        self._behind = 0
        self._ask_from: float | None = BOOT_SECONDS

    def now(self) -> int:
        """Milliseconds since 1970."""
        now = self._wall()
        if not self._given <= now < self._look_from:
            self._watch(now)
        self._given = now
        return now

    def learn(self, newest: int) -> None:
        """The newest moment that is stored when this process starts; 0 without any."""
        self._newest = max(self._newest, newest)
        self._newest_before = newest if newest < self._started else None

    # --- steps ----------------------------------------------------------------------------------------------

    def _watch(self, now: int) -> None:
        up = self._up()
        step = round(now - self._last - (up - self._last_up) * 1000)
        self._last, self._last_up, self._look_from = now, up, now + UNWATCHED_MS
        has_caught_up = self._given >= self._newest
        self._newest = max(self._newest, self._given)
        if abs(step) > JUMP_MS:
            self._note_step(now, up, step, 0 if has_caught_up else self._behind)
        else:
            self._shorten_jumps(now)

    def _shorten_jumps(self, now: int) -> None:
        """A small step back just after a jump is part of it: all that follows is at or after its ``since``."""
        while self._in_force and now < self._jumps[self._in_force - 1].since:
            jump = self._jumps.pop(self._in_force - 1)
            by = jump.by - (jump.since - now)
            if by > JUMP_MS:
                self._jumps.insert(self._in_force - 1, jump._replace(since=now, by=by))
                return
            self._in_force -= 1

    def _note_step(self, now: int, up: float, step: int, behind: int) -> None:
        self._steady_since, self._behind = now, 0
        if self._ask_from is not None:
            self._ask_from = max(self._ask_from, up + STEADY_SECONDS)
        ahead = step - behind
        if behind and abs(ahead) <= JUMP_MS:
            return  # back where it was before it went back
        if not behind and self._moves_to_where_it_was(now, up, step):
            return
        if ahead > 0:
            self._note_jump(now, up, ahead)
            return
        _LOG.warning("the clock went back; times that are stored stay as they are for now", seconds=-ahead // 1000)
        self._behind = -ahead
        self._forget_jumps()
        self._ask_from = up + STEADY_SECONDS

    def _note_jump(self, now: int, up: float, by: int) -> None:
        beyond = now - self._newest - 1
        if beyond < by - JUMP_MS or beyond <= JUMP_MS:  # it was behind what is stored, so it may be right now
            self._forget_jumps()
            return
        self._jumps[self._in_force :] = [_Jump(now, min(by, beyond), up)]
        self._in_force += 1

    def _forget_jumps(self) -> None:
        self._jumps, self._in_force, self._newest_before = [], 0, None

    def _moves_to_where_it_was(self, now: int, up: float, step: int) -> bool:
        """Whether the clock shows what it would with fewer or more of the jumps; if so, times are corrected."""
        in_force = [jump for jump in self._jumps[: self._in_force] if jump.is_recent(up)]
        undone = takewhile(lambda jump: jump.is_recent(up), self._jumps[self._in_force :])
        self._jumps, self._in_force = [*in_force, *undone], len(in_force)
        self._suspect_the_start(now, up, -step)
        offsets = [0, *accumulate(jump.by for jump in self._jumps)]
        offset = offsets[self._in_force] + step
        count = min(range(len(offsets)), key=lambda count: abs(offsets[count] - offset))
        if abs(offsets[count] - offset) > JUMP_MS or (step < 0 and now < EARLIEST_MS):
            return False
        while self._in_force > count:
            self._in_force -= 1
            jump = self._jumps[self._in_force]
            # What the clock would show if the older ones were still there.
            self._correct(now + offsets[self._in_force] - offsets[count], jump.since, jump.by)
            self._jumps[self._in_force] = jump._replace(up=up)
        while self._in_force < count:
            jump = self._jumps[self._in_force]
            self._correct(now, jump.since - jump.by, -jump.by)
            self._jumps[self._in_force] = jump._replace(up=up)
            self._in_force += 1
        # If it was right when it started, after all, it may still have been wrong by something else.
        while self._newest_before is not None and self._in_force and self._jumps[0].since <= self._started:
            del self._jumps[0]
            self._in_force -= 1
        self._newest = now
        return True

    def _suspect_the_start(self, now: int, up: float, back: int) -> None:
        """If the clock was wrong from the start, that is like a jump. Beside others, nothing tells how large it was."""
        if self._in_force or back <= JUMP_MS or now >= self._started or up - self._started_up > YOUNG_SECONDS:
            return
        if self._newest_before is None or self._newest_before >= self._started - back + JUMP_MS:
            return
        by = min(back, self._started - self._newest_before - 1)
        if by > JUMP_MS:
            self._jumps.insert(0, _Jump(self._started, by, up))
            self._in_force = 1

    def _correct(self, at: int, since: int, by: int) -> None:
        if by > 0:
            said = "the clock was ahead, and has been set back: times that are stored are corrected"
        else:
            said = "the clock was right before it went back: times that were corrected are moved back"
        _LOG.warning(said, seconds=abs(by) // 1000)
        if since <= self._started:
            self._started -= by
        self._on_wrong(CorrectTimes("", at, since, by))

    # --- what rooms have ------------------------------------------------------------------------------------

    def wants_to_ask(self) -> Question | None:
        """What to ask rooms, if it is time to."""
        now = self.now()
        if self._ask_from is None or self._up() < self._ask_from:
            return None
        return Question(self._steady_since, now + JUMP_MS)

    def answer(self, question: Question, newest_before: int, ahead: Span | None) -> None:
        """The answer to ``question``: what rooms have."""
        now = self.now()
        if question.before != self._steady_since:
            return  # it has been set meanwhile, and asks again
        self._ask_from = None
        if ahead is None:
            return
        # Without a step that was seen, the last of them can only have been before this clock began.
        by = self._behind or ahead.last - self._steady_since
        if now < EARLIEST_MS or not self._was_ahead(now, newest_before, ahead, by):
            _LOG.warning(
                "the clock is behind what is stored: until it has caught up, the time in rooms stands still",
                seconds=(ahead.last - now) // 1000,
            )
            return
        self._forget_jumps()
        if self._behind:
            self._jumps = [_Jump(ahead.first, by, self._up())]
        self._behind, self._newest = 0, now
        self._correct(now, ahead.first, by)

    def _was_ahead(self, now: int, newest_before: int, ahead: Span, by: int) -> bool:
        distance = ahead.first - now
        if self._behind and not newest_before < ahead.first - by <= ahead.last - by <= now:
            return False  # it could not be taken back exactly
        return (
            distance >= LEAST_AHEAD_MS
            and distance >= FAR * (ahead.last - ahead.first)
            and newest_before > 0
            and distance >= FAR * (now - newest_before)
        )
