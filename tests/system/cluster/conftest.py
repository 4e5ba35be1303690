"""One cluster for all tests here: each breaks something of it, and leaves it whole again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import NAMES, Cluster


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The nodes a, b and c over three servers of NATS. Connections come from where ``X-Forwarded-For`` says."""
    options = ("--room", "general", "--trusted-proxy", "127.0.0.1")
    with Cluster(tmp_path_factory.mktemp("cluster"), NAMES, *options) as running:
        yield running


@pytest.fixture
def room_id(cluster: Cluster) -> str:
    """A new room, which is made at node a."""
    created: str = cluster["a"].make_room()["id"]
    return created
