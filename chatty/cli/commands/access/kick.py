"""``chatty kick``: sends somebody out of a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import OfOption, PersonArgument, ReasonOption, RoomArgument, at_server, environment

if TYPE_CHECKING:
    from chatty.cli.access.whom import Whom

EXAMPLES: Final = ("chatty kick deploys Eve --reason spam", "chatty kick deploys --of 42")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    name: PersonArgument = None,
    of: OfOption = None,
    reason: ReasonOption = "",
) -> int:
    """Send somebody out of a room, who may come back. For moderators."""
    from chatty.cli.access.whom import whom
    from chatty.cli.runner import run

    return run(_kick(environment(ctx), whom(at, room, name, of), reason))


async def _kick(env: Environment, who: Whom, reason: str) -> int:
    from chatty.access import NewKick
    from chatty.cli.access.scope import rule

    await rule(env, who.scope, lambda rules: rules.kick(NewKick(who.name, who.of, reason)))
    return ExitStatus.DONE
