"""``chatty serve``: a server. Its options are the server's own table of settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from chatty.cli.failures import usage
from chatty.server.settings import SETTINGS, Settings

EXAMPLES: Final = (
    "chatty serve --room general",
    "chatty serve --port 9000 --data /var/lib/chatty --retain-age 30d",
)

_METAVARS: Final = {str: "TEXT", int: "N", float: "N", Path: "DIRECTORY"}


def command(**given: Any) -> int:
    """Run a server until it is told to stop, by SIGTERM or Ctrl-C."""
    from chatty.server.app import SettingError, run

    rooms = given.pop("room")
    try:
        return run(Settings(**given), rooms=rooms or [])
    except SettingError as error:
        raise usage(str(error), error.hint) from None


def _parameters() -> Iterator[inspect.Parameter]:
    for setting in SETTINGS:
        dashed = setting.name.replace("_", "-")
        option = typer.Option(
            f"--{dashed}/--no-{dashed}" if setting.type is bool else f"--{dashed}",
            envvar=f"CHATTY_{setting.name.upper()}",
            metavar=_METAVARS.get(setting.type),
            help=setting.help,
            show_default=setting.default != "",
        )
        yield _parameter(setting.name, Annotated[setting.type, option], setting.default)
    what = "Create a room of this name unless it is there, and say how to join it. May be repeated."
    yield _parameter("room", Annotated[list[str] | None, typer.Option("--room", metavar="NAME", help=what)], None)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


# Typer reads a command's options from its signature.
_signature = inspect.Signature(list(_parameters()))
command.__signature__ = _signature  # type: ignore[attr-defined]
command.__annotations__ = {name: parameter.annotation for name, parameter in _signature.parameters.items()}
