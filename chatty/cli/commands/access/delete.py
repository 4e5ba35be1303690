"""``chatty delete``: deletes what others wrote."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.failures import usage
from chatty.cli.options import ReasonOption, RoomArgument, at_server, environment

EXAMPLES: Final = (
    "chatty delete deploys 42 43",
    "chatty delete deploys --from Eve --since 10m",
    "chatty delete deploys --ban 49lYACzEPSPa",
)

MOST_NUMBERS: Final = 1_000


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[SEQ]...", min=1, help="Numbers of messages.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="All that were written under this name.")
    ] = None,
    of: Annotated[
        int | None, typer.Option("--of", metavar="SEQ", min=1, help="All by the author of this message.")
    ] = None,
    ban: Annotated[
        str | None,
        typer.Option("--ban", metavar="ID", help="All by those whom a ban or a mute concerns, as `ban` says."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only those since then: 10m, or a time.")
    ] = None,
    reason: ReasonOption = "",
) -> int:
    """Delete messages of others, from every file of the server.

    Those of people with your own role or a higher one are kept. For moderators.
    """
    from chatty.access import NewDeletion
    from chatty.cli.access.deletion import delete
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run

    env = environment(ctx)
    if sum(map(bool, (numbers, name, of, ban))) != 1:
        raise usage("say which messages: by their numbers, or by one of --from, --of and --ban")
    if numbers and since:
        raise usage("--since is for all messages of somebody, not for single ones", "leave it out")
    if numbers and len(numbers) > MOST_NUMBERS:
        raise usage(f"these are {len(numbers):,} messages; {MOST_NUMBERS:,} are the most at a time")
    new = NewDeletion(numbers or [], name or "", of or 0, ban or "", _moment(env, since), reason=reason)
    return run(delete(env, Scope(at, room), new))


def _moment(env: Environment, since: str | None) -> str | None:
    from datetime import datetime

    from chatty.cli.scripting.since import parse_since

    if since is None:
        return None
    moment = parse_since(since, env.now())
    if not isinstance(moment, datetime):
        raise usage(f"--since takes a time here, and {since} is the number of an event", "for example --since 10m")
    return moment.isoformat()
