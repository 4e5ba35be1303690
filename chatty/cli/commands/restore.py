"""``chatty restore``: a backup in the place of a server's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import DataOption, environment
from chatty.server.settings import Settings

EXAMPLES: Final = ("chatty restore backup.db --data /var/lib/chatty",)

_DATA: Final[Path] = Settings().data


def command(
    ctx: typer.Context,
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A copy of the database.", show_default=False)],
    data: DataOption = _DATA,
) -> int:
    """Put a backup in the place of a stopped server's data.

    What was there is kept beside it. Every room gets a new epoch: whoever comes back is
    told that lines may be missing.
    """
    from chatty.server.platform.store.restore import restore
    from chatty.server.settings import SettingError

    try:
        done = restore(backup, data)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    kept = f"; what was there is in {done.replaced}" if done.replaced else ""
    env = environment(ctx)
    env.out(f"{data} now has what {backup} has, rooms: {done.rooms}{kept}")
    if done.warning:
        env.err(f"warning: {done.warning}: do it before you start the server")
    return ExitStatus.DONE
