"""Limits a bot's replies, so that programs that answer each other in a loop stay slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
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
        """The seconds until the next one may begin."""
        now = self._now()
        while self._begun and self._begun[0] <= now - _MINUTE:
            self._begun.popleft()
        return self._begun[-self._most] + _MINUTE - now if len(self._begun) >= self._most else 0.0

    def begin(self) -> float:
        """Count a reply that may come, and give its entry."""
        entry = self._now()
        self._begun.append(entry)
        return entry

    def take_back(self, entry: float) -> None:
        """Uncount one that did not come, if it still counts."""
        with suppress(ValueError):
            self._begun.remove(entry)
