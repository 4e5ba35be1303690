"""The log of one machine: its batches, its refusals and its warnings. Promises of all logs: tests/contract."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatty.server.business.entries import Probe, Rejection
from chatty.server.platform.pipeline.log import local as log
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES
from tests.contract.conftest import Bench
from tests.contract.test_log import CREATION, full_disk, post, texts

PROBE = Probe("", 1_700_000_000_000)


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    bench = Bench(tmp_path / "chatty.db")
    bench.log = log.LocalLog(bench.store, bench, on_fatal=bench.on_fatal)
    yield bench
    await bench.log.close()


async def probe(bench: Bench, failure: sqlite3.Error | None, times: int = 1) -> None:
    bench.store.failure = failure
    for _ in range(times):
        assert (await bench.log.commit(PROBE) == Rejection("unavailable")) == (failure is not None)


async def test_a_full_disk_is_logged_when_it_begins_and_when_it_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "CALM_SECONDS", 0)
    with capture_logs() as said:
        await probe(bench, None)
        await probe(bench, full_disk(), 3)
        await probe(bench, None, 3)
        await probe(bench, full_disk())
    assert [(line["log_level"], line["event"]) for line in said] == [
        ("warning", "nothing can be stored"),
        ("info", "messages are stored again"),
        ("warning", "nothing can be stored"),
    ]
    assert said[0]["error"].startswith("the disk is full (SQLITE_FULL")
    assert "free some space" in said[0]["hint"]


async def test_it_is_logged_once_while_some_entries_fit_and_others_do_not(bench: Bench) -> None:
    with capture_logs() as said:
        for _ in range(10):
            await probe(bench, full_disk())
            await probe(bench, None)
    assert [line["event"] for line in said] == ["nothing can be stored"]


async def test_an_unavailable_entry_was_not_accepted_and_later_ones_are(bench: Bench) -> None:
    await bench.log.commit(CREATION)
    bench.store.failure = full_disk()
    refused = await asyncio.gather(*(bench.log.commit(post(f"refused {n}")) for n in range(3)))
    assert refused == [Rejection("unavailable")] * 3
    bench.store.failure = None
    assert isinstance(await bench.log.commit(post("accepted")), tuple)
    assert texts(bench) == ["accepted"]


async def test_entries_that_wait_together_are_committed_together_up_to_a_limit(bench: Bench) -> None:
    bench.log.propose(CREATION)
    for number in range(2 * MOST_ENTRIES + 10):
        bench.log.propose(post(str(number)))
    assert bench.log.waiting == 2 * MOST_ENTRIES + 11
    await bench.log.commit(Probe("", PROBE.at))
    assert bench.log.waiting == 0
    assert max(map(len, bench.batches)) == MOST_ENTRIES
    assert len(bench.batches) <= 4
