"""What somebody who runs a cluster should know before its users notice."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from chatty.clusters import ClusterStatus, LogStatus, NodeStatus

LEAST_COPIES: Final = 3
WARN_SKEW_MS: Final = 500
LEAST_FREE: Final = 1 << 30
MUCH_LAG: Final = 10_000
"""Messages."""


def warnings(status: ClusterStatus, strangers: Collection[str] = ()) -> list[str]:
    """What is not as it should be, as sentences. ``strangers`` are nodes with another secret."""
    return [
        *_of_log(status.log),
        *_of_nodes(status.nodes, status.level),
        *(f"Node {name} has another secret: give it the one of the others." for name in sorted(strangers)),
        *_of_snapshots(status),
    ]


def _of_log(log: LogStatus) -> Iterator[str]:
    if log.copies < LEAST_COPIES:
        yield f"The log has {log.copies} of {LEAST_COPIES} copies: no machine may be lost."
    if log.is_silent:
        yield "The log does not answer: more than half of the servers of NATS have to run and reach each other."
        return
    if not log.leader and log.copies > 1:
        yield "The log has no leader: more than half of the servers of NATS have to run and reach each other."
        return
    for replica in log.replicas:
        if replica.is_offline:
            yield f"The server of NATS {replica.server} is offline: start it, or replace it (docs/cluster.md)."
        elif not replica.is_current:
            yield (
                f"The server of NATS {replica.server} is {replica.lag:,} messages behind: if it does not catch up"
                " within a minute, restart it."
            )
    for server in log.servers:
        if not server.syncs_always:
            yield f"The server of NATS {server.name} does not sync each message: set jetstream.sync_interval to always."
        if 0 < server.free < LEAST_FREE:
            yield f"The server of NATS {server.name} has little space left."
    if len({server.version for server in log.servers}) > 1:
        yield "The servers of NATS have different versions."
    if log.discard != "new" or log.ages_ms:
        yield "The log's stream drops messages by itself: set its discard to new and its max_age to 0."


def _of_nodes(nodes: list[NodeStatus], level: int) -> Iterator[str]:
    here = [node for node in nodes if not node.ended]
    for node in here:
        if node.silent or node.trouble == "unheard":
            yield f"Node {node.node} is not heard of."
        elif node.trouble:
            yield f"Node {node.node} is not ready: {node.trouble}"
        if abs(node.skew_ms) >= WARN_SKEW_MS:
            yield f"The clock of node {node.node} differs by {node.skew_ms / 1000:+.1f} s: see to NTP."
        if node.lag > MUCH_LAG:
            yield f"Node {node.node} is {node.lag:,} messages behind."
        if 0 < node.disk_free < LEAST_FREE:
            yield f"Node {node.node} has little space left on its disk."
    heard = [node for node in here if node.version]
    if len({node.version for node in heard}) > 1:
        yield "The nodes have different versions: go on with the upgrade."
    elif heard and len(heard) == len(here) and min(node.knows for node in heard) > level:
        yield "All nodes know a newer level of the log: chatty cluster upgrade."
    if len({node.settings for node in heard}) > 1:
        yield (
            "The nodes differ in settings that have to be equal:"
            " --retain-events, --retain-age, --room-members, --access or --replicas."
        )
    marks: dict[int, set[str]] = {}
    for node in heard:
        marks.setdefault(node.mark, set()).add(node.chain)
    if any(len(chains) > 1 for mark, chains in marks.items() if mark):
        yield "The nodes have diverged: chatty cluster doctor."


def _of_snapshots(status: ClusterStatus) -> Iterator[str]:
    if status.log.first > 1 and not any(one.position + 1 >= status.log.first for one in status.snapshots):
        yield "No snapshot goes up to the log's first message: a new node could not begin (chatty cluster doctor)."
