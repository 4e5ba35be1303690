"""Housekeeping by clocks of the test's own: it closes and forgets what is due, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from chatty.server.business import rights
from chatty.server.business.entries import CreateRoom, Entry, Issue, Post, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import MEMBER, OPERATOR, SERVER
from chatty.server.platform.pipeline.housekeeping import (
    CLOCK_SECONDS,
    DISTRUST_SECONDS,
    LEAST_EVENTS,
    TRIM_EVENTS,
    Housekeeping,
)
from chatty.server.platform.store.reads import Reads
from tests.server.platform.conftest import AT, OWNER, ROOM, Shelf
from tests.server.principals import speaker

T = TypeVar("T")
DAY = 86_400.0


class CountingReads(Reads):
    """Counts the queries to the store."""

    asked = 0

    async def _ask(self, question: Callable[[Any], T]) -> T:
        self.asked += 1
        return await super()._ask(question)


class House:
    """A shelf that is kept in order by clocks of the test's own: the wall's, and the time that really goes by."""

    def __init__(self, shelf: Shelf, retain_events: int, retain_age_seconds: float) -> None:
        self.shelf = shelf
        self.log = self
        self.disk_is_full = False
        self.reads = CountingReads(shelf.store.path)
        self.wall, self.up = AT / 1000, 0.0
        self._housekeeping = Housekeeping(
            self,  # type: ignore[arg-type]
            retain_events, round(retain_age_seconds * 1000), self.now(), self.up,
        )  # fmt: skip

    def now(self) -> int:
        return round(self.wall * 1000)

    async def commit(self, entry: Entry) -> Outcome:
        if self.disk_is_full:
            return Rejection("unavailable")
        return self.shelf.store.apply([entry]).outcomes[0]

    def rank(self, room: str) -> int:
        return 0

    async def live(self, seconds: float, *, ahead: float = 0.0) -> int:
        """Let time go by, and the wall clock jump ``ahead`` of it; how many questions housekeeping asked then."""
        self.up += seconds
        self.wall += seconds + ahead
        before = self.reads.asked
        await self._housekeeping.do(self.now(), self.up)
        return self.reads.asked - before

    async def first(self, room: str = ROOM) -> int:
        view = await self.reads.room(room)
        assert view is not None
        return view.info.first

    async def is_open(self, room: str) -> bool:
        view = await self.reads.room(room)
        assert view is not None
        return not view.closed_at


@pytest.fixture
async def keep(shelf: Shelf) -> AsyncIterator[Callable[[int, float], House]]:
    """Makes a house that keeps so many messages, for so many seconds."""
    houses = []

    def make(retain_events: int, retain_age_seconds: float) -> House:
        houses.append(House(shelf, retain_events, retain_age_seconds))
        return houses[-1]

    yield make
    for house in houses:
        house.reads.close()


Keep = Callable[[int, float], House]


async def test_messages_that_are_too_old_are_forgotten_a_minute_after_the_start(shelf: Shelf, keep: Keep) -> None:
    shelf.say("old", at=AT - 2_000)
    shelf.say("new", at=AT + 1_000_000)
    house = keep(0, 1.0)
    await house.live(CLOCK_SECONDS - 1)
    assert await house.first() == 1
    await house.live(1)
    assert await house.first() == 2


async def test_a_clock_that_jumps_ahead_deletes_nothing_for_an_hour_and_is_logged(shelf: Shelf, keep: Keep) -> None:
    shelf.apply(CreateRoom("another", AT, "Another room", "", "epoch", OWNER, AT + 30 * 86_400_000))
    shelf.say("hello")
    house = keep(0, 30 * DAY)
    await house.live(CLOCK_SECONDS)
    with capture_logs() as said:
        await house.live(10, ahead=40 * DAY)
        await house.live(DISTRUST_SECONDS - 1)
    (warning,) = said
    assert (warning["log_level"], warning["seconds"]) == ("warning", 40 * DAY)
    assert (await house.first(), await house.is_open("another")) == (1, True)
    await house.live(1)
    assert (await house.first(), await house.is_open("another")) == (2, False)


async def test_when_a_jump_ahead_has_gone_away_the_clock_is_believed_a_minute_later(shelf: Shelf, keep: Keep) -> None:
    shelf.say("old", at=AT - 2_000)
    house = keep(0, 1.0)
    await house.live(10, ahead=40 * DAY)
    await house.live(10, ahead=-40 * DAY)
    await house.live(CLOCK_SECONDS - 1)
    assert await house.first() == 1
    await house.live(1)
    assert await house.first() == 2


async def test_every_further_jump_begins_the_hour_anew(shelf: Shelf, keep: Keep) -> None:
    shelf.say("hello")
    house = keep(0, 3600.0)
    for _ in range(3):
        await house.live(DISTRUST_SECONDS - 1, ahead=2 * 3600)
    assert await house.first() == 1


async def test_a_clock_that_was_put_right_in_time_has_deleted_nothing(shelf: Shelf, keep: Keep) -> None:
    shelf.say("hello")
    house = keep(0, 30 * DAY)
    await house.live(CLOCK_SECONDS)
    await house.live(70, ahead=40 * DAY)
    await house.live(10, ahead=-40 * DAY)
    await house.live(DAY)
    assert await house.first() == 1


async def test_a_machine_that_slept_goes_on_at_once(shelf: Shelf, keep: Keep) -> None:
    shelf.say("hello")
    house = keep(0, 3600.0)
    await house.live(10)
    await house.live(8 * 3600)
    assert await house.first() == 2


async def test_an_age_beyond_all_history_keeps_all_of_it(shelf: Shelf, keep: Keep) -> None:
    shelf.say("hello")
    house = keep(0, 999_999 * 7 * DAY)
    await house.live(CLOCK_SECONDS)
    assert await house.first() == 1


async def test_a_room_with_no_more_messages_than_are_kept_stays_whole(shelf: Shelf, keep: Keep) -> None:
    shelf.come_and_go(100)
    shelf.say("a", "b", "c")
    shelf.come_and_go(100)
    house = keep(3, 0.0)
    await house.live(CLOCK_SECONDS)
    assert await house.first() == 1


async def test_an_endless_row_of_changes_is_not_kept_forever(shelf: Shelf, keep: Keep) -> None:
    shelf.say("a")
    shelf.come_and_go(LEAST_EVENTS // 2 + 10)
    house = keep(3, 0.0)
    await house.live(CLOCK_SECONDS)
    key = await shelf.key()
    assert await shelf.reads.last(key) - await house.first() + 1 == LEAST_EVENTS


async def test_the_newest_messages_are_kept_and_idle_rooms_are_not_looked_at(shelf: Shelf, keep: Keep) -> None:
    for number in range(20):
        room = f"room-{number}"
        shelf.apply(CreateRoom(room, AT, room, "", "epoch", OWNER))
        shelf.apply(*(Post(room, AT, speaker("Ada", b"a" * 16), text) for text in "abcde"))
    house = keep(3, DAY)
    await house.live(10)
    assert await house.first("room-7") == 3
    await house.live(10)
    assert await house.live(10) == 1
    shelf.say(*"fghij")
    await house.live(10)
    assert await house.first() == 3
    await house.live(CLOCK_SECONDS)
    quiet = await house.live(10)
    shelf.apply(*(CreateRoom(f"more-{number}", AT, "More", "", "epoch", OWNER) for number in range(20)))
    await house.live(10)
    assert await house.live(10) == quiet


async def test_messages_that_a_full_disk_kept_are_forgotten_later(shelf: Shelf, keep: Keep) -> None:
    shelf.say(*map(str, range(TRIM_EVENTS + 10)))
    house = keep(3, 0)
    house.disk_is_full = True
    await house.live(10)
    house.disk_is_full = False
    await house.live(10)
    assert await house.first() == TRIM_EVENTS + 8


async def test_rights_are_forgotten_a_week_after_their_end_but_not_by_a_clock_that_has_jumped(
    shelf: Shelf, keep: Keep
) -> None:
    shelf.apply(Issue(SERVER, AT, OPERATOR, "t1", b"hash", rights.OWNER, "ada", "ada", b"a" * 16, MEMBER, AT + 1))
    house = keep(0, 0.0)
    await house.live(CLOCK_SECONDS + 1)
    await house.live(1, ahead=8 * 24 * 3600)
    assert [token.id for token in await house.reads.access.tokens(None)] == ["t1"]
    await house.live(DISTRUST_SECONDS)
    assert await house.reads.access.tokens(None) == []
