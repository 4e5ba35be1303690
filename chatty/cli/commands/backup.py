"""``chatty backup``: copies a server's data while it runs."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import DataOption, environment
from chatty.server.settings import Settings

EXAMPLES: Final = (
    "chatty backup /backups/chatty.db --force",
    'chatty backup "chatty-$(date +%F).db" --data /var/lib/chatty',
)

_DATA: Final[Path] = Settings().data


def command(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write the backup to.", show_default=False)],
    data: DataOption = _DATA,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> int:
    """Copy a server's data into a file, also while the server runs.

    The copy shows the data at one moment, and is checked before it becomes FILE.
    `chatty restore` puts it back.
    """
    from chatty.server.platform.store.copies.backup import back_up
    from chatty.server.settings import SettingError

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        made = back_up(data, file, replace=force)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    environment(ctx).out(f"backed up {data} to {file}, rooms: {made.rooms:,}, bytes: {made.size:,}")
    return ExitStatus.DONE


def _end(number: int, _: object) -> None:
    """End as by a signal that isn't caught, but leave no half of a backup behind."""
    raise SystemExit(128 + number)
