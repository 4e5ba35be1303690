"""The slash commands that change settings, for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from chatty.cli.join.rendering import view
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.settings.preferences import Scope
from chatty.cli.join.settings.table import SETTINGS, Setting, Value, find
from chatty.cli.join.slash_commands.actions import Actions, first_word
from chatty.cli.terminal.cleaning import clean

__all__ = ["SettingActions", "complete_setting"]

SCOPES: Final[dict[str, Scope]] = {"--room": "room", "--profile": "profile"}
"""The words behind ``/set`` that say for what it holds; without one: for all rooms."""
_SCOPE_HELP: Final = {"--room": "in this room only", "--profile": "with this profile only"}
_BACK: Final = "-"


class SettingActions(Actions):
    """See `Actions`."""

    def set(self, argument: str) -> None:
        """List the settings; show one, change it, or take it back."""
        scope, argument = _scope(argument)
        name, typed = first_word(argument)
        if not name:
            self._host.show(view.notice("settings; /set NAME says more, /set NAME VALUE changes one"), *self._listing())
            return
        setting = _find(name)
        if not typed:
            self._notice(f"{self._in_force(setting)}: {setting.help}; it may be {setting.takes}")
            return
        try:
            value = None if typed == _BACK else setting.parse(typed)
        except ValueError as error:
            raise Wrong(f"/set {name}: {error}") from None
        self._change(name, value, scope)
        own = self._preferences.value(name)
        if value not in (None, own):
            table = self._preferences.table(scope)
            self._notice(f"{name} = {setting.show(value or '')} in {table}, but here {self._in_force(setting)}")
        else:
            self._notice(self._in_force(setting))

    def _listing(self) -> Iterator[Text]:
        rows = [(one.name, one.show(self._preferences.value(one.name))) for one in SETTINGS]
        names, values = (max(map(len, column)) for column in zip(*rows, strict=True))
        for name, value in rows:
            row = f"   {name:<{names}}  {value:<{min(values, 24)}}  {self._preferences.source(name)}"
            yield Text(clean(row, newlines=False))

    def _in_force(self, setting: Setting) -> str:
        name = setting.name
        return f"{name} = {setting.show(self._preferences.value(name))} ({self._preferences.source(name)})"

    def _change(self, name: str, value: Value | None, scope: Scope) -> None:
        """Change a setting, and say so if that holds only until one leaves."""
        if why := self._preferences.change(name, value, scope):
            self._host.show(view.failure(f"only until you leave: {why}"))

    def _toggle(self, name: str, other: str, usual: str) -> bool:
        """Change between the value ``other`` and what it is without. Gives whether it is ``other`` now."""
        scope = self._preferences.strongest(name)
        if self._preferences.value(name) != other:
            self._change(name, other, scope)
            return True
        self._change(name, None, scope)
        if self._preferences.value(name) == other:  # a table of less weight says so
            self._change(name, usual, scope)
        return False


def complete_setting(before: str) -> list[tuple[str, int, str]]:
    """The words that may end ``before``, a beginning of ``/set …``: each, how much of it is typed, and its help."""
    command, rest = first_word(before)
    if command != "/set" or not before[len(command) :].startswith(" "):
        return []
    words = rest.split(" ")
    typed = words[-1]
    done = words[:-1][1:] if words[0] in SCOPES else words[:-1]
    if not done:
        known = {setting.name: setting.help for setting in SETTINGS}
        known |= {} if len(words) > 1 else _SCOPE_HELP
    elif len(done) == 1 and done[0] in (setting.name for setting in SETTINGS):
        known = dict.fromkeys(find(done[0]).words, "") | {_BACK: "as without it"}
    else:
        return []
    return [(word, len(typed), about) for word, about in known.items() if word.startswith(typed) and word != typed]


def _scope(argument: str) -> tuple[Scope, str]:
    word, rest = first_word(argument)
    if word in SCOPES:
        return SCOPES[word], rest
    if word.startswith("--"):
        raise Wrong(f"/set knows no {word}; it may be {' or '.join(SCOPES)}: /set --room joins none")
    return "everywhere", argument


def _find(name: str) -> Setting:
    try:
        return find(name)
    except ValueError as error:
        raise Wrong(f'no setting "{name}"; {error}') from None
