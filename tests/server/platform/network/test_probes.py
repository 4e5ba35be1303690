"""The page of metrics comes even if the disk hangs, and those who ask at the same time get the same one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatty.server.platform.network import probes
from chatty.server.platform.network.probes import Probes
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.footprint import Footprint, measure
from chatty.server.platform.store.reads import Reads
from chatty.server.settings import Settings


@pytest.fixture
async def node(tmp_path: Path) -> Node:
    reads = Reads(tmp_path / "chatty.db")
    node = Node(Settings(data=tmp_path), "1", reads, Hub(), Metrics())
    node.log = SimpleNamespace(waiting=0, is_alive=True)
    node.search = SimpleNamespace(lag=0, is_alive=True)  # type: ignore[assignment]
    reads.close()
    return node


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that answers only when the event is set."""
    answers = threading.Event()

    def hang(data: Path) -> Footprint:
        answers.wait()
        return Footprint(database=4096)

    monkeypatch.setattr(probes, "measure", hang)
    monkeypatch.setattr(probes, "MEASURE_SECONDS", 0.01)
    yield answers
    answers.set()


async def page(probe: Probes) -> str:
    return (await probe._fresh_page()).decode()


async def test_a_disk_that_hangs_leaves_out_its_sizes_and_nothing_else(node: Node, hanging: threading.Event) -> None:
    probe = Probes(node)
    for _ in range(3):  # and no more threads hang than one
        assert "chatty_database_bytes 0.0" in await page(probe)
    assert sum(thread.name.startswith("asyncio") for thread in threading.enumerate()) <= 2
    hanging.set()
    while "chatty_database_bytes 4096.0" not in await page(probe):
        pass


async def test_those_who_ask_together_share_a_page(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probes(node)
    made = 0
    take = node.metrics.taken

    def counted() -> object:
        nonlocal made
        made += 1
        return take()

    monkeypatch.setattr(node.metrics, "taken", counted)
    pages = await asyncio.gather(*(page(probe) for _ in range(20)))
    assert len(set(pages)) == made == 1


def test_what_is_not_there_has_no_size(tmp_path: Path) -> None:
    found = measure(tmp_path / "nowhere")
    assert (found.database, found.write_ahead_log, found.search_index) == (0, 0, 0)
    (tmp_path / "chatty.db").write_bytes(b"x" * 100)
    (tmp_path / "search.db").write_bytes(b"x" * 10)
    (tmp_path / "search.db-wal").write_bytes(b"x" * 5)
    found = measure(tmp_path)
    assert (found.database, found.write_ahead_log, found.search_index) == (100, 0, 15)
    assert 0 < found.disk_free < found.disk
