"""``chatty cluster doctor``: looks for what is wrong with a cluster before its users do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.exits import ExitStatus
from chatty.cli.options import OperatorOption, at_server, environment

if TYPE_CHECKING:
    from chatty.client.http import Http
    from chatty.clusters import ClusterStatus, Examination

EXAMPLES: Final = ("chatty cluster doctor --data /var/lib/chatty",)

_PATIENCE: Final = 120.0
"""Seconds that the nodes may take to read all their tables."""


@at_server
def command(ctx: typer.Context, at: ServerChoice, data: OperatorOption = None) -> int:
    """Check a cluster, and print what is wrong with it.

    All nodes read all their tables, which are compared; the newest snapshot is
    fetched and checked. Nothing is changed. For administrators.
    """
    from chatty.cli.access.scope import ask_server
    from chatty.cli.runner import run

    env = environment(ctx)

    async def examine() -> int:
        status, examined = await ask_server(env, at, data, _ask)
        problems = [*status.warnings, *_unseen(status), *examined.problems, *_differences(examined)]
        nodes = ", ".join(one.node for one in examined.prints)
        for line in problems or [f"the cluster is sound; the tables of {nodes} are equal"]:
            env.out(line)
        return ExitStatus.FAILED if problems else ExitStatus.DONE

    return run(examine())


async def _ask(http: Http) -> tuple[ClusterStatus, Examination]:
    from aiohttp import ClientTimeout

    from chatty.clusters import ClusterStatus, Examination
    from chatty.errors import Refused

    patience = ClientTimeout(total=_PATIENCE)
    try:
        examined = await http.request("POST", "/v1/cluster/examinations", Examination, timeout=patience)
    except Refused as refused:
        if refused.code not in ("unavailable", "uncertain"):
            raise
        examined = Examination([], problems=["The nodes can't be compared, because the log takes nothing."])
    return await http.request("GET", "/v1/cluster", ClusterStatus), examined


def _unseen(status: ClusterStatus) -> Iterator[str]:
    if not status.log.servers:
        yield (
            "The servers of NATS don't tell whether they sync each message: let them, with the imports and exports"
            " of deploy/nats-server.conf."
        )


def _differences(examined: Examination) -> Iterator[str]:
    from collections import Counter

    from chatty.cli.terminal.cleaning import clean

    for node in examined.missing:
        yield clean(f"Node {node} did not say what is in its tables.", newlines=False)
    if len({one.position for one in examined.prints}) > 1:
        yield "The nodes read their tables at different positions, so these can't be compared: try again."
        return
    names = sorted({name for one in examined.prints for name in one.tables})
    for name in names:
        found = {one.node: one.tables.get(name) for one in examined.prints}
        usual, count = Counter(found.values()).most_common(1)[0]
        others = [node for node, table in found.items() if table != usual]
        if not others:
            continue
        who = ", ".join(others if 2 * count > len(found) else sorted(found))
        yield clean(
            f"The table {name} of {who} differs: stop that node, move its data away and start it; it takes a snapshot."
            if 2 * count > len(found)
            else f"The tables {name} of {who} differ, and no majority says which is right.",
            newlines=False,
        )
