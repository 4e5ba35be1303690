"""The settings that are in force in one room, where each comes from, and how they are changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal
from weakref import WeakMethod

from chatty.cli.config import config_file, read_config
from chatty.cli.environment import Environment, NoHome
from chatty.cli.failures import Failure, explain
from chatty.cli.join.settings import reading
from chatty.cli.join.settings.reading import EVERYWHERE, Room, Tables, checked, header, of_profile, of_room, paths
from chatty.cli.join.settings.table import Settings, Value
from chatty.cli.join.settings.writing import write

__all__ = ["NOWHERE", "Preferences", "Scope", "Sources"]

Scope = Literal["everywhere", "profile", "room"]
"""For what a change holds: all rooms, those that are entered with the same profile, or this one."""

COMMAND_LINE: Final = "command line"
NOWHERE: Final = Room()


class Sources:
    """Where settings come from: the tables of config.toml, and ``options``, those that the command line gives.

    All rooms of a session share one. ``problems`` are sentences about what in
    the file makes no sense. What can't be written is remembered here, and
    holds as long as this object does. By default nothing is read or kept.
    """

    def __init__(self, env: Environment | None = None, options: Mapping[str, Value | None] | None = None) -> None:
        self.options = {name: value for name, value in (options or {}).items() if value is not None}
        self.problems: list[str] = []
        self.tables: Tables = {}
        self._file: Path | None = None
        self._why = "there is no file to keep it in"
        self._unkept: dict[tuple[reading.Path, str], Value | None] = {}
        self._subscribers: list[WeakMethod[Callable[[], None]]] = []  # rooms come and go
        if env is None:
            return
        try:
            self._file = config_file(env)
            self.tables, self.problems = checked(read_config(env))
        except NoHome as error:
            self._why = explain(error).message
        except (OSError, Failure):  # the profile was read from the same file, and it was told
            return
        self.problems = [f"{self._file}: {problem}" for problem in self.problems]

    def subscribe(self, changed: Callable[[], None]) -> None:
        """Call ``changed``, a method, after each change, as long as there is its object."""
        self._subscribers.append(WeakMethod(changed))

    def change(self, path: reading.Path, name: str, value: Value | None) -> str:
        """Set ``name`` in the table at ``path``, or remove it if ``value`` is None; at once, and in the file.

        Gives the reason if it is not kept there; empty if it is.
        """
        self.options.pop(name, None)
        self._unkept[path, name] = value
        why = self._why
        if self._file is not None:
            try:
                self.tables, _ = checked(write(self._file, path, name, value))
                del self._unkept[path, name]
                why = ""
            except (OSError, Failure) as error:
                failure = explain(error)
                why = f"{failure.message}; {failure.hint}" if failure.hint else failure.message
        for (table, key), unkept in self._unkept.items():
            if unkept is None:
                self.tables.get(table, {}).pop(key, None)
            else:
                self.tables.setdefault(table, {})[key] = unkept
        self._subscribers = [one for one in self._subscribers if one()]
        for one in self._subscribers:
            if changed := one():
                changed()
        return why

    def keeps(self, path: reading.Path, name: str) -> bool:
        """Whether ``name`` in the table at ``path`` is as in the file."""
        return (path, name) not in self._unkept


class Preferences:
    """The ``settings`` in force in ``room``, entered with ``profile``.

    Options of the command line go first, until they are changed.
    """

    def __init__(self, sources: Sources | None = None, *, profile: str = "default", room: Room = NOWHERE) -> None:
        self.settings = Settings()
        self._from = sources or Sources()
        self._profile = profile
        self._room = room
        self._sources: dict[str, str] = {}
        self._subscribers: list[Callable[[], None]] = []
        self._from.subscribe(self._resolve)
        self._resolve()

    def subscribe(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change."""
        self._subscribers.append(changed)

    def value(self, name: str) -> Value:
        """The value of the setting ``name``."""
        value: Value = getattr(self.settings, name)
        return value

    def source(self, name: str) -> str:
        """Where the value of ``name`` comes from: a table of config.toml, the command line, or ``default``."""
        return self._sources.get(name, "default")

    def table(self, scope: Scope) -> str:
        """The table of config.toml in which a change for ``scope`` is kept."""
        return header(self._path(scope))

    def change(self, name: str, value: Value | None, scope: Scope = "everywhere") -> str:
        """Set ``name`` for ``scope``, or take it back if ``value`` is None; at once, and in config.toml.

        Gives the reason if it can't be kept there, so that it holds until one leaves; empty if it is kept.
        """
        return self._from.change(self._path(scope), name, value)

    def strongest(self, name: str) -> Scope:
        """The scope in which a change of ``name`` is sure to hold here: the profile, unless this room has its own."""
        return "room" if name in self._from.tables.get(self._path("room"), {}) else "profile"

    def _path(self, scope: Scope) -> reading.Path:
        if scope == "everywhere":
            return EVERYWHERE
        if scope == "profile":
            return of_profile(self._profile)
        own = [path for path in self._paths()[2:] if path in self._from.tables]
        return own[-1] if own else of_room(self._room.name or self._room.id)

    def _paths(self) -> list[reading.Path]:
        return paths(self._from.tables, self._profile, self._room)

    def _resolve(self) -> None:
        values: dict[str, Value] = {}
        self._sources = {}
        for path in self._paths():
            for name, value in self._from.tables.get(path, {}).items():
                values[name] = value
                self._sources[name] = header(path) + ("" if self._from.keeps(path, name) else ", until you leave")
        self._sources |= dict.fromkeys(self._from.options, COMMAND_LINE)
        self.settings = Settings(**(values | self._from.options))  # type: ignore[arg-type]  # each was checked
        for changed in self._subscribers:
            changed()
