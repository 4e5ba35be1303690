"""The outbox in a room in slow mode."""

from __future__ import annotations

from chatty.errors import Refused
from chatty.protocol import Ack, Error, Send, decode_command
from tests.client.outbox.test_outbox import outbox_with


def test_in_a_slow_room_each_message_waits_for_the_one_before() -> None:
    """Otherwise each wait would be followed by a flood of all messages, of which one is accepted."""
    outbox = outbox_with("a", "b", "c", "d", sent=3)
    outbox.acked(Ack(n=1, seq=1))
    too_fast = Error(n=2, code="too_fast", message="", retry_after=9.5)
    assert not outbox.one_by_one
    assert outbox.refused(too_fast, again=True) is None
    assert outbox.one_by_one
    assert outbox.refused(Error(n=3, code="out_of_order", message="")) is None
    for n, text in ((2, "b"), (3, "c")):
        assert [decode_command(command) for command in outbox.take(5)] == [Send(text=text, n=n)]
        assert outbox.take(5) == []
        assert outbox.acked(Ack(n=n)).ticket == text
        assert outbox.one_by_one is (n == 2), "one that is accepted at once shows that the room is slow no longer"
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="d", n=4)]


def test_a_message_that_is_too_fast_and_is_given_up_says_when_it_would_do() -> None:
    outbox = outbox_with("a", sent=1)
    settled = outbox.refused(Error(n=1, code="too_fast", message="wait", retry_after=9.5))
    assert settled is not None
    assert isinstance(settled.result, Refused)
    assert (settled.result.code, settled.result.retry_after, outbox.one_by_one) == ("too_fast", 9.5, False)
