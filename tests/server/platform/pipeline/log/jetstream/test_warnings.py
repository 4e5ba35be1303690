"""A status warns of what an operator has to see to, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chatty.clusters import (
    ClusterStatus,
    LogServerStatus,
    LogStatus,
    NodeStatus,
    ReplicaStatus,
    SnapshotStatus,
)
from chatty.server.platform.pipeline.log.jetstream.warnings import warnings

LOG = LogStatus(
    "CHATTY", "generation", 1, 200, 1_000, "a", 3, "new",
    [ReplicaStatus("a", is_leader=True), ReplicaStatus("b"), ReplicaStatus("c")],
    [LogServerStatus(name, "2.15.1", syncs_always=True) for name in "abc"],
)  # fmt: skip
NODES = [
    NodeStatus(
        name, "f2", "0.1.0", 1, 1, 200, mark=192, chain="aa", settings="s", disk_free=50 << 30, skew_ms=skew
    )
    for name, skew in (("a", 0), ("b", -80), ("c", 120))
]  # fmt: skip
SOUND = ClusterStatus("a", 1, LOG, NODES, [])


def log(**changed: Any) -> ClusterStatus:
    return replace(SOUND, log=replace(LOG, **changed))


def node(**changed: Any) -> ClusterStatus:
    return replace(SOUND, nodes=[*NODES[:2], replace(NODES[2], **changed)])


def test_nothing_is_said_of_a_sound_cluster_nor_of_a_node_that_was_stopped() -> None:
    assert warnings(SOUND) == []
    assert warnings(replace(SOUND, nodes=[*NODES, NodeStatus("old", "e1", ended=True)])) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (log(copies=1, replicas=[]), "1 of 3 copies: no machine may be lost"),
        (log(leader=""), "no leader"),
        (log(leader="", is_silent=True), "The log does not answer"),
        (log(replicas=[ReplicaStatus("b", is_offline=True)]), "server of NATS b is offline"),
        (log(replicas=[ReplicaStatus("b", is_current=False, lag=1_234)]), "b is 1,234 messages behind"),
        (log(servers=[LogServerStatus("a", "2.15.1", syncs_always=False)]), "a does not sync each message"),
        (log(servers=[LogServerStatus("a", "2.15.1", syncs_always=True, free=9)]), "a has little space left"),
        (log(servers=[*LOG.servers, LogServerStatus("d", "2.14", syncs_always=True)]), "different versions"),
        (log(discard="old"), "drops messages by itself"),
        (log(ages_ms=1), "drops messages by itself"),
        (log(first=100), "No snapshot goes up to the log's first message"),
        (node(silent=14.0), "Node c is not heard of"),
        (node(trouble="The node is behind."), "Node c is not ready: The node is behind."),
        (node(skew_ms=-2_000), "clock of node c differs by -2.0 s"),
        (node(lag=20_000), "Node c is 20,000 messages behind"),
        (node(disk_free=9), "Node c has little space left"),
        (node(version="0.2.0"), "nodes have different versions"),
        (node(settings="others"), "differ in settings that have to be equal"),
        (node(chain="bb"), "have diverged"),
        (replace(SOUND, nodes=[replace(one, knows=2) for one in NODES]), "chatty cluster upgrade"),
    ],
)
def test_one_thing_that_is_wrong_is_one_warning(status: ClusterStatus, said: str) -> None:
    (warning,) = warnings(status)
    assert said in warning
    assert warning.endswith(".")


def test_a_node_with_another_secret_is_named() -> None:
    assert warnings(SOUND, {"d"}) == ["Node d has another secret: give it the one of the others."]


def test_a_level_is_only_raised_when_all_nodes_know_it_and_chains_are_compared_at_one_position() -> None:
    assert warnings(node(knows=2)) == []
    assert warnings(node(mark=128, chain="bb")) == []


def test_a_snapshot_up_to_the_first_message_is_enough() -> None:
    snapshots = [SnapshotStatus(99, 1, "2026-01-01T00:00:00Z")]
    assert warnings(replace(log(first=100), snapshots=snapshots)) == []
