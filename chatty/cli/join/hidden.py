"""Whom and what one doesn't want to see: ``/ignore`` and ``/quiet``. Kept for one session, told to nobody."""

from __future__ import annotations

from chatty.events import Event, ParticipantJoined, ParticipantLeft, ParticipantRenamed
from chatty.names import same

__all__ = ["Hidden"]


class Hidden:
    """What is hidden. ``quiet`` hides who joins and leaves; ``ignored`` holds names as they are written."""

    def __init__(self) -> None:
        self.quiet = False
        self.ignored: list[str] = []

    def ignores(self, name: str) -> bool:
        """Whether ``name`` is ignored."""
        return any(same(name, one) for one in self.ignored)

    def ignore(self, name: str) -> None:
        """Hide what ``name`` does from now on."""
        if not self.ignores(name):
            self.ignored.append(name)

    def unignore(self, name: str) -> bool:
        """Show again what ``name`` does. False: it was not ignored."""
        before = len(self.ignored)
        self.ignored = [one for one in self.ignored if not same(name, one)]
        return len(self.ignored) < before

    def hides(self, event: Event) -> bool:
        """Whether ``event`` is not to be shown. Who is ignored stays so under a new name."""
        if self.quiet and isinstance(event, ParticipantJoined | ParticipantLeft):
            return True
        if not self.ignored or not self.ignores(getattr(event, "participant", "")):
            return False
        if isinstance(event, ParticipantRenamed):
            self.ignore(event.name)
        return True
