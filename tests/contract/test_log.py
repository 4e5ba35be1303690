"""The promises of every log, sentence by sentence; see `Log` in chatty/server/platform/pipeline/log/protocol.py."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading

import pytest

from chatty.events import Message
from chatty.server.business.entries import CreateRoom, Post, Probe
from chatty.server.business.outcomes import Outcome
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES, SIZE_SHARE
from chatty.server.platform.pipeline.log.protocol import Reply
from tests.contract.conftest import Bench
from tests.server.principals import speaker

AT = 1_700_000_000_000
ROOM = "a-room"
CREATION = CreateRoom(ROOM, AT, "A room", "", "epoch", b"o" * 32)


def post(text: str, proposer: int = 0, n: int = 0) -> Post:
    return Post(ROOM, AT, speaker("Ada", b"%16d" % proposer), text, "producer" if n else "", n)


def full_disk() -> sqlite3.Error:
    """SQLite's error when there is no space left."""
    db = sqlite3.connect(":memory:")
    db.execute("PRAGMA max_page_count = 1")
    with contextlib.closing(db), pytest.raises(sqlite3.OperationalError) as failed:
        db.execute("CREATE TABLE t (x)")
        db.execute("INSERT INTO t VALUES (zeroblob(1000000))")
    return failed.value


def texts(bench: Bench) -> list[str]:
    return [event.text for _, _, event in bench.delivered.get(ROOM, []) if isinstance(event, Message)]


# --- 1. An entry's outcome is given once, to its reply and on the event loop ---------------------------------


async def test_an_outcome_is_given_once_to_its_own_reply_on_the_event_loop(bench: Bench) -> None:
    here = threading.get_ident()
    replies: list[tuple[int, Outcome, int]] = []

    def reply_to(number: int) -> Reply:
        return lambda outcome: replies.append((number, outcome, threading.get_ident()))

    await bench.log.commit(CREATION)
    for number in range(3 * MOST_ENTRIES):
        bench.log.propose(post(str(number)), reply_to(number))
    await bench.log.commit(Probe("", AT))
    assert [number for number, _, _ in replies] == list(range(3 * MOST_ENTRIES))
    assert {thread for _, _, thread in replies} == {here}
    for number, outcome, _ in replies:
        assert isinstance(outcome, tuple)
        assert isinstance(outcome[0], Message)
        assert (outcome[0].text, outcome[0].seq) == (str(number), number + 1)


async def test_entries_of_one_proposer_take_effect_in_its_order_among_those_of_others(bench: Bench) -> None:
    await bench.log.commit(CREATION)

    async def propose(proposer: int) -> None:
        for number in range(1, 101):
            bench.log.propose(post(f"{proposer}:{number}", proposer, number))
            if number % (proposer + 1) == 0:
                await asyncio.sleep(0)

    await asyncio.gather(*map(propose, range(5)))
    await bench.log.commit(Probe("", AT))
    for proposer in range(5):
        mine = [text for text in texts(bench) if text.startswith(f"{proposer}:")]
        assert mine == [f"{proposer}:{number}" for number in range(1, 101)]


async def test_an_entry_without_a_reply_takes_effect_too(bench: Bench) -> None:
    bench.log.propose(CREATION)
    bench.log.propose(post("said"))
    await bench.log.commit(Probe("", AT))
    assert texts(bench) == ["said"]


async def test_a_committer_that_no_longer_waits_harms_nobody(bench: Bench) -> None:
    waiting = asyncio.ensure_future(bench.log.commit(CREATION))
    await asyncio.sleep(0)
    waiting.cancel()
    assert isinstance(await bench.log.commit(post("said")), tuple)


# --- 2. `Rejection("unavailable")` means: surely not accepted -----------------------------------------------


async def test_an_entry_that_is_not_durable_gets_no_outcome(bench: Bench) -> None:
    await bench.log.commit(CREATION)
    said: list[Outcome] = []
    bench.store.failure = failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    failure.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    bench.log.propose(post("unknown"), said.append)
    await bench.stopped.wait()
    bench.store.failure = None
    bench.log.propose(post("later"), said.append)
    await asyncio.sleep(0)
    assert said == []
    assert texts(bench) == []
    (fatal,) = bench.fatal
    assert "disk" in str(fatal)


# --- 3. Batches are delivered in the log's order, each after it is durable ----------------------------------


async def test_batches_are_delivered_in_order_and_each_is_durable_by_then(bench: Bench) -> None:
    await bench.log.commit(CREATION)
    for wave in range(20):
        for number in range(wave + 1):
            bench.log.propose(post(f"{wave}.{number}"))
        await asyncio.sleep(0)
    await bench.log.commit(Probe("", AT))
    assert bench.missing == []
    assert [seq for seq, _, _ in bench.delivered[ROOM]] == list(range(1, 211))
    assert texts(bench) == [f"{wave}.{number}" for wave in range(20) for number in range(wave + 1)]


async def test_long_texts_make_short_batches(bench: Bench) -> None:
    """Or one room's burst would be more at once than a reader may have waiting."""
    long = "x" * 16_384
    bench.log.propose(CREATION)
    for _ in range(256):
        bench.log.propose(post(long))
    await bench.log.commit(Probe("", AT))
    assert texts(bench) == [long] * 256
    assert 4 <= max(map(len, bench.batches)) <= PLENTY.waiting // SIZE_SHARE // len(long) + 1


async def test_a_delivery_that_fails_is_fatal(bench: Bench) -> None:
    bench.refuse_delivery = RuntimeError("somebody missed something")
    bench.log.propose(CREATION)
    await bench.stopped.wait()
    assert bench.fatal == [bench.refuse_delivery]


# --- close: commit all that was proposed, and stop ----------------------------------------------------------


async def test_closing_commits_all_that_was_proposed(bench: Bench) -> None:
    said: list[Outcome] = []
    bench.log.propose(CREATION)
    for number in range(2 * MOST_ENTRIES):
        bench.log.propose(post(str(number)), said.append)
    await bench.log.close()
    bench.closed = True
    assert len(said) == 2 * MOST_ENTRIES
    assert len(texts(bench)) == 2 * MOST_ENTRIES


async def test_an_idle_log_closes_at_once(bench: Bench) -> None:
    await bench.log.close()
    bench.closed = True
    assert bench.fatal == []
