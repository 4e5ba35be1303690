"""The slash commands that are about rooms, and not about what is said in one."""

from __future__ import annotations

from chatty.cli.join.slash_commands.actions import Actions, Outcome

__all__ = ["RoomsActions"]


class RoomsActions(Actions):
    """See `Actions`."""

    def room(self, argument: str) -> Outcome:
        """Go to another room that is open."""
        return self._host.go(argument)

    def join(self, argument: str) -> Outcome:
        """Open another room."""
        return self._host.enter_room(argument)

    def part(self) -> Outcome:
        """Leave this room, and stay in the others."""
        return self._host.part()

    def rooms(self) -> Outcome:
        """Show the rooms."""
        return self._host.rooms()

    def invite(self) -> Outcome:
        """Show how others get in."""
        return self._host.invite()
