"""``chatty cluster secret``: makes what the servers of a cluster recognize each other by."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.options import environment

EXAMPLES: Final = ("chatty cluster secret > secret",)

_BYTES: Final = 32


def command(ctx: typer.Context) -> int:
    """Print a new secret for --secret-file.

    Give all servers of a cluster the same, in a file that only they can read.
    """
    import secrets

    environment(ctx).out(secrets.token_hex(_BYTES))
    return ExitStatus.DONE
