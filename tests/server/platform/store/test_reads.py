"""Pages of history have the requested events, in ascending order, and no more than fit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chatty.protocol import WELCOME_PARTICIPANTS
from chatty.server.business.entries import Connect, CreateRoom, Disconnect, Post, TrimRoom
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.schema import KINDS
from tests.server.platform.conftest import AT, OWNER, ROOM, Shelf
from tests.server.principals import speaker

MESSAGES = (KINDS["message"],)


def decoded(bodies: list[bytes]) -> list[Any]:
    return [msgspec.json.decode(body) for body in bodies]


async def test_a_page_goes_forward_from_a_number(shelf: Shelf) -> None:
    shelf.say(*map(str, range(1, 21)))
    page = await shelf.reads.page(await shelf.key(), after=5, limit=3)
    assert page.seqs == [6, 7, 8]
    assert [event["text"] for event in decoded(page.bodies)] == ["6", "7", "8"]


async def test_a_page_goes_backward_from_a_number_and_still_ascends(shelf: Shelf) -> None:
    shelf.say(*map(str, range(1, 21)))
    page = await shelf.reads.page(await shelf.key(), before=10, limit=3, newest=True)
    assert page.seqs == [7, 8, 9]
    newest = await shelf.reads.page(await shelf.key(), limit=4, newest=True)
    assert newest.seqs == [17, 18, 19, 20]


@pytest.mark.parametrize(("after", "before"), [(20, None), (0, 1), (0, 0), (7, 8), (100, None), (9, 3)])
async def test_where_there_is_nothing_a_page_is_empty(shelf: Shelf, after: int, before: int | None) -> None:
    shelf.say(*map(str, range(1, 21)))
    page = await shelf.reads.page(await shelf.key(), after=after, before=before)
    assert (page.seqs, page.bodies) == ([], [])


async def test_a_page_of_one_type_has_nothing_else_and_as_many_as_asked(shelf: Shelf) -> None:
    for number in range(5):
        shelf.say(str(number))
        shelf.come_and_go(10)
    page = await shelf.reads.page(await shelf.key(), limit=3, kinds=MESSAGES, newest=True)
    assert [event["text"] for event in decoded(page.bodies)] == ["2", "3", "4"]
    left = await shelf.reads.page(await shelf.key(), limit=2, kinds=(KINDS["participant_left"],))
    assert [event["event_type"] for event in decoded(left.bodies)] == ["participant_left"] * 2
    both = await shelf.reads.page(await shelf.key(), limit=4, kinds=(KINDS["participant_left"], *MESSAGES))
    assert both.seqs == sorted(both.seqs)
    assert len(both.seqs) == 4


@pytest.mark.parametrize("newest", [False, True])
async def test_a_page_ends_where_it_is_large_enough_but_has_one_event_at_least(shelf: Shelf, newest: bool) -> None:
    shelf.say(*("x" * 1_000 for _ in range(20)))
    key = await shelf.key()
    page = await shelf.reads.page(key, size=3_500, newest=newest)
    assert page.seqs == ([17, 18, 19, 20] if newest else [1, 2, 3, 4])
    one = await shelf.reads.page(key, size=1, newest=newest)
    assert one.seqs == ([20] if newest else [1])


async def test_pages_put_together_are_the_whole_history_both_ways(shelf: Shelf) -> None:
    shelf.say(*(str(number) * (number % 7 + 1) for number in range(1, 101)))
    key = await shelf.key()
    forward: list[int] = []
    while page := (await shelf.reads.page(key, after=forward[-1] if forward else 0, limit=7, size=500)).seqs:
        forward += page
    backward: list[int] = []
    while page := (
        await shelf.reads.page(key, before=backward[0] if backward else None, limit=9, size=700, newest=True)
    ).seqs:
        backward = page + backward
    assert forward == backward == list(range(1, 101))


async def test_a_page_keeps_all_texts_apart(shelf: Shelf) -> None:
    texts = ["two\nlines", "a\0b", "\u2028", "\x0a\x0d", '","', "\U0001f600"]
    shelf.say(*texts)
    page = await shelf.reads.page(await shelf.key())
    assert [event["text"] for event in decoded(page.bodies)] == texts


async def test_rooms_pages_do_not_mix(shelf: Shelf) -> None:
    shelf.apply(CreateRoom("other", AT, "Other", "", "epoch", OWNER))
    shelf.apply(Post("other", AT, speaker("Ada", b"a" * 16), "there"))
    shelf.say("here")
    other = await shelf.reads.room("other")
    assert other is not None
    assert (await shelf.reads.page(await shelf.key())).seqs == [1]
    assert [event["text"] for event in decoded((await shelf.reads.page(other.key)).bodies)] == ["there"]


async def test_the_newest_messages_are_found_behind_many_joins(shelf: Shelf) -> None:
    shelf.say("one", "two", "three")
    shelf.come_and_go(300)
    key = await shelf.key()
    assert await shelf.reads.before_newest_messages(key, 2) == 1
    assert await shelf.reads.before_newest_messages(key, 3) == 0
    assert await shelf.reads.before_newest_messages(key, 1_000) == 0
    page = await shelf.reads.page(key, after=1, limit=500, kinds=MESSAGES)
    assert [event["text"] for event in decoded(page.bodies)] == ["two", "three"]


async def test_a_room_without_messages_begins_at_its_beginning(shelf: Shelf) -> None:
    shelf.come_and_go(1)
    assert await shelf.reads.before_newest_messages(await shelf.key(), 5) == 0


async def test_first_and_last_are_the_numbers_of_kept_events(shelf: Shelf) -> None:
    shelf.say(*map(str, range(1, 11)))
    shelf.apply(TrimRoom(ROOM, AT, 4))
    view = await shelf.reads.room(ROOM)
    assert view is not None
    assert (view.info.first, view.info.last) == (4, 10)
    assert (await shelf.reads.page(view.key)).seqs == list(range(4, 11))


async def test_last_stays_when_everything_is_forgotten(shelf: Shelf) -> None:
    shelf.say(*map(str, range(1, 11)))
    shelf.apply(TrimRoom(ROOM, AT, 99))
    view = await shelf.reads.room(ROOM)
    assert view is not None
    assert (view.info.first, view.info.last, await shelf.reads.last(view.key)) == (11, 10, 10)
    shelf.say("next")
    assert (await shelf.reads.page(view.key)).seqs == [11]


async def test_the_first_event_since_a_moment_is_found(shelf: Shelf) -> None:
    for minute in range(10):
        shelf.say(str(minute), at=AT + minute * 60_000)
    key = await shelf.key()
    assert await shelf.reads.first_since(key, 1, AT + 3 * 60_000) == 4
    assert await shelf.reads.first_since(key, 1, AT + 3 * 60_000 + 1) == 5
    assert await shelf.reads.first_since(key, 1, AT - 1) == 1
    assert await shelf.reads.first_since(key, 1, AT + 3_600_000) == 11
    shelf.apply(TrimRoom(ROOM, AT, 6))
    assert await shelf.reads.first_since(key, 6, AT) == 6


async def test_a_room_shows_some_names_and_the_whole_number(shelf: Shelf) -> None:
    many = WELCOME_PARTICIPANTS + 20
    shelf.apply(*(
        Connect(ROOM, AT, f"node/1/{n}", speaker(f"Name {n:03}", b"%16d" % n)) for n in range(many)
    ))  # fmt: skip
    shelf.apply(Disconnect(ROOM, AT, "node/1/0", False))
    view = await shelf.reads.room(ROOM)
    assert view is not None
    assert view.info.participant_count == many
    assert view.names == [f"Name {n:03}" for n in range(WELCOME_PARTICIPANTS)]
    present = await shelf.reads.participants(view.key)
    assert len(present) == many
    assert [p.name for p in present if p.away] == ["Name 000"]
    assert await shelf.reads.away() == [(ROOM, "name 000", AT)]


async def test_an_unknown_room_is_none(shelf: Shelf) -> None:
    assert await shelf.reads.room("unknown") is None
    assert await shelf.reads.last(4711) == 0


async def test_readers_can_not_write(shelf: Shelf) -> None:
    with pytest.raises(StoreError, match=r"cannot write the data .*readonly"):
        await shelf.reads._rows("DELETE FROM events")
    assert await shelf.reads._rows("SELECT 1") == [(1,)]
