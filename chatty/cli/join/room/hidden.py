"""People and events that one doesn't want to see: ``/ignore``, ``/quiet``, and those who come and go in silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from chatty.cli.join.room.last_signs import LastSigns
from chatty.events import Event, Happening, ParticipantJoined, ParticipantLeft, ParticipantRenamed, RoomClosed
from chatty.names import same

__all__ = ["Hidden", "Joins"]

Joins = Literal["smart", "all", "none"]
"""The joins and leaves that are shown: those of people who are new or have spoken lately, all of them, or none."""


class Ignored(Struct):
    """Somebody that is ignored: by the name that they have now, and by earlier ones up to the event that ended each."""

    name: str
    former: list[tuple[str, int]]

    def was(self, name: str) -> bool:
        """Whether they are called ``name``, or were."""
        return same(name, self.name) or any(same(name, one) for one, _ in self.former)

    def did(self, name: str, seq: int) -> bool:
        """Whether event ``seq``, which ``name`` brought about, is theirs."""
        return same(name, self.name) or any(same(name, one) and seq <= end for one, end in self.former)


class Hidden:
    """The people that are ignored, and the ``joins`` that are shown."""

    def __init__(self) -> None:
        self.joins: Joins = "smart"
        self._ignored: list[Ignored] = []
        self._signs = LastSigns()

    def present(self, names: Iterable[str]) -> None:
        """These people are here, as of the latest event."""
        self._signs.present(names)

    def hear(self, event: Event) -> None:
        """Take in ``event`` of the room, before it is asked about."""
        self._signs.hear(event)

    @property
    def ignored(self) -> list[str]:
        """The names that ignored people have now."""
        return [ignored.name for ignored in self._ignored]

    def ignores(self, name: str) -> bool:
        """Whether the one called ``name`` now is ignored."""
        return any(same(name, ignored.name) for ignored in self._ignored)

    def ignore_only(self, names: Iterable[str]) -> None:
        """Hide from now on what the people called ``names`` do, under any name that they take, and nobody else.

        Somebody that is ignored already may be called by an earlier name.
        """
        names = list(names)
        ignored = [one for one in self._ignored if any(same(name, one.name) for name in names)]
        for name in names:
            if not any(same(name, one.name) for one in ignored):
                renamed = (one for one in self._ignored if one not in ignored and one.was(name))
                ignored.append(next(renamed, Ignored(name, [])))
        self._ignored = ignored

    def hides(self, event: Happening) -> bool:
        """Whether ``event`` is not to be shown.

        Ignored people stay so under a new name. Their old one is nobody's, and
        somebody else that takes it is not ignored.
        """
        if isinstance(event, ParticipantJoined | ParticipantLeft) and self._hides_coming(event):
            return True
        if isinstance(event, RoomClosed):
            return False
        for ignored in self._ignored:
            if ignored.did(event.participant, event.seq):
                if isinstance(event, ParticipantRenamed) and same(event.participant, ignored.name):
                    ignored.former.append((ignored.name, event.seq))
                    ignored.name = event.name
                return True
        return False

    def _hides_coming(self, event: ParticipantJoined | ParticipantLeft) -> bool:
        return self.joins == "none" or (self.joins == "smart" and self._signs.silent(event.participant, event.time))
