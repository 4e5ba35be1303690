"""Joins and leaves, gathered while nobody speaks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from chatty.events import Happening, ParticipantJoined, ParticipantLeft

__all__ = ["Comings"]

LONGEST: Final = 10.0
"""Seconds after which they are printed even if nothing else is."""
MOST: Final = 200
"""Joins and leaves in one row."""


class Comings:
    """Holds joins and leaves back until something else is printed, or some seconds have gone by.

    ``clock`` gives seconds. ``held`` are those that are not printed yet.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.held: list[Happening] = []
        self._clock = clock
        self._since = 0.0

    def printed(self, events: Iterable[Happening], *, all_of_them: bool) -> list[Happening]:
        """The events to be printed, in order, when ``events`` are due; ``all_of_them``: nothing is held back."""
        printed: list[Happening] = []
        for event in events:
            if isinstance(event, ParticipantJoined | ParticipantLeft):
                if not self.held:
                    self._since = self._clock()
                self.held.append(event)
            else:
                printed += [*self._released(), event]
        if all_of_them or len(self.held) > MOST or self._clock() - self._since >= LONGEST:
            printed += self._released()
        return printed

    def _released(self) -> list[Happening]:
        held, self.held = self.held, []
        return held
