"""``chatty cluster restore``: replaces all data of a cluster by a backup."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import (
    BackupArgument,
    DataOption,
    LogOption,
    PeersOption,
    ReplicasOption,
    SecretFileOption,
    TokensOption,
    environment,
)
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = ("chatty cluster restore old.db --secret-file secret --peers a=db1,b=db2,c=db3",)

_DEFAULTS: Final = Settings()


def command(
    ctx: typer.Context,
    backup: BackupArgument,
    data: DataOption = _DEFAULTS.data,
    log: LogOption = "",
    peers: PeersOption = "",
    secret_file: SecretFileOption = "",
    replicas: ReplicasOption = _DEFAULTS.replicas,
    tokens: TokensOption = None,
    force: Annotated[bool, typer.Option("--force", help="Delete the log that the cluster has.")] = False,
) -> int:
    """Replace all data of a cluster with a backup.

    Stop all nodes first, but not the servers of NATS, and run it where the node is that
    was stopped last. The nodes take the backup when they start, and set their old data aside. Every room gets
    a new epoch, so clients that come back are told that messages may be missing.
    Tokens that were revoked, roles that were taken and bans that were made since the
    backup stay so.
    """
    from chatty.server.cluster_data import restore
    from chatty.server.nats_server.beside import reaching

    try:
        settings = reaching(Settings(data=data, log=log, secret_file=secret_file, replicas=replicas), peers)
        rooms, rights = restore(settings, backup, tokens, force=force)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    env = environment(ctx)
    env.out(f"the cluster begins with {backup}, rooms: {rooms:,}; start its nodes")
    if rights.valid:
        env.out(f"tokens that count: {rights.valid}; {rights.again} of them did not count before")
    return ExitStatus.DONE
