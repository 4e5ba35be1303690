"""What a node proposes for itself gets into the log, and in its order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatty.server.business.entries import CorrectTimes, Entry, Rejection
from chatty.server.platform.pipeline import node as nodes
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.log.protocol import Reply
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import Reads
from chatty.server.settings import Settings


class FullDisk:
    """A log that refuses the first ``refuse`` entries."""

    is_alive = True

    def __init__(self, refuse: int) -> None:
        self.refuse = refuse
        self.accepted: asyncio.Queue[Entry] = asyncio.Queue()

    def propose(self, entry: Entry, reply: Reply | None = None) -> None:
        assert reply is not None
        if self.refuse:
            self.refuse -= 1
            reply(Rejection("unavailable"))
        else:
            self.accepted.put_nowait(entry)
            reply(())


@pytest.mark.parametrize("refused", [0, 1, 3, 4])
async def test_corrections_that_a_full_disk_refused_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    monkeypatch.setattr(nodes, "RETRY_SECONDS", 0.0)
    reads = Reads(tmp_path / "chatty.db")
    node = Node(Settings(data=tmp_path), "1", reads, Hub(), Metrics())
    node.log = log = FullDisk(refused)  # type: ignore[assignment]
    entries = [CorrectTimes("", 9, 5, by) for by in (3, 2, 1)]
    for entry in entries:
        node.propose_until_accepted(entry)
    assert [await log.accepted.get() for _ in entries] == entries
    reads.close()
