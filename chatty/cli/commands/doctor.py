"""``chatty doctor``: checks a server's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.options import DataOption, environment
from chatty.server.settings import Settings

EXAMPLES: Final = ("chatty doctor", "chatty doctor /var/lib/chatty")

_DATA: Final[Path] = Settings().data


def command(
    ctx: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="The same as --data.", show_default=False)
    ] = None,
    data: DataOption = _DATA,
) -> int:
    """Check all of a server's data, and print what is wrong with it.

    Nothing is changed, and the server may be running.
    """
    from chatty.server.platform.store.doctor import check

    env, data = environment(ctx), directory or data
    problems = check(data)
    for line in problems or [f"{data} is sound"]:
        env.out(line)
    return ExitStatus.FAILED if problems else ExitStatus.DONE
