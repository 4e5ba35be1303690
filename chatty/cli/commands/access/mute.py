"""``chatty mute``: lets somebody read, but not speak."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.options import (
    ForOption,
    MessagesOption,
    OfOption,
    PersonArgument,
    PlaceArgument,
    ReasonOption,
    ServerWideOption,
    at_server,
    environment,
)

EXAMPLES: Final = ("chatty mute deploys Eve --for 1d --reason spam", "chatty mute --server-wide Eve")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: PlaceArgument = None,
    name: PersonArgument = None,
    of: OfOption = None,
    time: ForOption = None,
    reason: ReasonOption = "",
    messages: MessagesOption = "keep",
    server_wide: ServerWideOption = False,
) -> int:
    """Let somebody read a room, or all rooms, but not speak.

    They stay where they are. It says by what they are recognized. For moderators.
    """
    from chatty.cli.access.whom import restrict, whom
    from chatty.cli.runner import run

    who = whom(at, room, name, of, server_wide=server_wide)
    return run(restrict(environment(ctx), "mute", who, time, reason, delete=messages == "delete"))
