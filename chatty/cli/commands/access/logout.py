"""``chatty logout``: forgets the token for a server."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.exits import ExitStatus
from chatty.cli.options import ServerArgument, at_server, environment
from chatty.cli.targets import whole_server

EXAMPLES: Final = ("chatty logout https://chat.example.org",)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    address: ServerArgument = None,
) -> int:
    """Forget the token for a server.

    The token itself still counts: chatty token revoke ends it. No server is
    asked.
    """
    from chatty.cli.credentials import forget_login

    env = environment(ctx)
    target = whole_server(env, at._replace(server=address or at.server))
    if not forget_login(env, target.profile, target.server):
        env.err(f"note:  there was no login at {target.server}")
    return ExitStatus.DONE
