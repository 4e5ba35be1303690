"""What config.toml says about ``chatty join``: the tables, checked. Pure.

``[join]`` is for all rooms, ``[profile.NAME.join]`` for those that are entered
with a profile, ``[join.room.NAME]`` for one room, by its name or id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from chatty.cli.join.settings.table import Value, find
from chatty.names import same

__all__ = ["EVERYWHERE", "Path", "Room", "Tables", "checked", "header", "of_profile", "of_room", "paths"]

Path = tuple[str, ...]
"""The keys that lead to a table."""
Tables = dict[Path, dict[str, Value]]
"""The settings in each table, as far as they make sense."""

EVERYWHERE: Final[Path] = ("join",)
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


class Room(NamedTuple):
    """A room, as a table may call it."""

    id: str = ""
    name: str = ""


def of_profile(profile: str) -> Path:
    """The table for a profile."""
    return ("profile", profile, "join")


def of_room(room: str) -> Path:
    """The table for a room, by its name or id."""
    return ("join", "room", room)


def header(path: Path) -> str:
    """``path`` as config.toml has it: ``[join.room."a b"]``."""
    keys = (key if _BARE.fullmatch(key) else f'"{key}"' for key in path)
    return f"[{'.'.join(keys)}]"


def paths(tables: Tables, profile: str, room: Room) -> list[Path]:
    """Where settings of ``room`` may be, the most particular last: a room's id says more than its name."""
    named = [path for path in tables if path[:-1] == of_room("")[:-1] and room.name and same(path[-1], room.name)]
    return [EVERYWHERE, of_profile(profile), *named, of_room(room.id)]


def checked(config: Mapping[str, Any]) -> tuple[Tables, list[str]]:
    """The tables of ``config``, and sentences about what in them makes no sense."""
    tables: Tables = {}
    problems: list[str] = []
    for path, table in _found(config, problems):
        settings = tables.setdefault(path, {})
        for key, value in table.items():
            if path == EVERYWHERE and key == "room":
                continue
            try:
                settings[key] = find(key).read(value)
            except ValueError as error:
                problems.append(f'{header(path)}: "{key}" is not understood; {error}')
    return tables, problems


def _found(config: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    places: list[tuple[Path, Any]] = [(EVERYWHERE, config.get("join", {}))]
    for name, profile in _table(config.get("profile")).items():
        places.append((of_profile(name), _table(profile).get("join", {})))
    rooms = _table(config.get("join")).get("room", {})
    if isinstance(rooms, dict):
        places += [(of_room(name), room) for name, room in rooms.items()]
    else:
        problems.append("[join.room] is not understood; rooms look like [join.room.NAME]")
    unknown = [name for name in config if name not in ("join", "profile")]
    problems += [f'table "{name}" is not understood; did you mean [join]?' for name in unknown]
    for path, table in places:
        if isinstance(table, dict):
            yield path, table
        else:
            problems.append(f"{header(path)} is not understood; it is a table")


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
