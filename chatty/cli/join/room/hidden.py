"""People and events that one doesn't want to see: ``/ignore`` and ``/quiet``. It lasts for one session."""

from __future__ import annotations

from msgspec import Struct

from chatty.events import Happening, ParticipantJoined, ParticipantLeft, ParticipantRenamed, RoomClosed
from chatty.names import same

__all__ = ["Hidden"]


class Ignored(Struct):
    """Somebody that is ignored: by the name that they have now, and by earlier ones up to the event that ended each."""

    name: str
    former: list[tuple[str, int]]

    def did(self, name: str, seq: int) -> bool:
        """Whether event ``seq``, which ``name`` brought about, is theirs."""
        return same(name, self.name) or any(same(name, one) and seq <= end for one, end in self.former)


class Hidden:
    """The people that are ignored. ``quiet`` also hides that people join and leave."""

    def __init__(self) -> None:
        self.quiet = False
        self._ignored: list[Ignored] = []

    @property
    def ignored(self) -> list[str]:
        """The names that ignored people have now."""
        return [ignored.name for ignored in self._ignored]

    def ignores(self, name: str) -> bool:
        """Whether the one called ``name`` now is ignored."""
        return any(same(name, ignored.name) for ignored in self._ignored)

    def ignore(self, name: str) -> None:
        """Hide everything that ``name`` does from now on."""
        if not self.ignores(name):
            self._ignored.append(Ignored(name, []))

    def unignore(self, name: str) -> bool:
        """Show ``name`` again. False: that one was not ignored."""
        before = len(self._ignored)
        self._ignored = [ignored for ignored in self._ignored if not same(ignored.name, name)]
        return len(self._ignored) < before

    def hides(self, event: Happening) -> bool:
        """Whether ``event`` is not to be shown.

        Ignored people stay so under a new name. Their old one is nobody's, and
        somebody else that takes it is not ignored.
        """
        if self.quiet and isinstance(event, ParticipantJoined | ParticipantLeft):
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
