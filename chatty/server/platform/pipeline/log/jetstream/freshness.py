"""How old the state is that this node knows: when it had applied everything that was in the log at that time."""

from __future__ import annotations

from collections import deque


class Freshness:
    """Times are seconds of any clock that never goes back."""

    def __init__(self, now: float) -> None:
        self._goals: deque[tuple[float, int]] = deque()
        self._as_of = now

    def aim(self, now: float, last: int) -> None:
        """At ``now``, the log ended at the position ``last``, as far as a majority knew."""
        if now <= self._as_of:
            return
        if not self._goals or self._goals[-1][1] < last:
            self._goals.append((now, last))
        else:
            at, last = self._goals[-1]
            self._goals[-1] = (max(at, now), last)

    def reach(self, position: int) -> None:
        """Everything up to ``position`` is applied."""
        while self._goals and self._goals[0][1] <= position:
            self._as_of = max(self._as_of, self._goals.popleft()[0])

    def age(self, now: float) -> float:
        """For how long something may have happened that is not known here."""
        return now - self._as_of
