"""``chatty token revoke``: makes a token worthless."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import OperatorOption, at_server, environment, filled

EXAMPLES: Final = ("chatty token revoke 2GtfwtTWfmKt",)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    id: Annotated[
        str, typer.Argument(metavar="ID", parser=filled, help="The token's id, as chatty token list shows it.")
    ],
    data: OperatorOption = None,
) -> int:
    """Revoke a token. At once it is worth nothing, and its connections end."""
    from chatty.cli.access.scope import ask_server
    from chatty.cli.runner import run
    from chatty.credentials import RESERVED

    env = environment(ctx)
    if id.startswith(RESERVED):
        raise usage("a token is named by its id, and not by its secret", "see: chatty token list")

    async def revoke() -> int:
        await ask_server(env, at, data, lambda http: http.revoke_token(id))
        return ExitStatus.DONE

    return run(revoke())
