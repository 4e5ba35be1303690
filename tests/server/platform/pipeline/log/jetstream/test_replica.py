"""A node's copy of the log: equal on all nodes, whatever the batches, the process and the order of Python's hashes."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatty.server.business.entries import CreateRoom, Entry, Post, Rejection
from chatty.server.business.nodes import LEVEL, EndNode, RaiseLevel, StartNode
from chatty.server.platform.pipeline.log.jetstream.envelope import VERSION, Envelope, encode_entry, joined, seal
from chatty.server.platform.pipeline.log.jetstream.replica import MARK, Batch, Message, Replica
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import StoreError
from tests.server.platform.pipeline.log.jetstream.replaying import GENERATION, KEY
from tests.server.principals import speaker
from tests.server.random_entries import CORRECTIONS, ROOMS, entries
from tests.support.server import ROOT, environment

AT = 1_700_000_000_000
ROOM = ROOMS[0]
CREATION = CreateRoom(ROOM, AT, "A room", "", "epoch", b"o" * 32)


class Sender:
    """A node that seals what it sends."""

    def __init__(self, node: str, incarnation: str = "one", after: str = "") -> None:
        self.node, self.incarnation, self.after, self.n = node, incarnation, after, 0

    def send(self, *sent: Entry) -> bytes:
        """The next envelope."""
        self.n += 1
        return self.number(self.n, *sent)

    def number(self, n: int, *sent: Entry, version: int = VERSION) -> bytes:
        """An envelope of any number."""
        after = self.after if n == 1 else ""
        held = joined(list(map(encode_entry, sent)))
        return seal(KEY, Envelope(version, self.node, self.incarnation, n, AT, after, held))

    def start(self) -> bytes:
        """The envelope that begins its incarnation."""
        return self.send(StartNode("", AT, self.node, self.incarnation))


class Bench:
    """A replica that has come to some position."""

    def __init__(self, path: Path) -> None:
        self.failed: list[BaseException] = []
        self.store = Store(path, on_error=self.failed.append, replicated=True)
        self.store.open()
        self.replica = Replica(self.store, KEY, GENERATION)

    def take(self, *messages: bytes, incarnation: str = "one") -> Batch:
        """Apply messages that follow, in one batch, as node "a"."""
        position = self.replica.state.position
        batch = [Message(position + number, data) for number, data in enumerate(messages, 1)]
        return self.replica.apply(batch, "a", incarnation)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "chatty.db")
    with closing(bench.store):
        yield bench


def said(text: str) -> Post:
    return Post(ROOM, AT, speaker("Ada", b"a" * 16), text)


def outcomes(batch: Batch) -> list[str]:
    """The code of each refusal, and a tick for what was accepted."""
    return [one.code if isinstance(one, Rejection) else "ok" for one in batch.applied.outcomes]


def test_what_comes_twice_overtaken_or_late_changes_nothing_but_the_position(bench: Bench) -> None:
    a = Sender("a")
    started, first, second, third = a.start(), a.send(CREATION), a.send(said("two")), a.send(said("three"))
    batch = bench.take(started, first, third, third, second, third, first)
    assert outcomes(batch) == ["ok"] * 4
    assert [part.n for part in batch.own] == [1, 2, 3, 4]
    assert (batch.dropped, batch.is_overtaken, batch.state.position) == (3, True, 7)
    assert [event.text for _, _, event in batch.applied.events[ROOM]] == ["two", "three"]  # type: ignore[union-attr]


def test_what_a_fenced_incarnation_had_under_way_is_void_from_that_message_on(bench: Bench) -> None:
    a, b = Sender("a"), Sender("b")
    bench.take(a.start(), b.start(), a.send(CREATION))
    batch = bench.take(b.send(EndNode("", AT, "a", "one")), a.send(said("too late")), a.send(said("also")))
    assert outcomes(batch) == ["ok"]
    assert batch.state.nodes["a"].ended
    again = Sender("a", "two", after="one")
    batch = bench.take(again.start(), again.send(said("anew")), incarnation="two")
    assert outcomes(batch) == ["ok", "ok"]


def test_nothing_follows_the_end_of_an_incarnation_that_has_been_replaced(bench: Bench) -> None:
    a, b = Sender("a"), Sender("b")
    again = Sender("a", "two", after="one")
    bench.take(a.start(), b.start(), again.start())
    batch = bench.take(b.send(EndNode("", AT, "a", "one")), again.send(CREATION))
    assert outcomes(batch)[-1] == "ok"
    assert not batch.state.nodes["a"].ended


def test_a_message_that_is_not_sealed_with_the_secret_is_dropped_by_all_alike(bench: Bench) -> None:
    a = Sender("a")
    batch = bench.take(a.start(), b"", b"anything", seal(b"x" * 32, Envelope(1, "z", "z", 1, 0, "", joined([]))))
    assert (batch.dropped, batch.state.position) == (3, 4)


def test_what_a_newer_version_wrote_stops_an_older_one_and_says_what_to_do(bench: Bench) -> None:
    a = Sender("a")
    bench.take(a.start())
    for message in (
        a.number(2, version=VERSION + 1),
        seal(KEY, Envelope(VERSION, "a", "one", 2, 0, "", joined([msgspec.msgpack.encode({"entry": "Future"})]))),
        a.number(2, RaiseLevel("", AT, LEVEL + 1)),
    ):
        with pytest.raises(StoreError) as stopped:
            bench.take(message)
        assert stopped.value.hint == "a newer chatty wrote it: start that one here, too"
    assert bench.replica.state.position == 1
    # What takes no effect is not even looked at.
    assert bench.take(seal(KEY, Envelope(VERSION, "a", "old", 2, 0, "", joined([b"\xc0"])))).dropped == 1


def test_the_chain_is_compared_at_marks_and_tells_databases_apart(tmp_path: Path) -> None:
    first, second = Bench(tmp_path / "first.db"), Bench(tmp_path / "second.db")
    with closing(first.store):
        a = Sender("a")
        beginning = [a.start(), a.send(CREATION), a.send(said("lost in one of them"))]
        for bench in (first, second):
            bench.take(*beginning)
        second.store.close()
        remove_last_event(second.store.path)
        rest = [a.send(said(str(number))) for number in range(MARK)]
        damaged = Bench(tmp_path / "second.db")
        with closing(damaged.store):
            marks = [bench.take(*rest).marks for bench in (first, damaged)]
    assert [list(each) for each in marks] == [[MARK], [MARK]]
    assert marks[0] != marks[1]


def remove_last_event(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM events WHERE key = (SELECT max(key) FROM events)")
        db.commit()


def messages_of(found: list[Entry], chance: random.Random) -> list[bytes]:
    """The entries as three nodes would have sent them, with all that a network and a restart do."""
    senders = {name: Sender(name) for name in "abc"}
    sent = [sender.start() for sender in senders.values()]
    while found:
        sender = senders[chance.choice("abc")]
        size = chance.randint(0, 20)
        part, found = found[:size], found[size:]
        message = sender.send(*part)
        sent += [message] * chance.choice([1, 1, 1, 2])
        if chance.random() < 0.1:
            sent.append(chance.choice(sent))
        if chance.random() < 0.05:
            sent.append(b"from a stranger")
        if chance.random() < 0.05:
            senders[sender.node] = again = Sender(sender.node, f"{len(sent)}", after=sender.incarnation)
            sent.append(again.start())
    return sent


def test_three_processes_with_other_hashes_and_batches_have_equal_chains_and_databases(tmp_path: Path) -> None:
    found: list[Entry] = [CreateRoom(room, AT, room, "", "epoch", b"a" * 32) for room in ROOMS]

    @settings(
        max_examples=60, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(entries() | CORRECTIONS, min_size=20, max_size=80))
    def collect(some: list[Entry]) -> None:
        # Random ends of nodes would end those that speak here.
        found.extend(entry for entry in some if not isinstance(entry, StartNode | EndNode))

    collect()
    messages = messages_of(found, random.Random(7))
    file = tmp_path / "messages"
    file.write_bytes(msgspec.msgpack.encode(messages))
    module = "tests.server.platform.pipeline.log.jetstream.replaying"
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, str(file), str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=environment(PYTHONHASHSEED=str(seed)),
        )
        for seed in range(3)
    ]  # fmt: skip
    said = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    position, _, *marks, _ = said[0].split()
    assert int(position) == len(messages)
    assert len(marks) == len(messages) // MARK > 0
    assert said == [said[0]] * 3
