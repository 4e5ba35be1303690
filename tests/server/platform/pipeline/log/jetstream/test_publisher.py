"""What a node proposes, on its way into the log: in order, in few envelopes, and again until it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from nats.aio.msg import Msg

from chatty.server.business import nodes
from chatty.server.business.entries import Entry, Post, Probe, Rejection
from chatty.server.business.nodes import StartNode
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.batches import MOST_ENTRIES
from chatty.server.platform.pipeline.log.jetstream.connection import SUBJECT, Connection, end
from chatty.server.platform.pipeline.log.jetstream.envelope import Envelope, decode_entries, unseal
from chatty.server.platform.pipeline.log.jetstream.publisher import WINDOW, Publisher
from tests.server.principals import speaker

KEY = b"k" * 32
AT = 1_700_000_000_000


class Bench:
    """A publisher, and what comes of it at the server of NATS. There is no stream, so nothing comes back by itself."""

    def __init__(self, connection: Connection) -> None:
        self.errors: list[BaseException] = []
        self.came: list[Envelope] = []
        self.told: dict[str, Outcome] = {}
        self.publisher = Publisher(connection, KEY, "a", lambda: AT, 1 << 20, self.errors.append)

    async def hear(self, message: Msg) -> None:
        envelope = unseal(KEY, message.data)
        assert envelope is not None
        self.came.append(envelope)

    def say(self, text: str) -> None:
        self.propose(text, Post("room", AT, speaker("Ada", b"a" * 16), text))

    def propose(self, name: str, entry: Entry) -> None:
        self.publisher.propose(entry, lambda outcome: self.told.update({name: outcome}))

    def begin(self, incarnation: str = "one", after: str = "") -> None:
        """Begin an incarnation, as if the beginning came back at once."""
        self.publisher.begin(incarnation, after, StartNode("", AT, "a", incarnation), lambda _: None)
        self.publisher.settled(1)
        self.publisher.go_on()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.001)

    def texts(self) -> list[list[str]]:
        """What each envelope says that came, but for beginnings, and for those that came again."""
        said = {}
        for envelope in self.came:
            found = decode_entries(envelope)
            if not isinstance(found[0] if found else None, StartNode):
                said[envelope.incarnation, envelope.n] = [one.text for one in found if isinstance(one, Post)]
        return list(said.values())


@pytest.fixture
async def bench(connection: Connection) -> AsyncIterator[Bench]:
    bench = Bench(connection)
    await connection.client.subscribe(SUBJECT, cb=bench.hear)
    work = [asyncio.create_task(bench.publisher.run()), asyncio.create_task(bench.publisher.watch())]
    yield bench
    await end(work)


async def test_what_is_proposed_in_one_turn_shares_an_envelope_and_a_beginning_is_alone_in_its_own(
    bench: Bench,
) -> None:
    bench.say("before the beginning")
    bench.begin()
    bench.say("one")
    bench.say("two")
    await bench.until(lambda: len(bench.came) >= 2)
    assert [(one.n, one.after) for one in bench.came[:2]] == [(1, ""), (2, "")]
    assert bench.texts() == [["before the beginning", "one", "two"]]


async def test_only_so_many_are_in_flight_and_the_rest_keeps_its_order(bench: Bench) -> None:
    bench.begin()
    count = (WINDOW + 2) * MOST_ENTRIES
    for number in range(count):
        bench.say(str(number))
    await bench.until(lambda: len(bench.texts()) == WINDOW)
    assert bench.publisher.waiting == 2 * MOST_ENTRIES
    for n in range(2, 2 + WINDOW):
        assert len(bench.publisher.settled(n)) == MOST_ENTRIES
    await bench.until(lambda: len(bench.texts()) == WINDOW + 2)
    assert [text for texts in bench.texts() for text in texts] == list(map(str, range(count)))


async def test_what_does_not_come_back_is_sent_again_in_order_with_the_same_number(bench: Bench) -> None:
    bench.begin()
    bench.say("lost")
    await bench.until(lambda: [one.n for one in bench.came].count(2) >= 3)
    bench.publisher.settled(2)
    assert bench.told == {}  # the outcome comes from the log, not from here
    assert len({bytes(one.entries) for one in bench.came if one.n == 2}) == 1


async def test_an_entry_that_cannot_be_sent_is_refused_and_its_neighbours_are_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(nodes.LEVEL_OF, Probe, 2)  # type: ignore[misc]
    bench.begin()
    bench.say("before")
    bench.propose("new", Probe("", AT))
    bench.propose("broken", Post("room", "now", speaker("Ada", b"a" * 16), "x"))  # type: ignore[arg-type]
    bench.say("after")
    await bench.until(lambda: len(bench.texts()) == 1)
    assert bench.texts() == [["before", "after"]]
    codes = {name: outcome.code for name, outcome in bench.told.items() if isinstance(outcome, Rejection)}
    assert codes == {"new": "unavailable", "broken": "internal"}
    assert len(bench.errors) == 1
    assert len(bench.publisher.settled(2)) == 2


async def test_when_others_end_the_incarnation_everything_is_refused_and_the_next_one_starts_anew(
    bench: Bench,
) -> None:
    bench.begin()
    bench.say("in flight")
    await bench.until(lambda: len(bench.texts()) == 1)
    bench.publisher.end()
    assert bench.told == {"in flight": Rejection("unavailable")}
    bench.say("later")
    bench.begin("two", after="one")
    await bench.until(lambda: len(bench.texts()) == 2)
    assert bench.texts()[1] == ["later"]
    first = next(one for one in bench.came if one.incarnation == "two")
    assert (first.n, first.after) == (1, "one")
