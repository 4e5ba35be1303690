"""``chatty cluster serve``: runs a server of a cluster, and the server of NATS that keeps its part of their log."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from chatty.cli.failures import usage
from chatty.cli.options import environment, filled
from chatty.cli.serving import RoomList, with_settings, without_rich
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = ("chatty cluster serve --name a --peers a=db1,b=db2,c=db3 --secret-file secret",)


@with_settings(but=("log", "node", "replicas"))
def command(
    ctx: typer.Context,
    *,
    name: Annotated[
        str, typer.Option("--name", envvar="CHATTY_NODE", metavar="NAME", parser=filled, help="Which peer this is.")
    ],
    peers: Annotated[
        str,
        typer.Option(
            "--peers",
            envvar="CHATTY_PEERS",
            metavar="NAME=HOST,...",
            parser=filled,
            help="All machines, the same on each: a=10.0.0.1,b=10.0.0.2,c=10.0.0.3, or NAME=HOST:PORT:ROUTE_PORT "
            "where the ports of NATS are not 4222 and 6222.",
        ),
    ],
    only_log: Annotated[
        bool, typer.Option("--only-log", help="Run only the server of NATS, while all servers are stopped.")
    ] = False,
    **given: Any,
) -> int:
    """Run one of several servers that share all rooms.

    Start it on each of three machines. A server of NATS runs beside it, which
    keeps this machine's copy of the log; the machines need its ports of each
    other. Clients may use any of the servers.
    """
    from chatty.server.nats_server.process import found_program

    rooms = given.pop("room") or []
    try:
        program = found_program()
        with without_rich():
            from chatty.server.app import run, run_alone
        from chatty.server.nats_server.beside import Beside

        beside = Beside(program, Settings(**given, node=name), peers)
        if only_log:
            return run_alone(beside.settings, beside.running)
        return run(beside.settings, rooms, RoomList(environment(ctx)), beside=beside.running)
    except SettingError as error:
        raise usage(str(error), error.hint) from None
