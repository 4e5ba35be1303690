"""A server as a command runs it: its options, which come from the table of settings, and its user's list of rooms."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, explain
from chatty.server.settings import SETTINGS

if TYPE_CHECKING:
    from chatty.server.announcement import NamedRoom

__all__ = ["RoomList", "with_settings", "without_rich"]

_METAVARS: Final = {str: "TEXT", int: "N", float: "N", Path: "DIRECTORY", Path | None: "FILE"}


class RoomList:
    """This user's room list, for the server that the user runs."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def owner_token(self, room_id: str) -> str | None:
        """The token of a room's owner, if this user created the room. A list that can't be read has none."""
        from chatty.cli.room_list import known_rooms

        try:
            known = known_rooms(self._env)
        except (OSError, Failure):  # `remember` says so
            return None
        return next((room.owner_token for room in known if room.id == room_id and room.owner_token), None)

    def remember(self, room: NamedRoom) -> str:
        """Keep ``room`` among this user's rooms. Gives the reason if that isn't possible."""
        from chatty.cli.room_list import KnownRoom, remember

        try:
            remember(self._env, KnownRoom(room.id, room.name, room.server, room.owner_token, since=self._env.now()))
        except (OSError, Failure) as error:
            return explain(error).message
        return ""

    def rooms_at(self, server: str) -> list[str]:
        """The ids of the rooms that this user knows at ``server``."""
        from chatty.cli.room_list import known_rooms

        try:
            return [room.id for room in known_rooms(self._env) if room.is_at(server)]
        except (OSError, Failure):
            return []

    def note_gone(self, room_id: str, server: str) -> None:
        """The room no longer exists."""
        from chatty.cli.room_list import note_gone

        note_gone(self._env, room_id, server)


@contextmanager
def without_rich() -> Iterator[None]:
    """Where a server's modules are imported: structlog would load rich, too, for tracebacks that a server doesn't draw.

    That would be a sixth of the time in which a server starts.
    """
    hidden = sys.modules.setdefault("rich", None) is None  # type: ignore[arg-type]  # so Python marks what can't be had
    try:
        yield
    finally:
        if hidden:
            del sys.modules["rich"]


def with_settings(*, but: Collection[str] = ()) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command all settings ``but`` some as options, and ``--room``, after its own. It gets them by name."""

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [
            parameter
            for parameter in inspect.signature(command, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        # Typer reads a command's options from its signature.
        signature = inspect.Signature([*own, *_parameters(but)])
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        return command

    return decorate


def _parameters(but: Collection[str]) -> Iterator[inspect.Parameter]:
    for setting in SETTINGS:
        if setting.name in but:
            continue
        option = typer.Option(
            setting.option,
            envvar=setting.variable,
            metavar=_METAVARS.get(setting.type),
            help=setting.help,
            show_default=setting.default not in ("", None),
        )
        yield _parameter(setting.name, Annotated[setting.type, option], setting.default)
    what = "Create your room of this name unless it exists, and say how to join it. May be repeated."
    yield _parameter("room", Annotated[list[str] | None, typer.Option("--room", metavar="NAME", help=what)], None)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
