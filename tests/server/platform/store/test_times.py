"""Times that a wrong clock gave are corrected where they are stored, and nothing else changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from chatty.events import Event, Message, milliseconds, rfc3339
from chatty.protocol import encode
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CorrectTimes,
    CreateRoom,
    Delete,
    Disconnect,
    Edit,
    Entry,
    Post,
    React,
    Rename,
    SetPolicy,
    SetTopic,
    TrimRoom,
)
from chatty.server.business.rights import OPERATOR, Trust
from chatty.server.platform.store.schema import decode_time
from chatty.server.platform.store.times import Span
from tests.server.platform.conftest import AT, OWNER, ROOM, Shelf
from tests.server.principals import owning, speaker

HOUR = 3_600_000
YEAR = 365 * 24 * HOUR
WHOSE: dict[str, Any] = {"room": ROOM, "who": speaker("Ada", b"a" * 16)}


def stored(shelf: Shelf, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(shelf.store.path)) as db:
        return db.execute(sql, values).fetchall()


def bodies(shelf: Shelf, room: int = 1) -> list[bytes]:
    return [body for (body,) in stored(shelf, "SELECT body FROM events WHERE key >> 32 = ? ORDER BY key", room)]


def times(shelf: Shelf, room: int = 1) -> list[int]:
    """When a room's events happened, in milliseconds after AT."""
    return [milliseconds(decode_time(body).at) - AT for body in bodies(shelf, room)]


def say(shelf: Shelf, *after: int, room: str = ROOM, **more: Any) -> None:
    shelf.apply(*(Post(room, AT + ms, speaker("Ada", b"a" * 16), f"at {ms}", **more) for ms in after))


def correct(shelf: Shelf, after: int, *, by: int = YEAR, since: int = YEAR) -> None:
    shelf.apply(CorrectTimes("", AT + after, AT + since, by))


def test_what_was_said_under_a_wrong_clock_gets_its_right_time(shelf: Shelf) -> None:
    say(shelf, 0, YEAR + 10, YEAR + 20)
    correct(shelf, 30)
    say(shelf, 40)
    assert times(shelf) == [0, 10, 20, 40]


def test_what_was_proposed_in_the_same_batch_is_corrected_too_and_what_follows_has_its_own_time(shelf: Shelf) -> None:
    shelf.apply(
        Post(ROOM, AT + YEAR, speaker("Ada", b"a" * 16), "wrong"),
        CorrectTimes("", AT + 5, AT + YEAR, YEAR),
        Post(ROOM, AT + 6, speaker("Ada", b"a" * 16), "right"),
    )
    assert times(shelf) == [0, 6]


def test_no_time_gets_before_an_earlier_one_or_after_the_present(shelf: Shelf) -> None:
    say(shelf, 100, YEAR + 10, YEAR + 500)
    correct(shelf, 200)
    assert times(shelf) == [100, 100, 200]


def test_every_room_is_corrected_also_one_in_which_nothing_is_said_any_more(shelf: Shelf) -> None:
    for room in ("another", "right"):
        shelf.apply(CreateRoom(room, AT, room, "", "epoch", OWNER))
    say(shelf, YEAR)
    say(shelf, YEAR + 1, room="another")
    say(shelf, 7, room="right")
    correct(shelf, 10)
    assert [times(shelf, room) for room in (1, 2, 3)] == [[0], [1], [7]]


def test_nothing_but_the_time_changes_in_any_kind_of_event(shelf: Shelf) -> None:
    """Texts that look like what is sought among them."""
    text, at = '"at":"x", "seq":9 \x00 é "', AT + YEAR
    entries: list[Entry] = [
        Connect(ROOM, at, "node/1/1", speaker("Ada", b"a" * 16, Trust.NONE)),
        Post(ROOM, at, speaker("Ada", b"a" * 16), text),
        Post(ROOM, at, speaker("Ada", b"a" * 16), text, reply_to=2, action=True),
        Edit(at=at, of=2, text=text * 2, **WHOSE),
        React(at=at, of=2, reaction="👍", **WHOSE),
        Delete(at=at, of=3, **WHOSE),
        SetTopic(at=at, topic=text, **WHOSE),
        Rename(at=at, new_name='at":"', new_key='at":"', **WHOSE),
        Disconnect(ROOM, at, "node/1/1", True),
        SetPolicy(ROOM, at, OPERATOR, locked=True),
        CloseRoom(ROOM, at, owning(OWNER)),
    ]
    shelf.apply(*entries)
    before = bodies(shelf)
    correct(shelf, 10)
    assert len({body.split(b'"')[3] for body in before}) == len(Event.__subclasses__())
    assert [body.replace(rfc3339(at).encode(), rfc3339(AT).encode()) for body in before] == bodies(shelf)


def test_a_message_is_amended_with_its_right_time(shelf: Shelf) -> None:
    say(shelf, YEAR)
    correct(shelf, 10)
    shelf.apply(Edit(at=AT + 20, of=1, text="new", **WHOSE))
    assert bodies(shelf)[0] == encode(Message(1, rfc3339(AT), "Ada", "new", edited=2))


def test_a_room_that_was_made_then_is_made_and_ends_at_its_right_time(shelf: Shelf) -> None:
    shelf.apply(CreateRoom("ahead", AT + YEAR, "Ahead", "", "epoch", OWNER, AT + YEAR + HOUR))
    shelf.apply(CreateRoom("lasting", AT + YEAR, "Lasting", "", "epoch", OWNER))
    shelf.apply(CreateRoom("right", AT, "Right", "", "epoch", OWNER, AT + 2 * YEAR))
    correct(shelf, 10)
    rows = stored(shelf, "SELECT created_at, expires_at, closed_at FROM rooms WHERE key > 1 ORDER BY key")
    assert rows == [(AT, AT + HOUR, 0), (AT, 0, 0), (AT, AT + 2 * YEAR, 0)]
    say(shelf, HOUR - 1, HOUR, room="ahead")
    assert times(shelf, 2) == [HOUR - 1]


def test_a_room_that_was_closed_then_is_closed_since_its_right_time(shelf: Shelf) -> None:
    shelf.apply(CloseRoom(ROOM, AT + YEAR + 5, owning(OWNER)))
    correct(shelf, 10)
    assert stored(shelf, "SELECT closed_at FROM rooms") == [(AT + 5,)]
    assert times(shelf) == [5]


def test_when_events_were_forgotten_does_not_hold_up_the_time_of_a_room(shelf: Shelf) -> None:
    say(shelf, 1, YEAR)
    shelf.apply(TrimRoom(ROOM, AT + YEAR, 3))
    correct(shelf, 10)
    say(shelf, 20)
    assert times(shelf) == [20]
    assert stored(shelf, "SELECT trimmed_at FROM rooms") == [(rfc3339(AT),)]


def test_no_time_gets_before_that_of_what_was_forgotten(shelf: Shelf) -> None:
    say(shelf, 50)
    shelf.apply(TrimRoom(ROOM, AT + 60, 2))
    say(shelf, YEAR)
    correct(shelf, 70)
    assert times(shelf) == [50]


def test_producers_and_idempotency_keys_are_not_kept_longer(shelf: Shelf) -> None:
    say(shelf, YEAR + 3, producer="p", n=1)
    say(shelf, YEAR + 4, idempotency_key="k", digest=b"d")
    correct(shelf, 10)
    assert stored(shelf, "SELECT at FROM producers") == [(AT + 3,)]
    assert stored(shelf, "SELECT at FROM receipts") == [(AT + 4,)]
    say(shelf, 20, producer="p", n=2)
    assert times(shelf) == [3, 4, 20]


async def test_readers_find_what_was_corrected_by_its_time(shelf: Shelf) -> None:
    say(shelf, 0, YEAR + 10, YEAR + 20)
    correct(shelf, 30)
    key = await shelf.key()
    assert [await shelf.reads.first_since(key, 1, AT + ms) for ms in (0, 10, 11, 20, 21)] == [1, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("since", "span"),
    [(0, (0, YEAR + 20)), (1, (YEAR + 5, YEAR + 20)), (YEAR + 6, (YEAR + 20, YEAR + 20)), (YEAR + 21, None)],
)
async def test_what_rooms_have_from_a_time_on_is_told(shelf: Shelf, since: int, span: tuple[int, int] | None) -> None:
    say(shelf, 0, YEAR + 20)
    shelf.apply(CreateRoom("another", AT + YEAR + 5, "Another", "", "epoch", OWNER))
    assert await shelf.reads.span_since(AT + since) == (span and Span(AT + span[0], AT + span[1]))


@pytest.mark.parametrize(("before", "newest"), [(YEAR + 21, YEAR + 20), (YEAR + 20, YEAR + 5), (YEAR + 5, 7), (7, 0)])
async def test_the_newest_that_rooms_have_from_before_a_time_is_told(shelf: Shelf, before: int, newest: int) -> None:
    say(shelf, 0, 7, YEAR + 20)
    shelf.apply(CreateRoom("another", AT + YEAR + 5, "Another", "", "epoch", OWNER))
    assert await shelf.reads.newest_before(AT + before) == AT + newest


async def test_it_may_be_that_of_a_producer_or_of_an_idempotency_key_in_a_room_whose_time_stands_still(
    shelf: Shelf,
) -> None:
    say(shelf, YEAR)
    say(shelf, 5, producer="p", n=1)
    assert await shelf.reads.newest_before(AT + YEAR) == AT + 5
    say(shelf, 6, idempotency_key="k", digest=b"d")
    assert await shelf.reads.newest_before(AT + YEAR) == AT + 6
    assert await shelf.reads.newest() == AT + YEAR


async def test_a_damaged_event_has_no_time(shelf: Shelf) -> None:
    say(shelf, 7, 8)
    with closing(sqlite3.connect(shelf.store.path)) as db, db:
        db.execute("UPDATE events SET body = x'ff' WHERE key = (SELECT max(key) FROM events)")
    assert await shelf.reads.newest_before(AT + YEAR) == AT
    assert await shelf.reads.span_since(AT + 1) is None
    say(shelf, YEAR)
    correct(shelf, 9)
    assert bodies(shelf)[1] == b"\xff"
    assert decode_time(bodies(shelf)[2]).at == rfc3339(AT)


def test_an_event_that_was_damaged_ahead_stays_as_it_is(shelf: Shelf) -> None:
    say(shelf, YEAR, YEAR + 1, YEAR + 2)
    with closing(sqlite3.connect(shelf.store.path)) as db, db:
        db.execute("UPDATE events SET body = x'ff' WHERE key & 3 = 2")
    correct(shelf, 9)
    assert bodies(shelf)[1] == b"\xff"
    assert decode_time(bodies(shelf)[2]).at == rfc3339(AT + 2)


def test_what_was_corrected_for_no_reason_can_be_taken_back(shelf: Shelf) -> None:
    say(shelf, YEAR + 10, YEAR + 20)
    correct(shelf, 30)
    say(shelf, 40)
    shelf.apply(CorrectTimes("", AT + YEAR + 50, AT + 1, -YEAR))
    say(shelf, YEAR + 60)
    assert times(shelf) == [YEAR + 10, YEAR + 20, YEAR + 40, YEAR + 60]
