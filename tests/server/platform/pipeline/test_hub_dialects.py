"""What happens is encoded once for each dialect in a room; ticks and typing go to the dialects that know them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from chatty.protocol import Control
from chatty.server.platform.network.dialects import SEED, SSE, SSE_CHUNKED
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.store.applied import StoredEvent
from tests.server.platform.pipeline.listener import ROOM, Listener, listening, payloads, said


class Recorder:
    """A dialect that shows what it was asked for, and how often."""

    def __init__(self) -> None:
        self.encoded = 0

    def _encode(self, *words: object) -> bytes:
        self.encoded += 1
        return " ".join(map(str, words)).encode() + b"; "

    def events(self, events: Sequence[StoredEvent], epoch: str) -> bytes:
        return self._encode(epoch, *(seq for seq, _, _ in events))

    def control(self, control: Control) -> bytes:
        return self._encode("control")

    name = "recorder"

    def tick(self, last: int) -> bytes:
        return self._encode("tick", last)

    def typing(self, name: str) -> bytes:
        return self._encode("typing", name)


def test_both_dialects_get_the_same_events_in_their_own_frames() -> None:
    hub = Hub()
    v1, seed = listening(hub), Listener(hub, dialect=SEED)
    hub.attach(seed, 0)
    hub.go_live(seed, "")
    hub.publish(ROOM, said(1))
    assert payloads(seed.line.written) == [b'{"text":"number 1","participant":"Ada"}']
    assert v1.seqs == [1]


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
    hub.show_typing(typist.room_id, "Ada", typist)
    hub.tick(quiet_since=float("inf"))
    typing, tick = {"event_type": "typing", "participant": "Ada"}, {"event_type": "tick", "last": 1}
    assert v1.frames[1:] == [typing, tick]
    assert typist.frames[1:] == [tick]
    assert [other.line.written for other in others] == before


def test_typing_is_not_shown_to_a_subscriber_that_is_behind() -> None:
    hub = Hub()
    typist, behind = listening(hub), listening(hub)
    behind.line.waiting = 1
    hub.show_typing(typist.room_id, "Ada", typist)
    assert behind.frames == []


def test_an_event_is_encoded_once_for_all_who_speak_a_dialect_and_counted_for_each() -> None:
    hub = Hub()
    recorder = Recorder()
    everybody = [listening(hub, dialect=recorder) for _ in range(3)]
    hub.publish(ROOM, said(1))
    assert (recorder.encoded, hub.delivered) == (3, 3)  # each may have read other events of its first batch
    hub.publish(ROOM, said(2, 3))
    assert (recorder.encoded, hub.delivered) == (4, 9)
    hub.show_typing(everybody[0].room_id, "Ada", everybody[0])
    hub.tick(quiet_since=float("inf"))
    assert recorder.encoded == 6
    assert [one.line.written for one in everybody] == [
        b"epoch 1; epoch 2 3; tick 3; ",
        b"epoch 1; epoch 2 3; typing Ada; tick 3; ",
        b"epoch 1; epoch 2 3; typing Ada; tick 3; ",
    ]
    for one in everybody:
        hub.detach(one)
    hub.publish(ROOM, said(4))
    assert (recorder.encoded, hub.delivered) == (6, 9)


def test_nothing_is_encoded_for_a_dialect_that_nobody_speaks_any_more() -> None:
    hub = Hub()
    recorder = Recorder()
    left, stays = listening(hub, dialect=recorder), listening(hub)
    hub.publish(ROOM, said(1))
    hub.detach(left)
    hub.publish(ROOM, said(2))
    assert (recorder.encoded, stays.seqs) == (1, [1, 2])


def test_the_epoch_of_a_room_is_the_newest_that_was_told() -> None:
    hub = Hub()
    subscriber = Listener(hub, dialect=Recorder())
    hub.attach(subscriber, 0)
    hub.go_live(subscriber, "")
    hub.publish(ROOM, said(1))
    for seq, epoch in enumerate(("epoch", "", "restored"), 1):
        other = Listener(hub)
        hub.attach(other, seq)
        hub.go_live(other, epoch)
        hub.publish(ROOM, said(seq + 1))
    assert subscriber.line.written == b" 1; epoch 2; epoch 3; restored 4; "


def test_held_events_that_were_all_read_from_history_are_not_sent_as_nothing() -> None:
    hub = Hub()
    subscriber = Listener(hub, dialect=Recorder())
    hub.attach(subscriber, 0)
    hub.publish(ROOM, said(1))
    subscriber.position = 1
    hub.go_live(subscriber, "epoch")
    assert (subscriber.line.written, subscriber.position) == (b"", 1)
    assert subscriber.held is None


def test_one_that_went_live_late_does_not_turn_back_what_ticks_tell() -> None:
    hub = Hub()
    live = listening(hub)
    hub.publish(ROOM, said(1, 2, 3))
    late = listening(hub, position=2)
    hub.tick(quiet_since=float("inf"))
    assert [frame["last"] for frame in (live.frames[-1], late.frames[-1])] == [3, 3]


def test_a_room_is_quiet_after_its_last_event_and_its_last_tick() -> None:
    hub = Hub()
    subscriber = listening(hub)
    begin = time.monotonic()
    hub.publish(ROOM, said(1))
    hub.tick(quiet_since=begin)
    assert subscriber.seqs == [1]
    before_tick = time.monotonic()
    hub.tick(quiet_since=float("inf"))
    hub.tick(quiet_since=before_tick)
    assert [frame.get("last") for frame in subscriber.frames] == [None, 1]


def test_a_busy_room_keeps_no_tick_from_a_quiet_one() -> None:
    hub = Hub()
    busy = Listener(hub, room="another")
    hub.attach(busy, 0)
    hub.go_live(busy, "epoch")
    quiet = listening(hub)
    since = time.monotonic()
    hub.publish("another", said(1))
    hub.tick(quiet_since=since)
    assert (quiet.frames, busy.seqs) == ([{"event_type": "tick", "last": 0}], [1])
