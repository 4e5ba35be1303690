"""``chatty token generate``: makes a secret that a server takes from a file."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.options import environment

EXAMPLES: Final = ("chatty token generate > admin-token",)


def command(ctx: typer.Context) -> int:
    """Print a new token for chatty serve --admin-token-file.

    It is worth nothing until a server is started with it. No server is asked.
    """
    from chatty.credentials import new_token

    environment(ctx).out(new_token())
    return ExitStatus.DONE
