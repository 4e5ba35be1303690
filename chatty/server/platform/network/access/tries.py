"""Tries that are counted one by one, for limits that hold in any window of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Final

MOST_KEYS: Final = 10_000
"""Counts, at which those that matter no longer are dropped."""


class Tries:
    """At most ``most`` tries in any ``seconds``, for each key. A bucket would refill meanwhile, and allow more."""

    def __init__(self, most: int, seconds: float) -> None:
        """``most`` 0 for no limit."""
        self._most = most
        self._seconds = seconds
        self._tries: dict[Hashable, deque[float]] = {}

    def wait(self, key: Hashable, now: float) -> float:
        """The seconds until there may be another try; 0 for none."""
        tries = self._tries.get(key)
        while tries and tries[0] + self._seconds <= now:
            tries.popleft()
        return tries[0] + self._seconds - now if self._most and tries and len(tries) >= self._most else 0.0

    def count(self, key: Hashable, now: float) -> None:
        """There is a try."""
        if len(self._tries) > MOST_KEYS:
            self._tries = {
                one: tries for one, tries in self._tries.items() if tries and tries[-1] + self._seconds > now
            }
        self._tries.setdefault(key, deque()).append(now)

    def take_back(self, key: Hashable, at: float) -> None:
        """The try that was counted at ``at`` was none."""
        tries = self._tries.get(key)
        if tries and at in tries:
            tries.remove(at)
