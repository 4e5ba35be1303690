"""The slash commands that are for oneself alone."""

from __future__ import annotations

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Actions, Outcome
from chatty.cli.terminal.cleaning import clean_name, clean_names
from chatty.names import same

__all__ = ["PersonalActions"]


class PersonalActions(Actions):
    """See `Actions`."""

    def help(self, argument: str) -> None:
        """Show the commands and the keys; with ``argument``, explain one command, or the keys."""
        self._host.help(argument)

    def ignore(self, argument: str) -> None:
        """Hide what somebody writes; without a name, show who is ignored."""
        if argument:
            name = self._known(argument)
            if same(name, self._people.me):
                raise Wrong("that is you")
            self._hidden.ignore(name)
        ignored = clean_names(self._hidden.ignored)
        self._notice(f"ignored until you leave: {ignored}" if ignored else "nobody is ignored")

    def unignore(self, argument: str) -> None:
        """Show again what somebody writes."""
        name = self._known(argument)
        if not self._hidden.unignore(name):
            raise Wrong(f"{clean_name(name)} is not ignored")
        self._notice(f"{clean_name(name)} is no longer ignored")

    def _known(self, argument: str) -> str:
        """The present name of the person that is called as in ``argument``, or was lately."""
        for name in (argument, argument.removeprefix("@")):
            if self._hidden.ignores(name):
                return name
            if person := self._people.find(name):
                return person.name
        raise Wrong(f"nobody called {clean_name(argument.removeprefix('@'))} is here, or was lately")

    def quiet(self) -> None:
        """Hide that people join and leave, or show it again."""
        self._hidden.joins = "smart" if self._hidden.joins == "none" else "none"
        self._notice("joins and leaves are hidden" if self._hidden.joins == "none" else "joins and leaves are shown")

    def timestamp(self) -> None:
        """Leave the time out of the lines, or show it again."""
        self._incoming.restyle()

    def clear(self) -> None:
        """Clear the window."""
        if self._host.plain:
            raise Wrong("plain lines are not cleared: use your terminal's own keys or menu")
        self._host.clear()

    def quit(self) -> Outcome:
        """Leave all rooms and end."""
        return self._host.quit()
