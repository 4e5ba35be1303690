"""Under kills and freezes of nodes and of servers of NATS, nothing is lost, doubled or put in another order.

This is a short run. For a long one: python -m tests.system.cluster.chaos --seconds 600
"""

from __future__ import annotations

import asyncio

import pytest

from tests.support.cluster import Cluster
from tests.system.cluster.chaos import Chaos, is_sound, plan


@pytest.mark.parametrize("seed", [18])
def test_whatever_is_killed_or_frozen_nothing_is_lost_and_all_nodes_have_the_same(cluster: Cluster, seed: int) -> None:
    report = asyncio.run(Chaos(cluster, seed, seconds=32, rate=90, people=3).run())
    for node in cluster.nodes.values():
        node.start()
    assert is_sound(report), f"seed {seed}: {report}"
    assert report.left == []


def test_a_long_run_has_at_least_forty_faults_of_all_kinds() -> None:
    for seed in range(20):
        faults = list(plan(seed, 600))
        assert len(faults) >= 40
        assert {len(fault.victims) for fault in faults} == {1, 2}
        assert len({fault.number for fault in faults}) == 2
