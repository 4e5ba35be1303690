"""A subscriber is written to alone or with an audience, and every byte that it was given is counted."""

from __future__ import annotations

import pytest

from chatty.protocol import Live
from chatty.server.platform.network.dialects import V1
from chatty.server.platform.network.event_stream import EventStream
from chatty.server.platform.network.websocket import SeedSession, V1Session
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import LOOK_AFTER, Audience, Subscriber
from tests.server.platform.pipeline.listener import ROOM, Closed, Line, Listener, payloads


def subscriber(line: Line | None = None) -> Listener:
    return Listener(Hub(), line)


def test_a_subscriber_begins_with_nothing() -> None:
    new = subscriber()
    assert (new.dialect, new.room_id, new.position, new.held, new.audience, new.written) == (V1, ROOM, 0, None, None, 0)


@pytest.mark.parametrize("kind", [EventStream, SeedSession, V1Session])
def test_a_subscriber_takes_no_more_memory_than_it_needs(kind: type[Subscriber]) -> None:
    assert not any("__dict__" in vars(base) for base in kind.__mro__)


def test_bytes_are_counted_alone_and_with_an_audience_and_alone_again() -> None:
    one, early = subscriber(), subscriber()
    audience = Audience(most_waiting=100)
    assert audience.sent == 0
    audience.admit(early)
    assert audience.send(b"12345") == ([], [])
    one.send(b"abc")
    audience.admit(one)
    assert (one.written, one.audience) == (3, audience)
    audience.send(b"67")
    one.send(b"d")
    assert (one.written, early.written) == (6, 7)
    audience.dismiss(one)
    assert (one.written, one.audience) == (6, None)
    audience.send(b"89")
    one.send(b"e")
    assert (one.written, one.line.written) == (7, b"abc67de")
    assert (early.written, early.line.written) == (9, b"123456789")


def test_bytes_that_encryption_adds_are_counted_as_they_wait_for_the_peer() -> None:
    class Encrypted(Line):
        overhead = 100

    assert subscriber(Encrypted()).written == 100


def test_a_closed_transport_is_given_nothing() -> None:
    closed = subscriber(Closed())
    closed.send(b"abc")
    assert closed.written == 0


def test_a_frame_beside_the_log_is_in_the_subscribers_dialect() -> None:
    one = subscriber()
    one.send_control(Live(3))
    assert payloads(one.line.written) == [b'{"event_type":"live","last":3}']


def test_those_that_are_gone_are_named_and_the_others_written_to() -> None:
    audience = Audience(most_waiting=100)
    closed, fine = subscriber(Closed()), subscriber()
    for one in (closed, fine):
        audience.admit(one)
    assert audience.send(b"abc") == ([], [closed])
    assert fine.line.written == b"abc"
    assert audience.send(bytes(LOOK_AFTER)) == ([], [closed])


@pytest.mark.parametrize(("waiting", "slow"), [(100, False), (101, True)])
def test_write_buffers_are_looked_at_whenever_enough_has_been_sent(waiting: int, slow: bool) -> None:
    audience = Audience(most_waiting=100)
    one = subscriber()
    audience.admit(one)
    one.line.waiting = waiting
    for _ in range(2):
        assert audience.send(bytes(8 * 1024 - 1)) == ([], [])
        assert audience.send(b"x") == ([one] if slow else [], [])
