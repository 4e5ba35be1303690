"""``chatty unban``: ends bans."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.options import PersonArgument, PlaceArgument, ServerWideOption, at_server, environment

EXAMPLES: Final = ("chatty unban deploys Eve",)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: PlaceArgument = None,
    name: PersonArgument = None,
    server_wide: ServerWideOption = False,
) -> int:
    """Let somebody in again who was banned. For moderators."""
    from chatty.cli.access.whom import lift, whom
    from chatty.cli.runner import run

    return run(lift(environment(ctx), "ban", whom(at, room, name, None, server_wide=server_wide)))
