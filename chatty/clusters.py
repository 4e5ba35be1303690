"""What a node says of its cluster to those who administer it, for servers and clients. No I/O.

docs/cluster.md explains it to people, and docs/protocol.md says how to ask.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ReplicaStatus(Struct, frozen=True, omit_defaults=True):
    """A server of NATS that keeps a copy of the log. ``lag`` is how many messages it is behind."""

    server: str
    is_leader: bool = False
    is_current: bool = True
    is_offline: bool = False
    lag: int = 0


class LogServerStatus(Struct, frozen=True, omit_defaults=True):
    """A server of NATS, as it is set up. ``free`` is how many bytes it may still store."""

    name: str
    version: str
    syncs_always: bool
    free: int = 0


class LogStatus(Struct, frozen=True, omit_defaults=True):
    """The log: its messages from ``first`` to ``last``, and where it is kept.

    ``copies`` is how many there have to be. ``servers`` is empty where the
    servers of NATS don't tell, as those of an operator's own.
    """

    name: str
    generation: str
    first: int
    last: int
    bytes: int
    leader: str
    copies: int
    discard: str
    replicas: list[ReplicaStatus]
    servers: list[LogServerStatus]
    ages_ms: int = 0
    """How old a message can get before NATS drops it, in milliseconds; 0: it never does."""
    most_bytes: int = -1
    is_silent: bool = False
    """It does not answer, and this is how it was when it did."""


class NodeStatus(Struct, frozen=True, omit_defaults=True):
    """A node: what it said last, ``silent`` seconds ago.

    ``level`` is the log's, and ``knows`` the highest that its version has.
    ``lag`` is how many messages of the log it has not applied.
    ``skew_ms`` is how far its clock is ahead of the answering node's. ``mark`` is
    a position, and ``chain`` a hash over everything up to there. ``settings`` is
    a digest of those that have to be equal. ``trouble`` is why it is not ready,
    and ``ended`` says that its connections are over.
    """

    node: str
    incarnation: str = ""
    version: str = ""
    level: int = 0
    knows: int = 0
    position: int = 0
    lag: int = 0
    skew_ms: int = 0
    mark: int = 0
    chain: str = ""
    members: int = 0
    disk_free: int = 0
    settings: str = ""
    silent: float = 0.0
    trouble: str = ""
    ended: bool = False
    rank: int | None = None
    """Its turn at what one node does for all."""


class SnapshotStatus(Struct, frozen=True, omit_defaults=True):
    """A copy of a node's database in the log's servers, up to ``position``."""

    position: int
    bytes: int
    at: str


class ClusterStatus(Struct, frozen=True, omit_defaults=True):
    """``GET /v1/cluster``: what the node ``answered_by`` knows. ``warnings`` are for people."""

    answered_by: str
    level: int
    log: LogStatus
    nodes: list[NodeStatus]
    snapshots: list[SnapshotStatus]
    warnings: list[str] = []


class TablePrint(Struct, frozen=True):
    """How many rows a table has, and a hash over all of them."""

    rows: int
    hash: str


class NodePrint(Struct, frozen=True, omit_defaults=True):
    """A node's tables as they were at ``position`` in the log."""

    node: str
    position: int
    tables: dict[str, TablePrint]


class Examination(Struct, frozen=True, omit_defaults=True):
    """``POST /v1/cluster/examinations``: the tables of all nodes at one position of the log.

    ``missing`` are nodes that did not say what is in theirs, and ``problems``
    what is wrong with the log and its snapshots, for people.
    """

    prints: list[NodePrint]
    missing: list[str] = []
    problems: list[str] = []


class NewLevel(Struct, frozen=True):
    """``PUT /v1/cluster/level``: from then on the log may hold what earlier versions don't understand."""

    level: Annotated[int, Meta(ge=1)]
