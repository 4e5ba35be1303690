"""``chatty cluster upgrade``: lets a cluster's log hold what the new version of all nodes brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.exits import ExitStatus
from chatty.cli.options import OperatorOption, at_server, environment

if TYPE_CHECKING:
    from chatty.client.http import Http

EXAMPLES: Final = ("chatty cluster upgrade --data /var/lib/chatty",)


@at_server
def command(ctx: typer.Context, at: ServerChoice, data: OperatorOption = None) -> int:
    """Finish an upgrade, once all nodes run the new version.

    From then on the cluster uses what that version brings, and earlier ones
    can't be nodes of it any more. For administrators.
    """
    from chatty.cli.access.scope import ask_server
    from chatty.cli.runner import run

    env = environment(ctx)

    async def upgrade() -> int:
        env.out(await ask_server(env, at, data, _raise_level))
        return ExitStatus.DONE

    return run(upgrade())


async def _raise_level(http: Http) -> str:
    from chatty.clusters import ClusterStatus, NewLevel
    from chatty.protocol import encode

    status = await http.request("GET", "/v1/cluster", ClusterStatus)
    known = min((node.knows for node in status.nodes if node.version and not node.ended), default=status.level)
    if known <= status.level:
        return f"nothing to do: the log is at level {status.level}, and that is the highest that all nodes know"
    await http.request("PUT", "/v1/cluster/level", None, data=encode(NewLevel(known)))
    return f"the log is at level {known}; it was at {status.level}"
