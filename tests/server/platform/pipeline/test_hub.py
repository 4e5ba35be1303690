"""Each event reaches every subscriber once and in order, however joins and messages interleave; a slow one is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from chatty.events import Happening, Message, RoomClosed
from chatty.protocol import Close, encode
from chatty.server.memory import PLENTY
from chatty.server.platform.network.dialects import SEED, SSE, SSE_CHUNKED, V1
from chatty.server.platform.pipeline.hub import MOST_HELD, Hub
from chatty.server.platform.pipeline.subscriber import Dialect, Subscriber
from chatty.server.platform.store.applying import StoredEvent

ROOM = "a room"
AT = "2026-11-23T12:00:00.123Z"


class Line:
    """A connection that remembers what was written, and whose buffer is as full as the test says."""

    def __init__(self) -> None:
        self.written = b""
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Closed(Line):
    """Behaves as a closed transport of uvloop."""

    def write(self, data: bytes) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed")


class Listener(Subscriber):
    """A subscriber that remembers everything it was sent, and why it was cut."""

    def __init__(self, hub: Hub, line: Line | None = None, dialect: Dialect = V1, room: str = ROOM) -> None:
        super().__init__(dialect, room)
        self.hub = hub
        self.line = line or Line()
        self.cuts: list[Close] = []
        self.connect(self.line)

    def cut(self, code: Close) -> None:
        self.cuts.append(code)

    @property
    def frames(self) -> list[Any]:
        return [json.loads(payload) for payload in payloads(self.line.written)]

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames]


def payloads(written: bytes) -> list[bytes]:
    """The texts in whole, unmasked frames."""
    found = []
    while written:
        assert written[0] == 0x81
        begin, size = 2, written[1]
        if size == 126:
            begin, size = 4, int.from_bytes(written[2:4])
        found.append(written[begin : begin + size])
        written = written[begin + size :]
    return found


def stored(event: Happening) -> StoredEvent:
    return event.seq, encode(event), event


def said(*seqs: int) -> list[StoredEvent]:
    return [stored(Message(seq, AT, "Ada", f"number {seq}")) for seq in seqs]


def listening(hub: Hub, position: int = 0, line: Line | None = None, dialect: Dialect = V1) -> Listener:
    subscriber = Listener(hub, line, dialect)
    hub.attach(subscriber, position)
    hub.go_live(subscriber, "epoch")
    return subscriber


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


def test_both_dialects_get_the_same_events_in_their_own_frames() -> None:
    hub = Hub()
    v1, seed = listening(hub), Listener(hub, dialect=SEED)
    hub.attach(seed, 0)
    hub.go_live(seed, "")
    hub.publish(ROOM, said(1))
    assert payloads(seed.line.written) == [b'{"text":"number 1","participant":"Ada"}']
    assert v1.seqs == [1]


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
    assert hub.cut_slow == 1


def test_a_subscriber_that_does_not_read_its_answers_is_cut_and_the_others_get_theirs() -> None:
    hub = Hub()
    subscribers = [listening(hub) for _ in range(3)]
    subscribers[1].line.waiting = PLENTY.waiting + 1
    for subscriber in subscribers:
        hub.answer(subscriber, b"\x81\x02{}")
    hub.flush_answers()
    assert [subscriber.cuts for subscriber in subscribers] == [[], [Close.SLOW], []]
    assert [payloads(subscriber.line.written) for subscriber in subscribers] == [[b"{}"], [], [b"{}"]]


def test_a_subscriber_for_which_too_much_is_held_is_cut() -> None:
    hub = Hub()
    subscriber = Listener(hub)
    hub.attach(subscriber, 0)
    for begin in range(1, MOST_HELD + 1025, 1024):
        hub.publish(ROOM, said(*range(begin, begin + 1024)))
    assert subscriber.cuts == [Close.SLOW]
    hub.go_live(subscriber, "epoch")
    assert subscriber.seqs == []


def test_a_closed_transport_harms_nobody() -> None:
    hub = Hub()
    listening(hub, line=Closed())
    fine = listening(hub)
    hub.publish(ROOM, said(1))
    hub.publish(ROOM, said(2))
    assert fine.seqs == [1, 2]


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


@pytest.mark.parametrize("position", [0, 44])
def test_a_quiet_room_sends_its_last_number_also_if_nothing_has_happened_since_the_start(position: int) -> None:
    hub = Hub()
    subscriber = listening(hub, position)
    hub.tick(quiet_since=0)
    assert subscriber.frames == []
    hub.tick(quiet_since=1e12)
    assert subscriber.frames == [{"event_type": "tick", "last": position}]


def test_ticks_and_typing_reach_the_dialects_that_know_them() -> None:
    hub = Hub()
    typist, v1 = listening(hub), listening(hub)
    others = [listening(hub, dialect=dialect) for dialect in (SEED, SSE, SSE_CHUNKED)]
    hub.publish(ROOM, said(1))
    before = [other.line.written for other in others]
    hub.show_typing(typist, "Ada")
    hub.tick(quiet_since=float("inf"))
    typing, tick = {"event_type": "typing", "participant": "Ada"}, {"event_type": "tick", "last": 1}
    assert v1.frames[1:] == [typing, tick]
    assert typist.frames[1:] == [tick]
    assert [other.line.written for other in others] == before


def test_typing_is_not_shown_to_a_subscriber_that_is_behind() -> None:
    hub = Hub()
    typist, behind = listening(hub), listening(hub)
    behind.line.waiting = 1
    hub.show_typing(typist, "Ada")
    assert behind.frames == []


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
