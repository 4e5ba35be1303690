"""``chatty cluster move``: begins a cluster with the data of a server."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import DataOption, LogOption, PeersOption, ReplicasOption, SecretFileOption, environment
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = ("chatty cluster move --secret-file secret --peers a=db1,b=db2,c=db3",)

_DEFAULTS: Final = Settings()


def command(
    ctx: typer.Context,
    data: DataOption = _DEFAULTS.data,
    log: LogOption = "",
    peers: PeersOption = "",
    secret_file: SecretFileOption = "",
    replicas: ReplicasOption = _DEFAULTS.replicas,
) -> int:
    """Begin a cluster with the data of a server that is stopped.

    The data directory becomes that of a node, and the others take its data when they
    start. Rooms, numbers and tokens stay as they are. `chatty cluster leave` leads back.
    """
    from chatty.server.cluster_data import move
    from chatty.server.nats_server.beside import reaching

    try:
        settings = reaching(Settings(data=data, log=log, secret_file=secret_file, replicas=replicas), peers)
        rooms = move(settings)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    environment(ctx).out(f"the cluster begins with {data}, rooms: {rooms:,}; start its nodes")
    return ExitStatus.DONE
