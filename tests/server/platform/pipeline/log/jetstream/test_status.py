"""What a node tells those who run its cluster follows from what NATS and the other nodes told it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatty.server.business.entries import Entry, Rejection
from chatty.server.business.nodes import RaiseLevel
from chatty.server.platform.pipeline.log.jetstream import status
from chatty.server.platform.pipeline.log.jetstream.connection import StreamInfo
from chatty.server.platform.pipeline.log.jetstream.status import Operator, log_status
from chatty.server.platform.store.ledger import Incarnation

CONFIG = {"name": "CHATTY", "num_replicas": 3, "discard": "new", "max_age": 0}


def replicas(*told: dict[str, Any]) -> list[Any]:
    return log_status(StreamInfo("g", 1, 9, 100, "a", CONFIG, told), []).replicas


def test_the_leader_is_one_of_the_replicas() -> None:
    assert [(one.server, one.is_leader) for one in replicas({"name": "b", "current": True})] == [
        ("a", True),
        ("b", False),
    ]


@pytest.mark.parametrize(
    ("told", "is_offline"),
    [
        ({"current": True, "active": 60_000_000_000}, False),  # it has said nothing because nothing was to be said
        ({"current": False, "active": 1_000_000_000, "lag": 12}, False),
        ({"current": False, "active": 6_000_000_000}, True),
        ({"current": False, "offline": True}, True),
    ],
)
def test_a_server_of_nats_is_offline_if_the_others_know_it_or_it_is_behind_and_silent(
    told: dict[str, Any], is_offline: bool
) -> None:
    found = replicas({"name": "b", **told})[1]
    assert found.is_offline is is_offline
    assert found.lag == told.get("lag", 0)


class Log:
    """A node's log, as far as levels are concerned. The node is ``a``, and the others know so much."""

    def __init__(self, nodes: dict[str, Incarnation], **known: int) -> None:
        self.node, self.nodes = "a", {"a": Incarnation("1"), **nodes}
        heard = {name: SimpleNamespace(alive=SimpleNamespace(knows=level)) for name, level in known.items()}
        self.peers = SimpleNamespace(heard=heard)
        self.proposed: list[Entry] = []

    async def commit(self, entry: Entry) -> tuple[()]:
        self.proposed.append(entry)
        return ()


async def raised(log: Log, level: int) -> Any:
    return await Operator(log, Path()).raise_level(level, 5)  # type: ignore[arg-type]


async def test_a_level_is_raised_once_all_nodes_that_have_not_ended_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "LEVEL", 2)
    log = Log({"b": Incarnation("2"), "old": Incarnation("3", ended=True)}, b=2)
    assert await raised(log, 2) == ()
    assert log.proposed == [RaiseLevel("", 5, 2)]


@pytest.mark.parametrize(
    ("known", "why"),
    [({"b": 1}, "b knows level 1"), ({}, "b is not heard of")],
)
async def test_a_level_that_a_node_does_not_know_is_refused(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, int], why: str
) -> None:
    monkeypatch.setattr(status, "LEVEL", 2)
    log = Log({"b": Incarnation("2")}, **known)
    refusal = await raised(log, 2)
    assert isinstance(refusal, Rejection)
    assert refusal.code == "bad_request"
    assert why in refusal.message
    assert log.proposed == []
