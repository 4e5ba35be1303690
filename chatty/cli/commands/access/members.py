"""``chatty members``: lists who has which role, and who is banned or muted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import JsonOption, OperatorOption, OptionalRoomArgument, at_server, environment

if TYPE_CHECKING:
    from chatty.access import Members, RestrictionInfo
    from chatty.cli.access.scope import Scope
    from chatty.client.rules import Rules

EXAMPLES: Final = ("chatty members deploys", "chatty members --data /var/lib/chatty")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: OptionalRoomArgument = None,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """List who has a role of their own in a room, or on the server.

    The last lines are the role of all others, as *, and those who are banned
    or muted. For moderators.
    """
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run

    return run(_members(environment(ctx), Scope(at, room, data), as_json=json))


async def _members(env: Environment, scope: Scope, *, as_json: bool) -> int:
    from chatty.cli.access.scope import rule
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    async def both(rules: Rules) -> tuple[Members, list[RestrictionInfo]]:
        return await rules.members(), await rules.restrictions()

    members, restrictions = await rule(env, scope, both)
    if as_json:
        for one in (*members.members, {"everyone": members.everyone}, *restrictions):
            env.out(encode(one).decode())
    else:
        print_rows(env, list(_rows(members, restrictions)))
    return ExitStatus.DONE


def _rows(members: Members, restrictions: list[RestrictionInfo]) -> Iterator[tuple[str, str, str]]:
    from chatty.cli.terminal.moments import until

    for member in members.members:
        by = "created it" if member.by == "created" else f"by {member.by}"
        notes = [note for note in (until(member.until), by) if note]
        yield member.name or member.identity, member.role, ", ".join(notes)
    yield "*", members.everyone, "everybody else"
    for one in restrictions:
        notes = [note for note in (until(one.until), f"by {one.by}", one.reason) if note]
        yield one.name, "banned" if one.act == "ban" else "muted", ", ".join(notes)
