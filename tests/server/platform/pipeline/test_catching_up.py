"""Catching up while the room goes on is exact, or begins with a gap. A room's end is the connection's end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatty.events import StreamPosition
from chatty.protocol import Close
from chatty.server.business.entries import CloseRoom, Entry, Post, TrimRoom
from chatty.server.platform.network.dialects import V1
from chatty.server.platform.pipeline.catching_up import StartAt, follow
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import Subscriber
from tests.server.platform.conftest import AT, OWNER, ROOM, Shelf
from tests.server.platform.pipeline.listener import Line, payloads
from tests.server.principals import NOBODY, owning, speaker


class Follower(Subscriber):
    """A reader that lets the test act between two pages."""

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        super().__init__(V1, ROOM, NOBODY)
        self.line = Line()
        self.connect(self.line)
        self.cuts: list[Close] = []
        self.between = between

    def now(self) -> int:
        return 0

    async def drained(self) -> None:
        between, self.between = self.between, lambda: None
        between()

    def cut(self, code: Close) -> None:
        self.cuts.append(code)

    @property
    def frames(self) -> list[Any]:
        return [json.loads(payload) for payload in payloads(self.line.written)]

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame]


class Place:
    """The shelf's room, with a hub that gets its events as the server's does."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.hub = Hub()

    def apply(self, *entries: Entry) -> None:
        for room, events in self.shelf.store.apply(entries).events.items():
            self.hub.publish(room, events)

    async def follow(self, follower: Follower, start: StartAt) -> None:
        view = await self.shelf.reads.room(ROOM)
        assert view is not None
        await follow(follower, self.shelf.reads, self.hub, view, start)


@pytest.fixture
def place(shelf: Shelf) -> Place:
    return Place(shelf)


def after(seq: int, epoch: str) -> StartAt:
    return StartAt(StreamPosition(epoch, seq))


def messages(*texts: str) -> list[Entry]:
    return [Post(ROOM, AT, speaker("Ada", b"a" * 16), text) for text in texts]


async def test_events_while_a_reader_catches_up_come_once_and_in_order(place: Place) -> None:
    place.shelf.say(*map(str, range(1_700)))
    follower = Follower(lambda: place.apply(*messages(*map(str, range(300)))))
    await place.follow(follower, after(0, "epoch"))
    place.apply(*messages("live"))
    assert follower.seqs == list(range(1, 2_002))
    assert [frame for frame in follower.frames if frame["event_type"] == "live"] == [
        {"event_type": "live", "last": 2_000}
    ]


@pytest.mark.parametrize("size", [10, 1_700])
async def test_a_room_that_closes_while_a_reader_catches_up_is_sent_to_its_end_and_ends_the_connection(
    place: Place, size: int
) -> None:
    place.shelf.say(*map(str, range(size)))
    follower = Follower(lambda: place.apply(CloseRoom(ROOM, AT, owning(OWNER))))
    await place.follow(follower, after(0, "epoch"))
    assert follower.seqs == list(range(1, size + 2))
    assert [f["event_type"] for f in follower.frames if f.get("seq") == size + 1] == ["room_closed"]
    assert follower.cuts == [Close.ROOM_CLOSED]
    assert place.hub.room_count == 0


async def test_events_that_are_forgotten_while_a_reader_catches_up_make_a_gap(place: Place) -> None:
    place.shelf.say(*map(str, range(1_700)))
    follower = Follower(lambda: place.apply(TrimRoom(ROOM, AT, 1_001)))
    await place.follow(follower, after(0, "epoch"))
    assert follower.seqs == [*range(1, 501), *range(1_001, 1_701)]
    gap = follower.frames[500]
    assert (gap["event_type"], gap["reason"], gap["first"], gap["last"]) == ("gap", "retention", 1_001, 1_700)


async def test_a_history_that_is_forgotten_to_the_end_makes_a_gap(place: Place) -> None:
    place.shelf.say(*map(str, range(1_700)))
    follower = Follower(lambda: place.apply(TrimRoom(ROOM, AT, 1_701)))
    await place.follow(follower, after(0, "epoch"))
    assert follower.frames[500:] == [
        {"event_type": "gap", "reason": "retention", "first": 1_701, "last": 1_700},
        {"event_type": "live", "last": 1_700},
    ]


@pytest.mark.parametrize(
    ("start", "reason", "seqs"),
    [
        (after(5, "epoch"), None, range(6, 11)),
        (after(5, ""), None, range(6, 11)),
        (after(3, "epoch"), None, range(4, 11)),
        (after(10, "epoch"), None, []),
        (after(2, "epoch"), "retention", range(4, 11)),
        (after(0, ""), "retention", range(4, 11)),
        (after(11, "epoch"), "ahead", []),
        (after(5, "another"), "epoch", range(4, 11)),
        (StartAt(), None, []),
        (StartAt(newest=3), None, range(8, 11)),
        (StartAt(newest=100), None, range(4, 11)),
    ],
)
async def test_resuming_is_exact_or_names_the_gap_before_anything_else(
    place: Place, start: StartAt, reason: str | None, seqs: range
) -> None:
    place.shelf.say(*map(str, range(10)))
    place.shelf.apply(TrimRoom(ROOM, AT, 4))
    follower = Follower()
    await place.follow(follower, start)
    assert follower.seqs == list(seqs)
    gaps = [] if reason is None else [{"event_type": "gap", "reason": reason, "first": 4, "last": 10}]
    assert [frame for frame in follower.frames if frame["event_type"] == "gap"] == gaps
    assert follower.frames[: len(gaps)] == gaps
    assert follower.frames[-1] == {"event_type": "live", "last": 10}


async def test_messages_after_the_welcome_do_not_count_as_the_newest_that_were_asked_for(place: Place) -> None:
    place.shelf.say(*map(str, range(10)))
    welcomed = await place.shelf.reads.room(ROOM)
    assert welcomed is not None
    place.apply(*messages("new", "newer"))
    follower = Follower()
    await follow(follower, place.shelf.reads, place.hub, welcomed, StartAt(newest=3))
    assert follower.seqs == [8, 9, 10, 11, 12]
