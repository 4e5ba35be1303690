"""``chatty cluster backup``: copies a cluster's data into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import LogOption, PeersOption, SecretFileOption, environment
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = ("chatty cluster backup chatty.db --secret-file secret --peers a=db1,b=db2,c=db3",)


def command(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write the backup to.", show_default=False)],
    log: LogOption = "",
    peers: PeersOption = "",
    secret_file: SecretFileOption = "",
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> int:
    """Copy a cluster's data into a file.

    Any machine that reaches the log will do. One of the nodes makes a snapshot for
    it. If none runs, it is the last one that was made, which may be a day old.
    `chatty cluster restore` puts it back, and `chatty restore` into a server on its
    own.
    """
    from chatty.server.cluster_data import back_up
    from chatty.server.nats_server.beside import reaching

    try:
        settings = reaching(Settings(log=log, secret_file=secret_file), peers)
        done = back_up(settings, file, replace=force)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    env = environment(ctx)
    made = done.backup
    env.out(
        f"backed up the cluster to {file}, rooms: {made.rooms:,}, bytes: {made.size:,}, up to message {done.position:,}"
    )
    if not done.is_fresh:
        env.err("warning: no node runs, so this is the last snapshot that was made; a node's own data may have more")
    return ExitStatus.DONE
