"""``chatty restore``: replaces a server's data by a backup."""

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
    backup: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="The backup: a copy of the database.", show_default=False)
    ],
    data: DataOption = _DATA,
) -> int:
    """Replace the data of a stopped server with a backup.

    The old data is kept in a directory beside it. Every room gets a new epoch, so
    clients that come back are told that messages may be missing.
    """
    from chatty.server.platform.store.restore import restore
    from chatty.server.settings import SettingError

    try:
        done = restore(backup, data)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    kept = f"; the old data is in {done.replaced}" if done.replaced else ""
    env = environment(ctx)
    env.out(f"restored {backup} to {data}, rooms: {done.rooms}{kept}")
    if done.warning:
        env.err(f"warning: {done.warning}: do it before you start the server")
    return ExitStatus.DONE
