"""``chatty tail``: prints what is said in a room, and can continue where the last run stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, Self

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.options import (
    JsonOption,
    RoomArgument,
    WaitOption,
    at_server,
    duration,
    environment,
)
from chatty.cli.targets import RoomTarget, about, check_may_read, resolve_room

if TYPE_CHECKING:
    from chatty.cli.scripting.follower import Follower, Format
    from chatty.client.identity import Credential
    from chatty.client.states import State
    from chatty.events import StreamPosition

EXAMPLES: Final = (
    "chatty tail deploys --since 1h",
    "chatty tail deploys --json --cursor state | ./bot",
)

LAST = 10
"""How many messages are printed first, unless an option says otherwise."""


class TailOptions(NamedTuple):
    """The command line, parsed. Times are in seconds."""

    target: RoomTarget
    last: int | None
    since: int | datetime | None
    follow: bool
    messages: bool
    limit: int | None
    timeout: float | None
    cursor: Path | None
    wait: float
    json: bool


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    last: Annotated[
        int | None,
        typer.Option("-n", "--last", metavar="N", min=0, help="Begin with the newest N messages. [default: 10]"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="SEQ|TIME", help="Begin after event number SEQ, at a time, or some time ago (10m)."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", "-f", help="Keep printing new events, or stop at the newest.")
    ] = True,
    messages: Annotated[
        bool, typer.Option("--messages", help="Print and count messages only: no joins, edits or reactions.")
    ] = False,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=1, help="Exit after N events.")] = None,
    timeout: Annotated[float | None, duration("--timeout", "Give up with status 5 after this time.")] = None,
    cursor: Annotated[
        Path | None,
        typer.Option("--cursor", metavar="FILE", help="Remember in FILE what was printed, and continue from there."),
    ] = None,
    wait: WaitOption = 0.0,
    json: JsonOption = False,
) -> int:
    """Print what is said in a room, without joining it.

    It reconnects by itself, and nothing is lost or repeated by that. With
    --cursor, a new run continues where the last one stopped.
    """
    from chatty.cli.runner import run
    from chatty.cli.scripting.since import parse_since

    env = environment(ctx)
    if last is not None and since is not None:
        raise usage("-n and --since both say where to begin", "choose one of them")
    start = None if since is None else parse_since(since, env.now())
    target = resolve_room(env, room, at)
    return run(_tail(env, TailOptions(target, last, start, follow, messages, count, timeout, cursor, wait, json)))


async def _tail(env: Environment, options: TailOptions) -> int:
    import asyncio

    from chatty.cli.scripting.follower import Follower, is_durable, is_message
    from chatty.cli.scripting.standard_streams import Output

    terminal = _Terminal(env, options)
    with Output(env.stdout.fileno()) as out, terminal:
        follower = Follower(
            out,
            _format(env, options, terminal),
            counts=is_message if options.messages else is_durable,
            count=options.limit,
            follow=options.follow,
            row=terminal.row,
        )
        limit = asyncio.timeout(options.timeout)
        try:
            async with limit:
                await _follow(env, options, follower, terminal)
        except TimeoutError:
            if not limit.expired():
                raise
            wanted = f" of {options.limit:,}" if options.limit else ""
            kind = "messages" if options.messages else "events"
            message = f"time is up after {options.timeout:g} s: {follower.printed:,}{wanted} {kind} came"
            raise Failure(ExitStatus.UNREACHABLE, "timed_out", message) from None
    return ExitStatus.DONE


async def _follow(env: Environment, options: TailOptions, follower: Follower, terminal: _Terminal) -> None:
    from chatty.cli.credentials import credential
    from chatty.cli.scripting.bookmark import Bookmark
    from chatty.cli.scripting.cursor_file import CursorFile
    from chatty.cli.scripting.retry import retry

    target = options.target
    key = credential(env, target.profile, target.server)
    async with AsyncExitStack() as stack:
        file = stack.enter_context(CursorFile(options.cursor)) if options.cursor else None
        saved = file.load_for(target.room_id) if file else None
        news = stack.enter_context(about(env, target))
        start: StreamPosition | None
        if saved:
            start = saved.position
        else:
            start = await retry(lambda: _start(env, options, key), wait=options.wait, transient=options.wait)
        bookmark = None
        if file:
            bookmark = Bookmark(file, target.room_id, env.stdout.fileno(), lambda text: env.err(f"note:  {text}"))
            start = bookmark.recover(saved) if saved else start
        room = await retry(
            lambda: stack.enter_async_context(
                target.read(
                    key,
                    start,
                    last=LAST if options.last is None else options.last,
                    on_state=_state_notes(env, terminal.note),
                )
            ),
            wait=options.wait,
            transient=options.wait,
        )
        news.found()
        check_may_read(room)
        await follower.run(room, bookmark)
        if room.closed:
            news.closed()


async def _start(env: Environment, options: TailOptions, key: Credential) -> StreamPosition | None:
    """Where to begin without a saved position; None: at the newest messages, which the server knows."""
    from chatty.cli.scripting.since import ahead_of_newest, before_last, before_moment
    from chatty.events import StreamPosition

    if options.since is None and not (options.cursor and options.last):
        return StreamPosition("", 0) if options.cursor and options.last is None else None
    room_id, since = options.target.room_id, options.since
    async with options.target.http(key) as http:
        if since is None:
            assert options.last is not None
            return await before_last(http, room_id, options.last)
        if not isinstance(since, int):
            if since.timestamp() > env.now():
                env.err(f"note:  {since.isoformat()} is in the future")
            return await before_moment(http, room_id, since)
        room = await http.room(room_id)
        if since > room.last:
            raise ahead_of_newest(since, room.last)
        return StreamPosition(room.epoch, since)


class _Terminal:
    """The terminal that standard output is. Its last ``row`` changes while a message is edited; None if none does.

    As a context manager around the work, it leaves the row as a line.
    """

    def __init__(self, env: Environment, options: TailOptions) -> None:
        self.row: LiveRow | None = None
        self._env = env
        changes = env.stdout.isatty() and env.environ.get("TERM") != "dumb"
        if changes and options.follow and not options.json and not options.messages:
            import asyncio

            from chatty.cli.scripting.live_row import LiveRow
            from chatty.cli.terminal.folding import columns_of
            from chatty.cli.terminal.plain_lines import plain_for

            clock = asyncio.get_running_loop().time
            self.row = LiveRow(plain_for(env, brief=True), clock=clock, columns=lambda: columns_of(env.stdout))

    def note(self, text: str) -> None:
        """Write ``text`` to standard error, on a row of its own."""
        self._write(self.row.lift() if self.row else "")
        self._env.err(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self.row.last() if self.row else "")

    def _write(self, text: str) -> None:
        if text:
            with suppress(OSError):  # the terminal is gone
                self._env.stdout.write(text)
                self._env.stdout.flush()


def _format(env: Environment, options: TailOptions, terminal: _Terminal) -> Format:
    from chatty.cli.scripting.follower import as_json, as_live_text, as_text, messages_only
    from chatty.cli.terminal.plain_lines import plain_for

    if terminal.row:
        return as_live_text(terminal.note, terminal.row)
    form = as_json if options.json else as_text(env, plain_for(env))
    return messages_only(env, form) if options.messages else form


def _state_notes(env: Environment, tell: Callable[[str], None]) -> Callable[[State], None]:
    """Tell a person, who would otherwise see nothing, that the connection is lost, and that it is back."""
    from chatty.cli.terminal.cleaning import clean
    from chatty.client.states import Connected, Reconnecting

    lost = False

    def note(state: State) -> None:
        nonlocal lost
        if isinstance(state, Reconnecting) and not lost:
            lost = True
            tell(f"note:  reconnecting ({clean(state.reason, newlines=False)})")
        elif isinstance(state, Connected) and lost:
            lost = False
            tell("note:  connected again")

    return note if env.stderr.isatty() else lambda _: None
