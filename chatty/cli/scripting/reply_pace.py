"""How many replies a bot gives in a minute, so that a loop of programs which answer each other stays slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["ReplyPace"]

_MINUTE: Final = 60.0


class ReplyPace:
    """At most ``most`` replies begin in any minute of the clock ``now``, which counts seconds."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._begun: deque[float] = deque()

    def wait(self) -> float:
        """How many seconds until the next one may begin."""
        now = self._now()
        while self._begun and self._begun[0] <= now - _MINUTE:
            self._begun.popleft()
        return self._begun[-self._most] + _MINUTE - now if len(self._begun) >= self._most else 0.0

    def begin(self) -> None:
        """Something begins that may become a reply."""
        self._begun.append(self._now())

    def take_back(self) -> None:
        """One that had begun became none. Which one makes no difference for the number."""
        if self._begun:
            self._begun.pop()
