"""``chatty ban``: keeps somebody out."""

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

EXAMPLES: Final = (
    "chatty ban deploys Eve --for 1d --reason spam",
    "chatty ban deploys --of 42 --messages delete",
    "chatty ban --server-wide Eve",
)


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
    """Keep somebody out of a room, or out of the server.

    Their connections end at once. It says by what they are recognized. For moderators.
    """
    from chatty.cli.access.whom import restrict, whom
    from chatty.cli.runner import run

    who = whom(at, room, name, of, server_wide=server_wide)
    return run(restrict(environment(ctx), "ban", who, time, reason, delete=messages == "delete"))
