"""What a later run of a producer repeats, and what is noticed where it says something else."""

from __future__ import annotations

import pytest

from chatty.client.outbox import Outbox, said
from chatty.digests import NOTHING_SAID, chained
from chatty.errors import ProtocolError, Refused
from chatty.protocol import Ack, Edit, Produce, Producing, Say, Send, decode_command


def text(said: str) -> Send:
    return Send(text=said)


def digest(*commands: Say) -> bytes:
    so_far = NOTHING_SAID
    for command in commands:
        so_far = chained(so_far, said(command))
    return so_far


def lasting_outbox(*texts: str) -> Outbox[str]:
    """The outbox of a later run, which says these texts."""
    outbox: Outbox[str] = Outbox("producer", fresh=False)
    outbox.connected()
    for words in texts:
        outbox.add(text(words), words)
    assert [decode_command(command) for command in outbox.take(5)] == [Produce("producer")]
    return outbox


def test_a_later_run_asks_at_once_how_far_the_earlier_ones_got() -> None:
    outbox = lasting_outbox()
    assert outbox.stored_before is None
    outbox.producing(Producing(2, digest(text("a"), text("b")).hex()))
    assert outbox.stored_before == 2
    outbox.add(text("a"), "a")
    outbox.add(text("b"), "b")
    outbox.add(text("c"), "c")
    outbox.take(5)
    outbox.connected()
    outbox.producing(Producing(3, digest(text("a"), text("b"), text("c")).hex()))
    assert outbox.stored_before == 2  # what this run has sent meanwhile is not from before
    assert outbox.conflict is None


@pytest.mark.parametrize("others", [["x", "b"], ["a", "x"], ["b", "a"]])
def test_another_input_is_a_conflict_with_the_last_message_that_the_room_has(others: list[str]) -> None:
    outbox = lasting_outbox(*others, "c")
    (first, last) = outbox.producing(Producing(2, digest(text("a"), text("b")).hex()))
    assert first.result == Ack(n=1, duplicate=True)
    assert last.result is outbox.conflict
    assert isinstance(last.result, Refused)
    assert last.result.code == "idempotency_conflict"
    assert last.result.message == "The first 2 messages are not those that were sent by this producer before."


def test_a_first_message_that_is_another_one_is_told_in_the_singular() -> None:
    outbox = lasting_outbox()
    assert outbox.producing(Producing(1, digest(text("a")).hex())) == []
    settled = outbox.add(text("b"), "b")
    assert settled is not None
    assert "The first message is not the one that was sent by this producer before." in str(settled.result)


def test_a_reply_and_an_action_are_other_messages_than_their_texts() -> None:
    for other in (Send(text="a", reply_to=7), Send(text="a", action=True), Edit(of=1, text="a")):
        outbox = lasting_outbox()
        outbox.producing(Producing(1, digest(text("a")).hex()))
        outbox.add(other, "other")
        assert outbox.conflict is not None


def test_another_program_that_used_the_producer_meanwhile_is_noticed_when_the_connection_is_back() -> None:
    outbox = lasting_outbox("a", "b")
    outbox.producing(Producing(0))
    outbox.take(5)
    outbox.acked(Ack(n=1, seq=1))
    outbox.connected()
    (settled,) = outbox.producing(Producing(2, digest(text("a"), text("x")).hex()))
    assert settled.result is outbox.conflict is not None


def test_a_room_that_has_other_messages_once_the_connection_is_back_is_noticed_before_more_is_sent() -> None:
    outbox = lasting_outbox("a", "b")
    outbox.producing(Producing(0))
    outbox.take(1)
    outbox.acked(Ack(n=1, seq=1))
    outbox.connected()
    outbox.producing(Producing(1, digest(text("x")).hex()))
    assert outbox.conflict is not None


def test_nothing_is_compared_if_the_room_has_no_digest() -> None:
    outbox = lasting_outbox("x", "b")
    (settled,) = outbox.producing(Producing(1))  # an older server, or messages from its time
    assert settled.result == Ack(n=1, duplicate=True)
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="b", n=2)]


def test_after_a_backup_was_restored_the_room_s_own_digest_is_gone_on_with() -> None:
    outbox = lasting_outbox("a", "b", "c")
    outbox.producing(Producing(0))
    outbox.take(5)
    for n in (1, 2):
        outbox.acked(Ack(n=n, seq=n))
    outbox.connected()
    outbox.take(5)
    assert outbox.producing(Producing(1, digest(text("a")).hex())) == []
    assert [decode_command(command) for command in outbox.take(5)][-1] == Send(text="c", n=2)
    outbox.acked(Ack(n=2, seq=2))
    outbox.connected()
    outbox.producing(Producing(2, digest(text("a"), text("c")).hex()))
    assert outbox.conflict is None


def test_a_malformed_digest_is_an_error() -> None:
    with pytest.raises(ProtocolError) as raised:
        lasting_outbox().producing(Producing(1, "nonsense"))
    assert str(raised.value) == "'nonsense' is not a digest"
