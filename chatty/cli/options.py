"""The options and arguments that several commands share, each described once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.failures import usage
from chatty.durations import parse_duration

__all__ = [
    "BackupArgument",
    "CommandArgument",
    "DataOption",
    "ForOption",
    "JsonOption",
    "NameOption",
    "OfOption",
    "OperatorOption",
    "OptionalRoomArgument",
    "PersonArgument",
    "PlaceArgument",
    "ReasonOption",
    "RoomArgument",
    "ServerWideOption",
    "TokensOption",
    "WaitOption",
    "at_server",
    "duration",
    "environment",
    "filled",
    "known_room_names",
    "pattern",
    "seconds",
    "text_of",
]


def environment(ctx: typer.Context) -> Environment:
    """The Environment of a command."""
    env = ctx.obj
    assert isinstance(env, Environment)
    return env


def seconds(text: str | float) -> float:
    """A length of time in seconds, as in ``30s``. Raises BadParameter for anything else."""
    if isinstance(text, float):  # an option's default
        return text
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def duration(option: str, help: str) -> Any:
    """An option that takes a length of time; its value is in seconds. ``help`` names the default, if there is one."""
    return typer.Option(option, metavar="TIME", parser=seconds, show_default=False, help=help)


def filled(text: str) -> str:
    """A text that isn't blank. Raises BadParameter: a script's variable that is not set must not pass for a value."""
    text.encode()  # UnicodeEncodeError is a ValueError, which the command line's parsing expects
    if not text.strip():
        raise typer.BadParameter("it is empty; if it comes from a variable, is that set?")
    return text


def pattern(option: str, text: str) -> re.Pattern[str]:
    """The regular expression that ``option`` gives. Raises Failure (usage)."""
    try:
        return re.compile(text)
    except re.error as error:
        hint = "its form is Python's: https://docs.python.org/3/library/re.html"
        raise usage(f'{option}: "{text}" is not a regular expression ({error})', hint) from None


def text_of(words: list[str] | None) -> str | None:
    """The arguments as one text, or None without any. Bytes that are not UTF-8 are replaced."""
    from chatty.cli.terminal.cleaning import as_utf8

    return as_utf8(" ".join(words)) if words else None


# For the shell's completion, which never asks a server.


def known_room_names(ctx: typer.Context) -> list[str]:
    """The names of the open rooms on this user's list, for a shell to complete."""
    from chatty.cli.room_list import open_rooms

    return sorted({room.name for room in open_rooms(environment(ctx))})


def _servers(ctx: typer.Context) -> list[str]:
    from chatty.cli.room_list import known_rooms

    return sorted({room.server for room in known_rooms(environment(ctx))})


def _profiles(ctx: typer.Context) -> list[str]:
    from chatty.cli.config import profiles

    return sorted(profiles(environment(ctx)))


RoomArgument = Annotated[
    str,
    typer.Argument(
        metavar="ROOM",
        parser=filled,
        help="A room's id or URL, or the name of a room that you created or joined.",
        autocompletion=known_room_names,
        show_default=False,
    ),
]


def _optional_room(help: str) -> Any:
    return typer.Argument(metavar="ROOM", parser=filled, help=help, autocompletion=known_room_names, show_default=False)


OptionalRoomArgument = Annotated[str | None, _optional_room("A room's id, URL or name. [default: the server itself]")]
PlaceArgument = Annotated[str | None, _optional_room("A room's id, URL or name; with --server-wide, none.")]
_ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        parser=filled,
        help="The server's address, or URL,URL,… for a cluster's nodes. [env: CHATTY_SERVER; default: http://127.0.0.1:8080]",
        autocompletion=_servers,
    ),
]
_ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        parser=filled,
        help="A profile of config.toml. [env: CHATTY_PROFILE]",
        autocompletion=_profiles,
    ),
]
_CacertOption = Annotated[
    Path | None,
    typer.Option(
        "--cacert",
        metavar="FILE",
        help="Trust only servers that an authority in this PEM file vouches for. [env: CHATTY_CACERT]",
        show_default=False,
    ),
]
_TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Read your token from FILE, again whenever it is refused. [env: CHATTY_TOKEN_FILE]",
        show_default=False,
    ),
]
_InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Send a token to another machine even if it is not encrypted.")
]
DataOption = Annotated[
    Path, typer.Option("--data", envvar="CHATTY_DATA", metavar="DIRECTORY", help="The server's data directory.")
]
BackupArgument = Annotated[
    Path, typer.Argument(metavar="BACKUP", help="The backup: a copy of the database.", show_default=False)
]
TokensOption = Annotated[
    Literal["keep", "revoke"] | None,
    typer.Option(
        help="Revoke all tokens and invitations of the backup, or keep them. Without this, those stay revoked that"
        " are by now.",
        show_default=False,
    ),
]
LogOption = Annotated[
    str,
    typer.Option("--log", envvar="CHATTY_LOG", metavar="TEXT", help="The cluster's servers of NATS, or say --peers."),
]
PeersOption = Annotated[
    str,
    typer.Option(
        "--peers", envvar="CHATTY_PEERS", metavar="NAME=HOST,...", help="All machines, as for chatty cluster serve."
    ),
]
SecretFileOption = Annotated[
    str,
    typer.Option(
        "--secret-file", envvar="CHATTY_SECRET_FILE", metavar="FILE", help="A file with the cluster's secret."
    ),
]
ReplicasOption = Annotated[
    int,
    typer.Option("--replicas", envvar="CHATTY_REPLICAS", metavar="N", help="How many servers of NATS keep the log."),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        parser=filled,
        help="Your name in the room. [env: CHATTY_NAME; default: your login name]",
    ),
]
CommandArgument = Annotated[
    list[str], typer.Argument(metavar="-- CMD", help="The command and its arguments.", show_default=False)
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object per line; also for errors, on standard error.")
]
WaitOption = Annotated[float, duration("--wait", "Wait up to this long for the server to be reachable.")]
OperatorOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIRECTORY",
        help="Be the operator of the server whose data is here, whether it runs or not.",
        show_default=False,
    ),
]

PersonArgument = Annotated[
    str | None, typer.Argument(metavar="NAME", parser=filled, help="Their name.", show_default=False)
]
OfOption = Annotated[
    int | None,
    typer.Option("--of", metavar="N", min=1, help="In place of NAME: the author of message number N."),
]
ForOption = Annotated[float | None, duration("--for", "For this time: 30m, 1d … [default: for good]")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the members and the audit log.", show_default=False)
]
MessagesOption = Annotated[
    Literal["keep", "delete"], typer.Option("--messages", help="Whether what they wrote in the room stays.")
]
ServerWideOption = Annotated[
    bool, typer.Option("--server-wide", help="On the whole server, for administrators; without ROOM.")
]

_AT_SERVER: dict[str, Any] = {
    "server": _ServerOption,
    "profile": _ProfileOption,
    "cacert": _CacertOption,
    "token_file": _TokenFileOption,
    "insecure": _InsecureOption,
}


ServerArgument = Annotated[
    str | None, typer.Argument(metavar="SERVER", parser=filled, help="The same as --server.", show_default=False)
]
"""The server that a command is about that has no ROOM."""


def at_server(command: Callable[..., int]) -> Callable[..., int]:
    """Give ``command`` the options of a `ServerChoice` in the place of its parameter ``at``, which gets them as one."""

    @wraps(command)
    def with_options(**given: Any) -> int:
        at = ServerChoice(**{name: given.pop(name) for name in _AT_SERVER})
        return command(at=at, **given)

    annotations = get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(annotation=annotations[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != "at"
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_AT_SERVER[name])
        for name, default in ServerChoice._field_defaults.items()
    ]
    end = len(own) - (own[-1].name == "json")
    signature = inspect.Signature([*own[:end], *shared, *own[end:]])
    with_options.__signature__ = signature  # type: ignore[attr-defined]  # Typer reads the options from it
    with_options.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return with_options
