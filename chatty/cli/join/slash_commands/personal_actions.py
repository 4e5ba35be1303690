"""The slash commands that are for oneself alone."""

from __future__ import annotations

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.settings.table import TIME
from chatty.cli.join.slash_commands.actions import Outcome
from chatty.cli.join.slash_commands.setting_actions import SettingActions
from chatty.cli.terminal.cleaning import clean_name, clean_names
from chatty.names import same

__all__ = ["PersonalActions"]


class PersonalActions(SettingActions):
    """See `chatty.cli.join.slash_commands.actions.Actions`."""

    def help(self, argument: str) -> None:
        """Show the commands and the keys; with ``argument``, explain one command, or the keys."""
        self._host.help(argument)

    def ignore(self, argument: str) -> None:
        """Hide what somebody writes; without a name, show who is ignored."""
        if argument:
            name = self._known(argument)
            if same(name, self._people.me):
                raise Wrong("that is you")
            if not self._hidden.ignores(name):
                self._ignore(*self._hidden.ignored, name)
        ignored = clean_names(self._hidden.ignored)
        self._notice(f"ignored: {ignored}" if ignored else "nobody is ignored")

    def unignore(self, argument: str) -> None:
        """Show again what somebody writes."""
        name = self._known(argument)
        if not self._hidden.ignores(name):
            raise Wrong(f"{clean_name(name)} is not ignored")
        self._ignore(*(one for one in self._hidden.ignored if not same(one, name)))
        self._notice(f"{clean_name(name)} is no longer ignored")

    def _ignore(self, *names: str) -> None:
        self._change("ignore", names or None, self._preferences.strongest("ignore"))
        if not names and self._preferences.settings.ignore:  # a table of less weight ignores somebody
            self._change("ignore", (), self._preferences.strongest("ignore"))

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
        hidden = self._toggle("joins", "none", "smart")
        self._notice("joins and leaves are hidden" if hidden else "joins and leaves are shown")

    def timestamp(self) -> None:
        """Leave the time out of the lines, or show it again."""
        hidden = self._toggle("time", "", TIME)
        self._notice("the time is hidden" if hidden else "the time is shown")

    def clear(self) -> None:
        """Clear the window."""
        if self._host.plain:
            raise Wrong("plain lines are not cleared: use your terminal's own keys or menu")
        self._host.clear()

    def quit(self) -> Outcome:
        """Leave all rooms and end."""
        return self._host.quit()
