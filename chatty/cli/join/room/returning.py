"""Coming back to a room: what came since one was last there, and where that begins. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chatty.events import Happening, Message, StreamPosition

__all__ = ["Returning"]

BEFORE: Final = 5
"""Messages that are shown once more before those that are new, so that one knows what it was about."""
AGAIN: Final = 15
"""Messages that are shown once more where nothing is new."""


class Returning:
    """Somebody has ``seen`` a room up to there, at the time ``at``, and comes back."""

    def __init__(self, seen: StreamPosition, at: datetime) -> None:
        self.at = at
        self._seen = seen
        self._messages = 0
        self._first = 0

    def is_to(self, epoch: str) -> bool:
        """Whether the room still counts its events as it did then."""
        return epoch == self._seen.epoch

    def is_new(self, event: Happening) -> bool:
        """Whether ``event``, which is replayed, came since. Each is asked about once."""
        self._first = self._first or event.seq
        new = event.seq > self._seen.seq
        self._messages += new and isinstance(event, Message)
        return new

    @property
    def first_new(self) -> int:
        """The number of the first event that may be new."""
        return self._seen.seq + 1

    @property
    def missed(self) -> int:
        """How many events came that were not replayed. Not all of them need be messages."""
        return max(0, self._first - self.first_new) if self._first else 0

    def shown(self, events: list[Happening], *, any_news: bool) -> tuple[int, list[Happening]]:
        """How many new messages are left out, and those of the ``events`` to show, which are the newest ones.

        The `missed` are not among those that are left out.
        """
        place = next((place for place, event in enumerate(events) if event.seq >= self.first_new), len(events))
        before, new = events[:place], events[place:]
        left_out = self._messages - sum(isinstance(event, Message) for event in new)
        wanted = BEFORE if any_news else AGAIN
        while before and sum(isinstance(event, Message) for event in before) > wanted:
            before = before[1:]
        return left_out, ([] if left_out or self.missed else before) + new
