"""The inbox against a model of the server: its reader gets every event once and in order, or is told of a gap."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatty.client.inbox import Inbox
from chatty.events import Event, Message, ParticipantJoined, RoomClosed, StreamPosition
from chatty.protocol import Frame, Gap, Limits, Live, RoomInfo, Tick, Unknown, Welcome, You, encode

AT = "2026-11-23T12:00:00.000Z"
LIMIT = 4_000


def message(seq: int) -> Message:
    return Message(seq, AT, "John", f"message {seq}")


def welcome(epoch: str, last: int, first: int = 1) -> Welcome:
    room = RoomInfo("id", "name", "", AT, epoch, first, last, 0)
    return Welcome(room, You(), [], 0, epoch, first, last, Limits())


def put(inbox: Inbox, frame: Frame | Unknown) -> bool:
    return inbox.put(frame, encode(frame).decode())


def take_all(inbox: Inbox) -> list[Any]:
    taken = []
    while (received := inbox.get()) is not None:
        taken.append(received.frame)
    return taken


def numbers(frames: list[Any]) -> list[int]:
    return [frame.seq for frame in frames if isinstance(frame, Event)]


class Reading(RuleBasedStateMachine):
    """A room that talks and forgets, connections that break and swallow frames, and a reader with its own pace."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last, self.epoch = 1, 0, "e1"
        self.wire: deque[Frame] = deque()
        self.connected = False
        self.countable = False
        self.read: list[Event | Gap] = []

    @initialize(before=st.integers(0, 5), asked=st.sampled_from(["since", "last", "now"]), back=st.integers(0, 6))
    def begin(self, before: int, asked: str, back: int) -> None:
        self.last = before
        self.start = {"since": max(0, before - back), "last": max(0, before - back), "now": before}[asked]
        if asked == "since":
            self.inbox = Inbox(since=self.start, epoch=self.epoch, limit=LIMIT)
        else:
            self.inbox = Inbox(last=back if asked == "last" else None, limit=LIMIT)

    @precondition(lambda self: not self.connected)
    @rule()
    def connect(self) -> None:
        """What a server says to a new connection: welcome, a gap where it must, the missing events, live."""
        question = self.inbox.question()
        self.inbox.connected()
        self.connected = True
        self.say(welcome(self.epoch, self.last, self.first))
        self.countable = "since" in question
        since = self.last
        if "last" in question:
            since = max(self.first - 1, self.last - int(question["last"]))
        elif "since" in question:
            since = int(question["since"])
            reason: Any = None
            if question.get("epoch", self.epoch) != self.epoch:
                reason = "epoch"
            elif since > self.last:
                reason = "ahead"
            elif since < self.first - 1:
                reason = "retention"
            if reason:
                self.countable = False
                self.say(Gap(reason, self.first, self.last))
                since = self.last if reason == "ahead" else self.first - 1
        for seq in range(since + 1, self.last + 1):
            self.say(message(seq))
        self.say(Live(self.last))

    @rule()
    def talk(self) -> None:
        self.last += 1
        if self.connected:
            self.say(message(self.last))

    @precondition(lambda self: self.connected)
    @rule()
    def tick(self) -> None:
        self.say(Tick(self.last))

    @rule(keep=st.integers(0, 3))
    def forget(self, keep: int) -> None:
        """Retention: what is older than the newest few is gone, for who asks from here on."""
        self.first = max(self.first, self.last + 1 - keep)

    @rule(lost=st.integers(0, 2))
    def restore(self, lost: int) -> None:
        """A backup: an earlier state under a new epoch, and no connection survives it."""
        self.epoch += "'"
        self.last = max(self.first - 1, self.last - lost)
        self.cut()

    @precondition(lambda self: self.wire and self.countable)
    @rule(at=st.integers(0, 20))
    def swallow(self, at: int) -> None:
        """A frame is lost where numbers run without a hole; anything but what tells who one talks to."""
        index = at % len(self.wire)
        if not isinstance(self.wire[index], (Welcome, Gap)):
            del self.wire[index]

    @rule()
    def cut(self) -> None:
        self.wire.clear()
        self.connected = False

    @precondition(lambda self: self.wire)
    @rule(count=st.integers(1, 10))
    def receive(self, count: int) -> None:
        for _ in range(min(count, len(self.wire))):
            if self.inbox.full:
                self.inbox.overflow()
            frame = self.wire.popleft()
            self.countable |= isinstance(frame, Live)
            if not put(self.inbox, frame):
                self.cut()
                return

    @rule(count=st.integers(1, 10))
    def take(self, count: int) -> None:
        for _ in range(count):
            received = self.inbox.get()
            if received is None:
                if self.inbox.behind:
                    self.cut()
                return
            assert received.cursor == self.inbox.cursor
            if isinstance(received.frame, (Event, Gap)):
                self.read.append(received.frame)

    def say(self, frame: Frame) -> None:
        self.wire.append(frame)

    @invariant()
    def what_is_read_has_no_hole_but_a_gap_before_it(self) -> None:
        if not hasattr(self, "start"):
            return
        expected: int | None = None
        for frame in self.read:
            if isinstance(frame, Gap):
                expected = None
                continue
            assert expected is None or frame.seq == expected
            expected = frame.seq + 1

    @invariant()
    def little_is_held(self) -> None:
        if hasattr(self, "start"):
            assert sum(len(received.raw) for received in self.inbox._held) < 2 * LIMIT

    def teardown(self) -> None:
        """In the end the reader has everything, whatever was lost on the way."""
        if not hasattr(self, "start"):
            return
        for _ in range(self.last + 5):
            if not self.connected:
                self.connect()
            else:
                self.tick()
            while self.wire:
                self.receive(10)
            self.take(1_000)
        if self.inbox.seen is not None:
            assert self.inbox.seen == self.inbox.cursor == (self.epoch, self.last)
        events = numbers(self.read)
        if events and not any(isinstance(frame, Gap) for frame in self.read):
            assert events[-1] == self.last


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def test_an_event_that_comes_again_is_read_once() -> None:
    inbox = Inbox(since=2, epoch="e")
    for frame in (welcome("e", 4), message(3), message(4), Live(4), message(4), message(5)):
        assert put(inbox, frame) is True
    assert numbers(take_all(inbox)) == [3, 4, 5]


def test_a_message_of_the_newest_ones_that_comes_again_is_read_once() -> None:
    inbox = Inbox(last=2)
    for frame in (welcome("e", 4), message(2), message(2), message(4), Live(4)):
        assert put(inbox, frame) is True
    assert numbers(take_all(inbox)) == [2, 4]


def test_a_missing_event_asks_for_a_new_connection_and_is_not_passed_over() -> None:
    inbox = Inbox(since=2, epoch="e")
    assert put(inbox, welcome("e", 5)) is True
    assert put(inbox, message(3)) is True
    assert put(inbox, message(5)) is False
    assert inbox.question() == {"since": "3", "epoch": "e"}


@pytest.mark.parametrize("frame", [Live(6), Tick(6)])
def test_a_lost_tail_asks_for_a_new_connection(frame: Frame) -> None:
    inbox = Inbox(since=5, epoch="e")
    assert put(inbox, welcome("e", 5)) is True
    if isinstance(frame, Tick):
        assert put(inbox, Live(5)) is True
    assert put(inbox, frame) is False


def test_a_tick_with_a_known_number_is_not_an_alarm() -> None:
    inbox = Inbox()
    for frame in (welcome("e", 5), Live(5), message(6), Tick(6)):
        assert put(inbox, frame) is True


def test_the_newest_messages_may_have_other_events_between_them() -> None:
    inbox = Inbox(last=2)
    assert inbox.question() == {"last": "2"}
    for frame in (welcome("e", 9), message(3), message(7), Live(9), message(10)):
        assert put(inbox, frame) is True
    assert numbers(take_all(inbox)) == [3, 7, 10]


def test_a_replay_that_breaks_off_goes_on_where_it_was() -> None:
    inbox = Inbox(last=2)
    for frame in (welcome("e", 9), message(3)):
        assert put(inbox, frame) is True
    assert inbox.question() == {"since": "3", "epoch": "e"}


def test_a_reader_of_the_present_resumes_where_it_began_even_if_nothing_has_happened() -> None:
    inbox = Inbox()
    assert put(inbox, welcome("e", 9)) is True
    assert inbox.cursor == StreamPosition("e", 9)
    assert inbox.question() == {"since": "9", "epoch": "e"}


def test_an_event_of_a_newer_server_counts_and_is_kept_for_readers_of_frames() -> None:
    inbox = Inbox(since=0, epoch="e")
    for frame in (welcome("e", 2), Unknown("poll_opened", 1), message(2), Live(2)):
        assert put(inbox, frame) is True
    assert [type(frame) for frame in take_all(inbox)] == [Welcome, Unknown, Message, Live]


def test_nothing_is_read_after_the_rooms_end() -> None:
    inbox = Inbox(since=0, epoch="e")
    for frame in (welcome("e", 2), ParticipantJoined(1, AT, "John"), RoomClosed(2, AT), Live(2)):
        assert put(inbox, frame) is True
    assert inbox.closed
    assert type(take_all(inbox)[-1]) is RoomClosed


def test_a_reader_that_fell_behind_gets_the_held_events_and_then_resumes_after_them() -> None:
    inbox = Inbox(since=0, epoch="e", limit=1)
    assert put(inbox, welcome("e", 3)) is True
    assert inbox.full
    assert put(inbox, message(1)) is True
    inbox.overflow()
    assert put(inbox, message(2)) is True
    assert put(inbox, Tick(2)) is True
    assert numbers(take_all(inbox)) == [1]
    assert inbox.behind
    assert inbox.question() == {"since": "1", "epoch": "e"}


def test_a_reader_that_was_ahead_of_the_room_goes_on_from_its_end() -> None:
    inbox = Inbox(since=50, epoch="e")
    assert put(inbox, welcome("e", 9)) is True
    assert put(inbox, Gap("ahead", 1, 9)) is True
    assert inbox.question() == {"since": "9", "epoch": "e"}
    for frame in (Live(9), message(10)):
        assert put(inbox, frame) is True
    assert numbers(take_all(inbox)) == [10]
    assert inbox.cursor == ("e", 10)


def test_an_epoch_that_is_not_known_yet_is_the_servers() -> None:
    inbox = Inbox(since=4)
    assert inbox.question() == {"since": "4"}
    assert put(inbox, welcome("e", 4)) is True
    assert inbox.question() == {"since": "4", "epoch": "e"}
    assert inbox.cursor == ("e", 4)


def test_a_new_epoch_is_believed_only_with_its_gap() -> None:
    inbox = Inbox(since=4, epoch="old")
    assert put(inbox, welcome("new", 9)) is True
    assert put(inbox, message(3)) is False
    assert inbox.question() == {"since": "4", "epoch": "old"}
    assert put(inbox, Gap("epoch", 1, 9)) is True
    assert put(inbox, message(1)) is True
    assert inbox.question() == {"since": "1", "epoch": "new"}


def test_an_inbox_knows_where_its_reader_begins() -> None:
    assert Inbox().cursor == Inbox(last=2).cursor == ("", 0)
    assert Inbox(since=4, epoch="e").cursor == ("e", 4)
    assert Inbox(since=4).cursor == ("", 4)


def test_a_reader_of_the_newest_messages_has_had_none_when_they_begin() -> None:
    inbox = Inbox(last=2)
    assert put(inbox, welcome("e", 9)) is True
    assert inbox.cursor == ("e", 0)
    assert inbox.question() == {"last": "2"}
    assert put(inbox, Live(9)) is True
    assert inbox.question() == {"since": "9", "epoch": "e"}


def test_a_reader_of_no_messages_begins_at_the_present() -> None:
    inbox = Inbox(last=0)
    assert inbox.question() == {"last": "0"}
    assert put(inbox, welcome("e", 9)) is True
    assert inbox.question() == {"since": "9", "epoch": "e"}


def test_nothing_is_missing_behind_a_gap() -> None:
    inbox = Inbox(since=1, epoch="e")
    assert put(inbox, welcome("e", 9, first=5)) is True
    assert put(inbox, Gap("retention", 5, 9)) is True
    assert inbox.question() == {"since": "4", "epoch": "e"}
    assert put(inbox, message(6)) is False
    assert put(inbox, message(5)) is True
    assert put(inbox, Live(9)) is False


@pytest.mark.parametrize(
    ("limit", "full", "roomy"), [(600, True, False), (601, False, False), (1199, False, False), (1200, False, True)]
)
def test_waiting_frames_are_counted_with_python_s_overhead(limit: int, full: bool, roomy: bool) -> None:
    inbox = Inbox(limit=limit)
    for _ in range(2):
        assert (len(inbox), inbox.full, inbox.roomy) == (0, False, True)
        assert inbox.put(Unknown("poll_opened"), "x" * 88) is True
        assert (len(inbox), inbox.full, inbox.roomy) == (1, full, roomy)
        assert inbox.get() is not None
    assert inbox.get() is None


def test_thousands_of_short_messages_may_wait_and_not_many_more() -> None:
    inbox = Inbox()
    for _ in range(6_000):
        inbox.put(Unknown(), "x" * 180)
    assert not inbox.full
    for _ in range(100):
        inbox.put(Unknown(), "x" * 180)
    assert inbox.full


def test_nothing_is_missing_once_replay_is_over_or_the_room_has_ended() -> None:
    inbox = Inbox(since=0, epoch="e")
    assert inbox.complete is False
    for frame in (welcome("e", 1), message(1)):
        put(inbox, frame)
        assert inbox.complete is False
    put(inbox, Live(1))
    assert inbox.complete is True
    inbox.overflow()
    assert inbox.complete is False
    inbox.connected()
    assert inbox.complete is False
    for frame in (welcome("e", 2), RoomClosed(2, AT)):
        put(inbox, frame)
    assert inbox.complete is True


def test_dropped_events_come_by_the_next_connection() -> None:
    inbox = Inbox(since=0, epoch="e")
    assert not inbox.behind
    inbox.overflow()
    put(inbox, message(1))
    assert inbox.behind
    inbox.connected()
    assert not inbox.behind
    for frame in (welcome("e", 1), message(1), Live(1)):
        put(inbox, frame)
    assert numbers(take_all(inbox)) == [1]
