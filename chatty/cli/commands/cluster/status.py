"""``chatty cluster status``: shows how a cluster is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import JsonOption, OperatorOption, at_server, environment

if TYPE_CHECKING:
    from chatty.clusters import ClusterStatus, LogStatus, NodeStatus

EXAMPLES: Final = ("chatty cluster status --data /var/lib/chatty", "chatty cluster status --json | jq .warnings")

_HEADINGS: Final = (
    "node", "run", "version", "level", "position", "lag", "clock", "chain", "members", "disk free", "state",
)  # fmt: skip
_SHORT: Final = 4


@at_server
def command(ctx: typer.Context, at: ServerChoice, data: OperatorOption = None, json: JsonOption = False) -> int:
    """Show the log, the nodes and the snapshots of a cluster.

    One node says what it knows. For administrators. The exit status is 1 if
    there is something to see to.
    """
    from chatty.cli.access.scope import ask_server
    from chatty.cli.runner import run
    from chatty.clusters import ClusterStatus

    env = environment(ctx)

    async def show() -> int:
        status = await ask_server(env, at, data, lambda http: http.request("GET", "/v1/cluster", ClusterStatus))
        _print(env, status, as_json=json)
        return ExitStatus.FAILED if status.warnings else ExitStatus.DONE

    return run(show())


def _print(env: Environment, status: ClusterStatus, *, as_json: bool) -> None:
    from chatty.cli.access.table import print_rows
    from chatty.cli.terminal.cleaning import clean
    from chatty.protocol import encode

    if as_json:
        env.out(encode(status).decode())
        return
    env.out(clean("  ".join(_log(status.log)), newlines=False))
    print_rows(env, [_HEADINGS, *(_node(node) for node in status.nodes)])
    env.out(clean("  ".join(_snapshots(status)), newlines=False))
    for warning in status.warnings:
        env.out(clean(f"warning: {warning}", newlines=False))


def _log(log: LogStatus) -> Iterator[str]:
    current = sum(replica.is_current and not replica.is_offline for replica in log.replicas)
    yield f"log {log.name}"
    yield f"since {log.generation[:19]}"
    yield f"messages {log.first:,} to {log.last:,}"
    yield _size(log.bytes)
    if log.is_silent:
        yield "does not answer"
        return
    if log.copies > 1:
        yield f"leader {log.leader or 'none'}"
    yield f"copies {current or 1}/{log.copies} current"
    if log.servers:
        yield "synced always" if all(server.syncs_always for server in log.servers) else "not synced always"
    else:
        yield "synced: unknown"


def _node(node: NodeStatus) -> tuple[str, ...]:
    state = node.trouble.rstrip(".") or ("ready, takes snapshots" if node.rank == 0 else "ready")
    if node.ended:
        state = "ended"
    elif node.silent:
        state = f"silent for {node.silent:.0f} s"
    if not node.version:
        return (node.node, node.incarnation[:_SHORT], *("—",) * 8, state)
    return (
        node.node, node.incarnation[:_SHORT], node.version, f"{node.level}/{node.knows}", f"{node.position:,}",
        f"{node.lag:,}", f"{node.skew_ms:+} ms", f"{node.chain[:_SHORT] or '—'}@{node.mark:,}", f"{node.members:,}",
        _size(node.disk_free), state,
    )  # fmt: skip


def _snapshots(status: ClusterStatus) -> Iterator[str]:
    from chatty.cli.terminal.moments import moment

    yield "snapshots"
    for one in status.snapshots:
        yield f"up to {one.position:,} ({moment(one.at)}, {_size(one.bytes)})"
    if not status.snapshots:
        yield "none yet"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
