"""``chatty tail``: what is said in a room, as lines, from where the last run stopped if it shall."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.options import (
    JsonOption,
    ProfileOption,
    RoomArgument,
    ServerOption,
    WaitOption,
    duration,
    environment,
)
from chatty.cli.targets import RoomTarget, about, resolve_room

if TYPE_CHECKING:
    from chatty.cli.scripting.cursor_file import Position
    from chatty.cli.scripting.follower import Follower, Show
    from chatty.cli.scripting.since import Start
    from chatty.client.states import State

EXAMPLES: Final = (
    "chatty tail deploys --since 1h",
    "chatty tail deploys --json --cursor state | ./bot",
)

LAST = 10
"""Messages shown at first, unless told."""


class TailOptions(NamedTuple):
    """What was asked for on the command line. Times are in seconds."""

    target: RoomTarget
    last: int | None
    since: str | None
    follow: bool
    number: int | None
    timeout: float | None
    cursor: Path | None
    wait: float
    json: bool


def command(
    ctx: typer.Context,
    room: RoomArgument,
    last: Annotated[
        int | None,
        typer.Option("-n", "--last", metavar="N", min=0, help="Begin with the newest N messages. [default: 10]"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="SEQ|TIME", help="Begin after event SEQ, or at a time, or so long ago (10m)."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", "-f", help="Go on with what comes, or end at the present.")
    ] = True,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=1, help="End after N events.")] = None,
    timeout: Annotated[float | None, duration("--timeout", "End with status 5 if it isn't over in time.")] = None,
    cursor: Annotated[
        Path | None,
        typer.Option("--cursor", metavar="FILE", help="Remember in FILE what has gone out, and go on from there."),
    ] = None,
    wait: WaitOption = 0.0,
    server: ServerOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> int:
    """Print what is said in a room, without joining it.

    Reconnects for as long as it takes; nothing is lost or comes twice by
    that. With --cursor a new run goes on where the last one stopped.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    if last is not None and since is not None:
        raise usage("-n and --since are two places to begin at; choose one")
    target = resolve_room(env, room, server=server, profile=profile)
    return run(_tail(env, TailOptions(target, last, since, follow, count, timeout, cursor, wait, json)))


async def _tail(env: Environment, options: TailOptions) -> int:
    import asyncio

    from chatty.cli.scripting.follower import Follower
    from chatty.cli.scripting.streams import Output

    with Output(env.stdout.fileno()) as out:
        follower = Follower(out, _show(env, options), count=options.number, follow=options.follow)
        limit = asyncio.timeout(options.timeout)
        try:
            async with limit:
                await _carry(env, options, follower)
        except TimeoutError:
            if not limit.expired():
                raise
            wanted = f" of {options.number:,}" if options.number else ""
            message = f"it took longer than {options.timeout:g} s: {follower.events:,}{wanted} events have come"
            raise Failure(ExitStatus.UNREACHABLE, "timed_out", message) from None
    return ExitStatus.DONE


async def _carry(env: Environment, options: TailOptions, follower: Follower) -> None:
    from chatty.cli.config import client_key
    from chatty.cli.scripting.cursor_file import CursorFile
    from chatty.cli.scripting.follower import Bookmark
    from chatty.cli.scripting.retry import retry
    from chatty.client.room import join

    target = options.target
    key = client_key(env, target.profile, target.server)
    async with AsyncExitStack() as stack:
        file = stack.enter_context(CursorFile(options.cursor)) if options.cursor else None
        position = file.load_for(target.room_id) if file else None
        stack.enter_context(about(target))
        start: Start | Position | None = position
        if start is None:
            start = await retry(lambda: _start(env, options, key), wait=options.wait, transient=options.wait)
        room = await retry(
            lambda: stack.enter_async_context(
                join(
                    target.server,
                    target.room_id,
                    key=key,
                    participate=False,
                    since=start.seq if start else None,
                    epoch=start.epoch if start else None,
                    last=LAST if options.last is None else options.last,
                    on_state=_state_notes(env),
                )
            ),
            wait=options.wait,
            transient=options.wait,
        )
        bookmark = Bookmark(file, target.room_id, env.stdout.fileno()) if file else None
        if bookmark and position:
            bookmark.restore(position)
        await follower.run(room, bookmark)


async def _start(env: Environment, options: TailOptions, key: str) -> Start | None:
    """Where to begin if no cursor says so; None: at the newest messages, which the server knows."""
    from chatty.cli.scripting.since import Start, before_last, before_moment, parse_since
    from chatty.client.http import Http

    since = None if options.since is None else parse_since(options.since, env.now())
    if isinstance(since, int):
        return Start(since)
    async with Http(options.target.server, key=key) as http:
        if since is not None:
            return await before_moment(http, options.target.room_id, since)
        if options.cursor and options.last:
            return await before_last(http, options.target.room_id, options.last)
    return Start(0) if options.cursor and options.last is None else None


def _show(env: Environment, options: TailOptions) -> Show:
    from chatty.cli.scripting.follower import as_json, as_text
    from chatty.cli.terminal.plain_lines import plain_for

    return as_json if options.json else as_text(env, plain_for(env))


def _state_notes(env: Environment) -> Callable[[State], None]:
    """Tells a person, who would else see nothing, that the connection is lost, and that it is back."""
    from chatty.cli.terminal.cleaning import clean
    from chatty.client.states import Connected, Reconnecting

    lost = False

    def note(state: State) -> None:
        nonlocal lost
        if isinstance(state, Reconnecting) and not lost:
            lost = True
            env.err(f"note:  reconnecting ({clean(state.reason, newlines=False)})")
        elif isinstance(state, Connected) and lost:
            lost = False
            env.err("note:  connected again")

    return note if env.stderr.isatty() else lambda _: None
