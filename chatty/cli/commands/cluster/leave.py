"""``chatty cluster leave``: makes a node's data that of a server on its own."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import DataOption, LogOption, PeersOption, SecretFileOption, environment
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = ("chatty cluster leave --secret-file secret --peers a=db1,b=db2,c=db3",)

_DATA: Final = Settings().data


def command(
    ctx: typer.Context,
    data: DataOption = _DATA,
    log: LogOption = "",
    peers: PeersOption = "",
    secret_file: SecretFileOption = "",
    force: Annotated[bool, typer.Option("--force", help="Even if the node lacks messages of the log.")] = False,
) -> int:
    """Make the data of a node that of a server on its own.

    `chatty serve` takes it then. Stop all nodes, and take the data of the one that was stopped last: it has
    everything. Rooms, numbers and tokens stay as they are.
    """
    from chatty.server.cluster_data import leave
    from chatty.server.nats_server.beside import reaching

    try:
        state = leave(reaching(Settings(data=data, log=log, secret_file=secret_file), peers), force=force)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
    environment(ctx).out(f"{data} is that of a server on its own now, as of message {state.position:,} of the log")
    return ExitStatus.DONE
