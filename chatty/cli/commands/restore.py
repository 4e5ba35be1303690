"""``chatty restore``: replaces a server's data by a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import BackupArgument, DataOption, TokensOption, environment
from chatty.server.settings import Settings

EXAMPLES: Final = (
    "chatty restore backup.db --data /var/lib/chatty",
    "chatty restore backup.db --data /var/lib/chatty --tokens revoke",
)

_DATA: Final[Path] = Settings().data


def command(
    ctx: typer.Context,
    backup: BackupArgument,
    data: DataOption = _DATA,
    tokens: TokensOption = None,
) -> int:
    """Replace the data of a stopped server with a backup.

    The old data is kept in a directory beside it. Every room gets a new epoch, so
    clients that come back are told that messages may be missing. Tokens that were
    revoked, roles that were taken and bans that were made since the backup stay so.
    """
    from chatty.server.platform.store.copies.restore import restore
    from chatty.server.settings import SettingError

    try:
        done = restore(backup, data, tokens)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    kept = f"; the old data is in {done.replaced}" if done.replaced else ""
    env = environment(ctx)
    env.out(f"restored {backup} to {data}, rooms: {done.rooms}{kept}")
    if done.rights.valid:
        env.out(f"tokens that count: {done.rights.valid}; {done.rights.again} of them did not count before")
    if done.warning:
        env.err(f"warning: {done.warning}: do it before you start the server")
    return ExitStatus.DONE
