"""The warnings that the log gives to the operator. Its promises are tested in tests/contract."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatty.server.business.entries import Probe, Rejection
from chatty.server.platform.pipeline.log import local as log
from tests.contract.conftest import Bench
from tests.contract.test_log import full_disk

PROBE = Probe("", 1_700_000_000_000)


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    bench = Bench(tmp_path / "chatty.db", lambda bench: log.LocalLog(bench.store, bench, on_fatal=bench.on_fatal))
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
