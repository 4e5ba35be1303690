"""``chatty run``: runs a command, and reports it to a room."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, explain
from chatty.cli.options import (
    CommandArgument,
    NameOption,
    RoomArgument,
    at_server,
    environment,
    filled,
    pattern,
)
from chatty.cli.targets import RoomTarget, about, resolve_room, speaking_name
from chatty.cli.terminal.cleaning import clean

if TYPE_CHECKING:
    import asyncio

    from chatty.cli.scripting.processes.child import Ending
    from chatty.cli.scripting.progress import Progress

_PATIENCE: Final = 5.0
"""Seconds that the last report may take after the command has ended."""


EXAMPLES: Final = (
    "chatty run deploys -- make release",
    "chatty run backups --only-failures -- /usr/local/bin/backup",
    "chatty run deploys --redact 'token=[^ ]+' -- ./deploy --to production",
)


class RunOptions(NamedTuple):
    """The command line, parsed. ``target`` is the room, or why there is none to report to."""

    target: RoomTarget | Failure
    name: str | None
    command: list[str]
    only_failures: bool
    quiet: bool
    patterns: list[re.Pattern[str]]


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    cmd: CommandArgument,
    only_failures: Annotated[
        bool, typer.Option("--only-failures", help="Post nothing unless the command fails.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Post nothing of the command's output.")] = False,
    redact: Annotated[
        list[str] | None,
        typer.Option(
            "--redact",
            metavar="REGEX",
            parser=filled,
            help="Replace matches in the output by REDACTED. May be repeated.",
            show_default=False,
        ),
    ] = None,
    name: NameOption = None,
) -> int:
    """Run a command, and report to a room how it goes and how it ends.

    It exits as the command does, with the same status or by the same signal.
    The command keeps its input and output; it never waits for the room, nor
    fails because of it.
    """
    from chatty.cli.runner import run_plainly

    env = environment(ctx)
    patterns = [pattern("--redact", text) for text in redact or ()]
    target = _target(env, room, at)
    options = RunOptions(target, name, cmd, only_failures, quiet, patterns)
    ending = run_plainly(_run(env, options))
    if ending.signal:
        from chatty.cli.scripting.processes.child import die_of

        return die_of(ending.signal)
    return ending.status or int(ending.failed)


def _target(env: Environment, room: str, at: ServerChoice) -> RoomTarget | Failure:
    """The room, or why there is none. The command runs in any case: files and lists can change after it was set up."""
    try:
        return resolve_room(env, room, at)
    except (Failure, OSError) as error:
        return explain(error)


async def _run(env: Environment, options: RunOptions) -> Ending:
    import asyncio

    from chatty.cli.scripting.processes.child import Child
    from chatty.cli.scripting.progress import Progress

    progress = Progress(options.patterns)
    child = Child(env, options.command, None if options.quiet else progress.seen)
    reports: list[asyncio.Task[None]] = []
    ending = await child.run(lambda: reports.append(asyncio.create_task(_report(env, options, progress))))
    progress.end(ending)
    if ending.error:
        env.err(f"error: {options.command[0]}: {ending.error}")
    if ending.lost:
        env.err(f"error: cannot pass on what the command prints ({ending.lost})")
    await _finish(env, reports[0] if reports else asyncio.create_task(_report(env, options, progress)), child.hurried)
    return ending


async def _report(env: Environment, options: RunOptions, progress: Progress) -> None:
    import asyncio
    from importlib import import_module

    from chatty.cli.credentials import credential
    from chatty.cli.scripting.last_lines import command_line

    if options.only_failures:
        await progress.ended.wait()
        if progress.ending and not progress.ending.failed:
            return
    if isinstance(options.target, Failure):
        raise options.target
    # Libraries take a moment to load; meanwhile the output of the command must not wait.
    for module in ("aiohttp", "chatty.cli.scripting.reporter"):
        await asyncio.to_thread(import_module, module)
    from chatty.cli.scripting.reporter import Reporter
    from chatty.cli.scripting.retry import retry

    target = options.target
    key = credential(env, target.profile, target.server)
    line = command_line(options.command, options.patterns)
    async with target.http(key) as http:
        with about(env, target):
            name = await retry(lambda: speaking_name(env, target, key, options.name))
            reporter = Reporter(http, target.room_id, name, line, progress, from_the_start=not options.only_failures)
            await reporter.run()


async def _finish(env: Environment, report: asyncio.Task[None], hurried: asyncio.Event) -> None:
    """Wait a moment for the last report, and print a note if it fails."""
    import asyncio

    hurry = asyncio.create_task(hurried.wait())
    await asyncio.wait([report, hurry], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not report.done():
        report.cancel()
        await asyncio.wait([report])
    why = "no answer in time"
    if not report.cancelled():
        error = report.exception()
        if error is None:
            return
        if not isinstance(error, Exception):
            raise error
        why = explain(error).message
    env.err(f"note:  the room was not told how it ended ({clean(why, newlines=False)})")
