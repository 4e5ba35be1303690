"""``chatty history``: what was said in a room, searched or whole, for people and for pipes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import advice_on_names
from chatty.cli.options import ProfileOption, RoomArgument, ServerOption, environment
from chatty.cli.targets import RoomTarget, about, resolve_room

if TYPE_CHECKING:
    from chatty.cli.scripting.exporter import Query, Show
    from chatty.protocol import RoomInfo

EXAMPLES: Final = (
    'chatty history deploys --grep "release failed" --since 7d',
    "chatty history deploys --format markdown > deploys.md",
)


class Format(StrEnum):
    """How messages are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class HistoryOptions(NamedTuple):
    """What was asked for on the command line."""

    target: RoomTarget
    words: str | None
    sender: str | None
    since: str | None
    until: str | None
    last: int | None
    format: Format


def command(
    ctx: typer.Context,
    room: RoomArgument,
    grep: Annotated[
        str | None,
        typer.Option("--grep", metavar="TEXT", help="Only messages with all of these words, or beginnings of words."),
    ] = None,
    sender: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Only what NAME said.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only from a time on, or so long ago (10m), or after event SEQ."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Only before a time, or so long ago (10m), or up to event SEQ."),
    ] = None,
    last: Annotated[
        int | None, typer.Option("-n", "--last", metavar="N", min=1, help="Only the newest N of these messages.")
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="Lines for people, events as on the wire, or a document.")
    ] = Format.TEXT,
    server: ServerOption = None,
    profile: ProfileOption = None,
) -> int:
    """Print what was said in a room, or search it, without joining it.

    The oldest message comes first, each as it is now. It ends with what
    was the newest one when it began.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    target = resolve_room(env, room, server=server, profile=profile)
    return run(_history(env, HistoryOptions(target, grep, sender, since, until, last, format)))


async def _history(env: Environment, options: HistoryOptions) -> int:
    from chatty.cli.config import client_key
    from chatty.cli.scripting.exporter import Progress, export
    from chatty.cli.scripting.streams import Output
    from chatty.client.http import Http

    query = _query(env, options)
    target = options.target
    with Output(env.stdout.fileno()) as out, about(target), Progress(env) as progress:
        async with Http(target.server, key=client_key(env, target.profile, target.server)) as http:
            info = await http.room(target.room_id)
            with advice_on_names("write the name as the room shows it: --from NAME"):
                await export(http, info, query, options.last, _show(env, options.format, info), out, progress)
    return ExitStatus.DONE


def _query(env: Environment, options: HistoryOptions) -> Query:
    from chatty.cli.scripting.exporter import Query
    from chatty.cli.scripting.since import parse_since

    since = parse_since(options.since, env.now()) if options.since is not None else 0
    until = parse_since(options.until, env.now(), "--until") if options.until is not None else None
    return Query(
        words=options.words,
        sender=options.sender,
        after=since if isinstance(since, int) else 0,
        since=None if isinstance(since, int) else since,
        upto=until if isinstance(until, int) else None,
        until=None if isinstance(until, int) else until,
    )


def _show(env: Environment, format: Format, info: RoomInfo) -> Show:
    from chatty.cli.scripting.exporter import Document, as_json, as_text
    from chatty.cli.terminal.plain_lines import plain_for

    if format is Format.JSON:
        return as_json
    if format is Format.MARKDOWN:
        return Document(info).show
    return as_text(plain_for(env))
