"""How long to wait before trying again. No I/O."""

from __future__ import annotations

from random import Random
from typing import Final

__all__ = ["ceiling", "delay"]

_FIRST: Final = 0.5
_EARLY_CAP: Final = 5.0
_LATE_CAP: Final = 30.0
_EARLY: Final = 60.0


def ceiling(attempt: int, lost_for: float) -> float:
    """The longest wait before attempt 1, 2, 3 …, in seconds: it doubles, up to 5 s in the first minute, 30 s later."""
    cap = _EARLY_CAP if lost_for < _EARLY else _LATE_CAP
    return min(cap, _FIRST * 2.0 ** min(attempt - 1, 16))


def delay(attempt: int, lost_for: float, random: Random, *, at_least: float = 0.0) -> float:
    """The wait in seconds: anything up to the ceiling, so that 10,000 clients of one server don't come back at once.

    ``lost_for`` is how long the connection has been lost, in seconds,
    ``at_least`` the seconds that the server asked for (``Retry-After``).
    """
    return at_least + random.uniform(0.0, ceiling(attempt, lost_for))
