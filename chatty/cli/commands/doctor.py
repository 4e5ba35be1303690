"""``chatty doctor``: whether a server's data is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.options import environment

EXAMPLES: Final = ("chatty doctor /var/lib/chatty",)


def command(
    ctx: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="The directory given to serve --data.", show_default=False)
    ],
) -> int:
    """Check all of a server's data, and print what is wrong with it."""
    from chatty.server.platform.store.doctor import check

    env = environment(ctx)
    problems = check(data)
    for line in problems or [f"{data} is sound"]:
        env.out(line)
    return ExitStatus.FAILED if problems else ExitStatus.DONE
