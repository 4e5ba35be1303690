"""Each event reaches every subscriber once and in order, however joins and messages interleave; a slow one is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from chatty.events import Message, RoomClosed
from chatty.protocol import Close
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.network.dialects import V1
from chatty.server.platform.pipeline.hub import Hub
from tests.server.platform.pipeline.listener import AT, ROOM, Closed, Listener, listening, payloads, said, stored


def test_events_are_held_until_a_subscriber_is_live() -> None:
    hub = Hub()
    subscriber = Listener(hub)
    hub.attach(subscriber, 0)
    hub.publish(ROOM, said(1, 2))
    assert subscriber.seqs == []
    hub.go_live(subscriber, "epoch")
    hub.publish(ROOM, said(3))
    assert subscriber.seqs == [1, 2, 3]


def test_events_that_were_read_from_history_are_not_sent_again() -> None:
    hub = Hub()
    subscriber = Listener(hub)
    hub.attach(subscriber, 0)
    hub.publish(ROOM, said(1, 2, 3))
    subscriber.position = 2
    hub.go_live(subscriber, "epoch")
    assert subscriber.seqs == [3]


def test_events_that_the_store_shows_before_the_hub_does_are_not_sent_again() -> None:
    hub = Hub()
    subscriber = listening(hub, position=2)  # it has read up to 2, of which the hub has not heard yet
    hub.publish(ROOM, said(1))
    assert subscriber.seqs == []
    hub.publish(ROOM, said(2, 3))
    hub.publish(ROOM, said(4))
    assert subscriber.seqs == [3, 4]


def test_a_fresh_subscriber_gets_ticks_and_the_rooms_end() -> None:
    hub = Hub()
    subscriber = listening(hub, position=2)
    hub.tick(quiet_since=float("inf"))
    hub.publish(ROOM, [stored(RoomClosed(3, AT))])
    assert [frame.get("seq", frame.get("last")) for frame in subscriber.frames] == [2, 3]
    assert subscriber.cuts == [Close.ROOM_CLOSED]
    assert hub.room_count == 0


def test_a_subscriber_that_joins_in_the_middle_of_a_batch_gets_its_own_join_first() -> None:
    hub = Hub()
    batch = said(7, 8, 9, 10)
    subscriber = Listener(hub)
    hub.attach(subscriber, 8)  # its join is event 9, and the batch is only delivered now
    hub.publish(ROOM, batch)
    hub.go_live(subscriber, "")
    hub.publish(ROOM, said(11))
    assert subscriber.seqs == [9, 10, 11]


def test_rooms_hear_nothing_of_each_other() -> None:
    hub = Hub()
    here, there = listening(hub), Listener(hub, room="another")
    hub.attach(there, 0)
    hub.go_live(there, "")
    hub.publish(ROOM, said(1))
    assert (here.seqs, there.seqs) == ([1], [])


def test_answers_go_out_before_the_events_of_their_batch() -> None:
    hub = Hub()
    subscriber = listening(hub)
    hub.answer(subscriber, b"\x81\x02{}")
    hub.answer(subscriber, b"\x81\x02[]")
    hub.flush_answers()
    hub.publish(ROOM, said(1))
    assert payloads(subscriber.line.written)[:2] == [b"{}", b"[]"]
    assert json.loads(payloads(subscriber.line.written)[2])["seq"] == 1


def test_a_slow_reader_is_cut_and_the_others_go_on() -> None:
    hub = Hub()
    slow, fine = listening(hub), listening(hub)
    slow.line.waiting = PLENTY.waiting + 1
    hub.publish(ROOM, said(1))
    slow.line.waiting = 0
    hub.publish(ROOM, said(2))
    assert (slow.seqs, slow.cuts) == ([], [Close.SLOW])
    assert (fine.seqs, fine.cuts) == ([1, 2], [])


def test_a_subscriber_that_does_not_read_its_answers_is_cut_and_the_others_get_theirs() -> None:
    hub = Hub()
    subscribers = [listening(hub) for _ in range(3)]
    subscribers[1].line.waiting = PLENTY.waiting + 1
    for subscriber in subscribers:
        hub.answer(subscriber, b"\x81\x02{}")
    hub.flush_answers()
    assert [subscriber.cuts for subscriber in subscribers] == [[], [Close.SLOW], []]
    assert [payloads(subscriber.line.written) for subscriber in subscribers] == [[b"{}"], [], [b"{}"]]


def test_a_rooms_end_is_delivered_and_ends_every_connection() -> None:
    hub = Hub()
    live, held = listening(hub), Listener(hub)
    hub.attach(held, 0)
    hub.publish(ROOM, [*said(1), stored(RoomClosed(2, AT))])
    assert (live.seqs, live.cuts) == ([1, 2], [Close.ROOM_CLOSED])
    assert held.cuts == []
    hub.go_live(held, "epoch")
    assert (held.seqs, held.cuts) == ([1, 2], [Close.ROOM_CLOSED])
    assert hub.room_count == 0


def test_nothing_is_kept_of_rooms_without_subscribers() -> None:
    hub = Hub()
    live, held = listening(hub), Listener(hub)
    hub.attach(held, 0)
    hub.detach(live)
    hub.detach(held)
    hub.detach(held)
    assert hub.room_count == 0
    hub.go_live(held, "epoch")
    hub.publish(ROOM, said(1))
    assert (live.seqs, held.seqs) == ([], [])


def test_a_subscriber_that_was_held_does_not_get_its_last_event_again() -> None:
    hub = Hub()
    subscriber = Listener(hub)
    hub.attach(subscriber, 0)
    hub.publish(ROOM, said(1, 2))
    hub.go_live(subscriber, "epoch")
    assert subscriber.position == 2
    hub.publish(ROOM, said(2, 3))
    assert subscriber.seqs == [1, 2, 3]


def test_a_subscriber_that_is_gone_gets_no_answers_and_none_comes_twice() -> None:
    hub = Hub()
    stays, leaves = listening(hub), listening(hub)
    for subscriber in (stays, leaves):
        hub.answer(subscriber, b"\x81\x02{}")
    hub.detach(leaves)
    hub.flush_answers()
    hub.flush_answers()
    assert (payloads(stays.line.written), leaves.line.written) == ([b"{}"], b"")


def test_as_much_may_wait_as_is_allowed_and_no_more() -> None:
    hub = Hub(most_waiting=100)
    fine, fresh, slow = (listening(hub) for _ in range(3))
    for subscriber, waiting in ((fine, 100), (fresh, 100), (slow, 101)):
        subscriber.line.waiting = waiting
    hub.publish(ROOM, said(1))
    assert [subscriber.cuts for subscriber in (fine, fresh, slow)] == [[], [], [Close.SLOW]]
    long = "x" * 8_192
    fine.line.waiting = 101
    hub.publish(ROOM, [stored(Message(2, AT, "Ada", long))])
    assert [subscriber.cuts for subscriber in (fine, fresh)] == [[Close.SLOW], []]
    hub.detach(fresh)
    assert hub.room_count == 0


@pytest.mark.parametrize(("events", "cuts"), [(4_096, []), (4_097, [Close.SLOW])])
def test_a_subscriber_for_which_too_much_is_held_is_cut(events: int, cuts: list[Close]) -> None:
    hub = Hub()
    subscriber = Listener(hub)
    hub.attach(subscriber, 0)
    for event in said(*range(1, events + 1)):
        hub.publish(ROOM, [event])
    assert subscriber.cuts == cuts
    assert hub.room_count == (0 if cuts else 1)
    hub.go_live(subscriber, "epoch")
    assert len(subscriber.seqs) == (0 if cuts else events)


def test_a_closed_transport_harms_nobody_and_is_not_written_to_again() -> None:
    hub = Hub()
    closed = Closed()
    listening(hub, line=closed)
    fine = listening(hub)
    for seq in (1, 2, 3):
        hub.publish(ROOM, said(seq))
    assert fine.seqs == [1, 2, 3]
    assert closed.attempts == 2  # as one that is fresh, and as one of an audience
    hub.detach(fine)
    assert hub.room_count == 0


class Interleaved(RuleBasedStateMachine):
    """History is a list that grows; subscribers read it up to some point, as `follow` does, and then go live."""

    catching_up = Bundle("catching_up")
    live = Bundle("live")

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.last = 0
        self.everybody: list[tuple[Listener, int]] = []

    @rule(count=st.integers(1, 5))
    def talk(self, count: int) -> None:
        self.hub.publish(ROOM, said(*range(self.last + 1, self.last + count + 1)))
        self.last += count

    @rule(target=catching_up, back=st.integers(0, 5))
    def attach(self, back: int) -> Listener:
        subscriber = Listener(self.hub)
        since = max(0, self.last - back)
        self.everybody.append((subscriber, since))
        self.hub.attach(subscriber, since)
        return subscriber

    @rule(subscriber=catching_up, count=st.integers(0, 4))
    def read_a_page(self, subscriber: Listener, count: int) -> None:
        if subscriber.held is None:
            return
        page = range(subscriber.position + 1, min(self.last, subscriber.position + count) + 1)
        if page:
            subscriber.send(V1.events(said(*page), "epoch"))
            subscriber.position = page[-1]

    @rule(target=live, subscriber=consumes(catching_up))
    def go_live(self, subscriber: Listener) -> Listener:
        # As follow does: only once nothing is missing before what is held.
        begin = next(since for one, since in self.everybody if one is subscriber)
        held = [seq for seq, _, _ in subscriber.held or []]
        behind = range(subscriber.position + 1, held[0] if held else self.last + 1)
        assert begin <= subscriber.position
        if behind:
            subscriber.send(V1.events(said(*behind), "epoch"))
            subscriber.position = behind[-1]
        self.hub.go_live(subscriber, "epoch")
        return subscriber

    @rule(subscriber=consumes(live))
    def leave(self, subscriber: Listener) -> None:
        self.hub.detach(subscriber)
        self.everybody = [(one, since) for one, since in self.everybody if one is not subscriber]

    @invariant()
    def everybody_has_heard_everything_once_and_in_order(self) -> None:
        for subscriber, since in self.everybody:
            upto = subscriber.position if subscriber.held is not None else self.last
            assert subscriber.seqs == list(range(since + 1, upto + 1))


TestInterleaved = Interleaved.TestCase
TestInterleaved.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
