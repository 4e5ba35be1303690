"""``chatty bot``: runs a command for each message that matches, and replies with what it prints."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import (
    CommandArgument,
    RoomArgument,
    WaitOption,
    at_server,
    duration,
    environment,
    filled,
    pattern,
)
from chatty.cli.targets import RoomTarget, about, check_may_read, resolve_room, speaking_name

EXAMPLES: Final = (
    "chatty bot deploys --on '^!uptime$' -- uptime",
    "chatty bot deploys --on '^!deploy (.+)' --cursor state --timeout 10m -- ./it",
)


class BotOptions(NamedTuple):
    """The command line, parsed. Times are in seconds."""

    target: RoomTarget
    name: str | None
    pattern: re.Pattern[str]
    command: list[str]
    cursor: Path | None
    jobs: int
    timeout: float
    automatic: bool
    per_minute: int
    authors: tuple[str, ...]
    wait: float


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    cmd: CommandArgument,
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="REGEX",
            parser=filled,
            help="Run the command for each message that matches; . matches all.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", parser=filled, help="The bot's name. [default: bot]"),
    ] = None,
    cursor: Annotated[
        Path | None,
        typer.Option("--cursor", metavar="FILE", help="Remember in FILE what is done, and continue from there."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Run up to N commands at once.")] = 1,
    timeout: Annotated[
        float, duration("--timeout", "Stop a command, and all that it started, after this time. [default: 1m]")
    ] = 60.0,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Also answer programs, until a chain has three messages.")
    ] = False,
    authors: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="NAME",
            parser=filled,
            help="Only messages of NAME count. May be repeated.",
            show_default=False,
        ),
    ] = None,
    per_minute: Annotated[
        int,
        typer.Option("--per-minute", metavar="N", min=1, help="Reply at most N times per minute; more wait."),
    ] = 60,
    wait: WaitOption = 0.0,
) -> int:
    """Run a command for matching messages, and reply with its output.

    The command gets the message on its standard input and in CHATTY_TEXT,
    never in its arguments. The bot skips its own messages, and those of other
    programs, so that bots don't answer each other forever. With --cursor,
    restarts miss no message and reply to none twice.
    """
    from chatty.cli.runner import run
    from chatty.cli.scripting.processes.starting import cannot_start, why_not

    env = environment(ctx)
    expression = pattern("--on", on)
    error = why_not(cmd[0], env.environ)
    if error:
        raise cannot_start(cmd[0], error)
    target = resolve_room(env, room, at)
    options = BotOptions(
        target, name, expression, cmd, cursor, jobs, timeout, automatic, per_minute, tuple(authors or ()), wait
    )
    return run(_bot(env, options))


async def _bot(env: Environment, options: BotOptions) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.scripting.bot import Bot, Trigger
    from chatty.cli.scripting.cursor_file import CursorFile
    from chatty.cli.scripting.retry import retry
    from chatty.client.identity import new_secret

    target = options.target
    key = credential(env, target.profile, target.server, lasting=options.cursor is not None)
    async with AsyncExitStack() as stack:
        file = stack.enter_context(CursorFile(options.cursor)) if options.cursor else None
        saved = file.load_for(target.room_id) if file else None
        news = stack.enter_context(about(env, target))
        room = await retry(
            lambda: stack.enter_async_context(target.read(key, saved.position if saved else None)),
            wait=options.wait,
        )
        news.found()
        check_may_read(room)
        name = await retry(lambda: speaking_name(env, target, key, options.name, default="bot"), wait=options.wait)
        http = await stack.enter_async_context(target.http(key))
        identity = str(options.cursor.resolve()) if options.cursor else new_secret()
        trigger = Trigger(
            options.pattern, options.command, options.jobs, options.timeout, options.automatic, options.per_minute,
            options.authors,
        )  # fmt: skip
        await Bot(env, target, name, trigger, http, identity=identity, file=file).run(room)
        if room.closed:
            news.closed()
    return ExitStatus.DONE
