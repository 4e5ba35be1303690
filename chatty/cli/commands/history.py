"""``chatty history``: prints what was said in a room, or searches it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import advice_on_names, usage
from chatty.cli.options import RoomArgument, at_server, environment, filled
from chatty.cli.targets import RoomTarget, about, resolve_room

if TYPE_CHECKING:
    from chatty.cli.scripting.exporter import Format, Query
    from chatty.protocol import RoomInfo

EXAMPLES: Final = (
    'chatty history deploys --grep "release failed" --since 7d',
    "chatty history deploys --format markdown > deploys.md",
)


class FormatName(StrEnum):
    """How messages are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class HistoryOptions(NamedTuple):
    """The command line, parsed."""

    target: RoomTarget
    words: str | None
    sender: str | None
    since: int | datetime | None
    until: int | datetime | None
    last: int | None
    format: FormatName


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    grep: Annotated[
        str | None,
        typer.Option(
            "--grep",
            metavar="TEXT",
            parser=filled,
            help="Only messages with all of these words, or words that begin so.",
        ),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", metavar="NAME", parser=filled, help="Only messages by NAME.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only from a time on, some time ago (10m), or after event SEQ."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Only before a time, some time ago (10m), or up to event SEQ."),
    ] = None,
    last: Annotated[
        int | None, typer.Option("-n", "--last", metavar="N", min=1, help="Only the newest N of these messages.")
    ] = None,
    format: Annotated[
        FormatName, typer.Option("--format", help="Lines for people, events as on the wire, or a document.")
    ] = FormatName.TEXT,
) -> int:
    """Print what was said in a room, or search it, without joining it.

    The oldest message comes first, and each is printed as it is now. The last
    one is the newest message at the time of the call.
    """
    from chatty.cli.runner import run
    from chatty.cli.scripting.since import parse_since

    env = environment(ctx)
    begin = parse_since(since, env.now()) if since is not None else None
    end = parse_since(until, env.now(), "--until") if until is not None else None
    if _is_before(end, begin):
        raise usage("--until is before --since, so no message can match", "exchange them?")
    target = resolve_room(env, room, at)
    return run(_history(env, HistoryOptions(target, grep, sender, begin, end, last, format)))


def _is_before(one: int | datetime | None, other: int | datetime | None) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one < other
    return isinstance(one, datetime) and isinstance(other, datetime) and one < other


async def _history(env: Environment, options: HistoryOptions) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.scripting.exporter import Progress, export
    from chatty.cli.scripting.standard_streams import Output

    target = options.target
    with Output(env.stdout.fileno()) as out, about(env, target) as news, Progress(env) as progress:
        async with target.http(credential(env, target.profile, target.server)) as http:
            info = await http.room(target.room_id)
            news.found()
            query = _query(env, options, info.last)
            with advice_on_names("write the name as the room shows it: --from NAME"):
                await export(http, info, query, options.last, _format(env, options.format, info), out, progress)
    return ExitStatus.DONE


def _query(env: Environment, options: HistoryOptions, newest: int) -> Query:
    """The messages that the options describe, in a room whose newest event is ``newest``."""
    from chatty.cli.scripting.exporter import Query
    from chatty.cli.scripting.since import ahead_of_newest, looks_like_time

    since, until = options.since, options.until
    if isinstance(since, int) and since > newest:
        raise ahead_of_newest(since, newest)
    if isinstance(until, int) and until > newest:
        if looks_like_time(until):
            raise ahead_of_newest(until, newest, "--until")
        env.err(f"note:  --until: event {until} is ahead of the newest, which is {newest}")
    return Query(
        words=options.words,
        sender=options.sender,
        after=since if isinstance(since, int) else 0,
        since=since if isinstance(since, datetime) else None,
        upto=until if isinstance(until, int) else None,
        until=until if isinstance(until, datetime) else None,
    )


def _format(env: Environment, name: FormatName, info: RoomInfo) -> Format:
    from chatty.cli.scripting.exporter import as_json, as_text
    from chatty.cli.scripting.markdown_document import MarkdownDocument
    from chatty.cli.terminal.plain_lines import plain_for

    if name is FormatName.JSON:
        return as_json
    if name is FormatName.MARKDOWN:
        return MarkdownDocument(info).format
    return as_text(plain_for(env))
