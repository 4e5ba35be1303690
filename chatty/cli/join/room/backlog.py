"""Events that wait to be shown: bounded, so that a flood or a long absence costs no more than some screenfuls."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from rich.text import Text

from chatty.events import Happening, Message

__all__ = ["MOST", "Backlog", "Batch"]

MOST: Final = 500
"""Events shown at once; of more than that, the newest."""


class Batch(NamedTuple):
    """Events and lines to show now. So many ``skipped`` messages came before the ``events``."""

    skipped: int
    events: list[Happening]
    lines: list[Text]


class Backlog:
    """Events, of which the newest ``most`` are kept, and lines of chatty's own, all of which are kept."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._events: deque[Happening] = deque()
        self._lines: list[Text] = []
        self._skipped = 0
        self.replaying = False
        """While true, events stay: how many are skipped is only known when the replay is over."""

    def add(self, event: Happening) -> None:
        """Let ``event`` wait its turn, in place of the oldest ones if too many wait."""
        self._events.append(event)
        while len(self._events) > self.most:
            self._skipped += isinstance(self._events.popleft(), Message)

    def add_lines(self, *lines: Text) -> None:
        """Let ``lines`` wait their turn."""
        self._lines += lines

    def take(self) -> Batch:
        """Everything that is to be shown now."""
        lines, self._lines = self._lines, []
        if self.replaying:
            return Batch(0, [], lines)
        batch = Batch(self._skipped, list(self._events), lines)
        self._events.clear()
        self._skipped = 0
        return batch
