"""When people were first seen, or spoke last: somebody who never says a word can come and go unnoticed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from chatty.events import Event, Message, ParticipantJoined, ParticipantLeft, ParticipantRenamed
from chatty.names import compare_key

__all__ = ["LastSigns"]

SILENCE: Final = timedelta(minutes=30)
"""People that were silent for longer are silent."""
KEPT: Final = 10_000
"""Names that are remembered."""


class LastSigns:
    """The last sign of each person, in the events' own times: the latest message, or where they were first met."""

    def __init__(self) -> None:
        self._signs: dict[str, str] = {}
        self._now = ""
        self._waiting: list[str] = []

    def present(self, names: Iterable[str]) -> None:
        """These people are here, as of the latest event."""
        self._waiting += names
        self._meet()

    def hear(self, event: Event) -> None:
        """Take in ``event``."""
        self._now = event.at
        self._meet()
        match event:
            case Message(participant=name):
                self._signs[compare_key(name)] = event.at
            case ParticipantJoined(participant=name) | ParticipantLeft(participant=name):
                self._signs.setdefault(compare_key(name), event.at)
            case ParticipantRenamed(participant=name, name=new):
                self._signs[compare_key(new)] = self._signs.pop(compare_key(name), event.at)
        if len(self._signs) > KEPT:
            del self._signs[next(iter(self._signs))]

    def silent(self, name: str, time: datetime) -> bool:
        """Whether ``name`` has been known at ``time`` for long, and has said nothing."""
        sign = self._signs.get(compare_key(name))
        return sign is not None and time - datetime.fromisoformat(sign) > SILENCE

    def _meet(self) -> None:
        """Take in those that are here; before the first event, nobody knows what time it is."""
        if self._now and self._waiting:
            for name in self._waiting:
                self._signs.setdefault(compare_key(name), self._now)
            self._waiting.clear()
