"""The outbox against a model of the server: whatever happens to the connection, the log is what was said."""

from __future__ import annotations

from collections import deque

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatty import protocol
from chatty.client.outbox import TRANSIENT, Outbox, Settled
from chatty.errors import CODES, ProtocolError, Refused
from chatty.protocol import (
    Ack,
    Command,
    Delete,
    Edit,
    Error,
    Produce,
    Producing,
    React,
    Rename,
    Say,
    Send,
    SetTopic,
    decode_command,
)
from tests.client.outbox.test_outbox_again import digest


class Server:
    """A room's log for one producer, and the answers that it owes to one connection."""

    def __init__(self, stored: list[str]) -> None:
        self.log = stored
        self.accepted = len(stored)
        self.disk_full = False
        self.slow = self.resting = False

    @property
    def digest(self) -> bytes:
        return digest(*(Send(text=text) for text in self.log))

    def answer(self, command: Command) -> Ack | Error | Producing:
        if isinstance(command, Produce):
            return Producing(self.accepted, self.digest.hex())
        assert isinstance(command, Send)
        number = command.n
        assert number is not None
        if number <= self.accepted:
            return Ack(n=number, duplicate=True)
        if number > self.accepted + 1:
            return Error(n=number, code="out_of_order", message="")
        if self.disk_full:
            return Error(n=number, code="unavailable", message="")
        if command.text.startswith("bad"):
            return Error(n=number, code="muted", message="")
        if self.slow and self.resting:
            return Error(n=number, code="too_fast", message="", retry_after=1.0)
        self.resting = True
        self.log.append(command.text)
        self.accepted += 1
        return Ack(n=number, seq=len(self.log))


class Conversation(RuleBasedStateMachine):
    """A sender, a server, and a connection between them that loses what it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.outcomes: dict[int, Ack | Refused] = {}
        self.to_server: deque[bytes] = deque()
        self.to_client: deque[Ack | Error | Producing] = deque()

    @initialize(earlier=st.integers(0, 4), other=st.none() | st.integers(0, 3))
    def begin(self, earlier: int, other: int | None) -> None:
        """A producer is new, or an earlier run of it sent ``earlier`` messages, one of which may have been another."""
        self.earlier = earlier
        log = [f"good {number}" for number in range(earlier)]
        self.other = other is not None and other < earlier
        if other is not None and self.other:
            log[other] = "good but another one"
        self.before = list(log)
        self.server = Server(log)
        self.outbox: Outbox[int] = Outbox("producer", fresh=not earlier)
        self.outbox.connected()

    @rule(good=st.booleans())
    def say(self, good: bool) -> None:
        good = good or len(self.said) < self.earlier  # what an earlier run was refused is not part of its numbering
        text = f"{'good' if good else 'bad'} {len(self.said)}"
        self.said.append(text)
        if self.outbox.conflict is None:
            outcome = self.outbox.add(Send(text=text), len(self.said) - 1)
            self.note([outcome] if outcome else [])

    @rule(at_most=st.integers(1, 5))
    def write(self, at_most: int) -> None:
        self.to_server.extend(self.outbox.take(at_most))

    @precondition(lambda self: self.to_server)
    @rule()
    def serve(self) -> None:
        self.to_client.append(self.server.answer(decode_command(self.to_server.popleft())))

    @precondition(lambda self: self.to_client)
    @rule()
    def read(self) -> None:
        answer = self.to_client.popleft()
        if isinstance(answer, Producing):
            self.note(self.outbox.producing(answer))
        elif isinstance(answer, Ack):
            self.note([self.outbox.acked(answer)])
        else:
            outcome = self.outbox.refused(answer, again=answer.code in ("unavailable", "too_fast"))
            self.note([outcome] if outcome else [])

    @rule(served=st.integers(0, 5))
    def cut(self, served: int) -> None:
        """The server has read some of what was under way, and nothing of what it answered arrives."""
        for command in list(self.to_server)[:served]:
            self.server.answer(decode_command(command))
        self.to_server.clear()
        self.to_client.clear()
        self.outbox.connected()

    @rule(full=st.booleans())
    def fill_the_disk(self, full: bool) -> None:
        self.server.disk_full = full

    @rule(slow=st.booleans())
    def slow_down(self, slow: bool) -> None:
        self.server.slow = slow

    @rule()
    def rest(self) -> None:
        self.server.resting = False

    def note(self, outcomes: list[Settled[int]]) -> None:
        for ticket, result, command in outcomes:
            assert ticket not in self.outcomes, "one outcome a message"
            assert command == Send(text=self.said[ticket])
            conflict = self.other and ticket == self.earlier - 1
            assert isinstance(result, Refused) == (conflict or self.said[ticket].startswith("bad"))
            self.outcomes[ticket] = result
        if self.outbox.conflict is not None:
            self.outbox.abandon()

    @invariant()
    def the_log_is_what_was_said_so_far(self) -> None:
        if hasattr(self, "server") and not self.other:
            good = [text for text in self.said if text.startswith("good")]
            later = self.server.log[self.earlier :]
            assert later == good[self.earlier :][: len(later)]

    @invariant()
    def nothing_is_sent_behind_what_an_earlier_run_said_otherwise(self) -> None:
        if hasattr(self, "server") and self.other:
            assert self.server.log == self.before

    @invariant()
    def what_is_acked_is_in_the_log(self) -> None:
        if getattr(self, "other", False):
            return  # that is known with the last message of the earlier run
        for ticket, result in self.outcomes.items():
            assert isinstance(result, Refused) or self.said[ticket] in self.server.log

    def teardown(self) -> None:
        """In the end everything gets through, in order."""
        if not hasattr(self, "server"):
            return
        self.server.disk_full = self.server.slow = False
        while self.to_server or self.to_client or len(self.outbox):
            self.write(5)
            while self.to_server:
                self.serve()
            while self.to_client:
                self.read()
        if self.other:
            assert (self.outbox.conflict is not None) == (len(self.said) >= self.earlier)
            return
        good = [text for text in self.said if text.startswith("good")]
        assert self.server.log[: len(good)] == good
        assert len(self.outcomes) == len(self.said)
        assert self.outbox.conflict is None


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def outbox_with(*texts: str, sent: int) -> Outbox[str]:
    outbox: Outbox[str] = Outbox("producer", fresh=True)
    for text in texts:
        assert outbox.add(Send(text=text), text) is None
    commands = [decode_command(command) for command in outbox.take(sent)]
    assert commands == [Produce("producer"), *(Send(text=text, n=n) for n, text in enumerate(texts[:sent], 1))]
    return outbox


def test_messages_behind_a_refused_one_move_up_by_one_number_and_are_sent_again() -> None:
    outbox = outbox_with("a", "b", "c", sent=3)
    assert outbox.acked(Ack(n=1, seq=7)) == Settled("a", Ack(n=1, seq=7), Send(text="a"))
    refused = outbox.refused(Error(n=2, code="muted", message="not now"))
    assert refused is not None
    assert (refused.ticket, str(refused.result)) == ("b", "not now")
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="c", n=2)]
    assert outbox.refused(Error(n=3, code="out_of_order", message="")) is None
    assert outbox.acked(Ack(n=2, seq=8)) == Settled("c", Ack(n=2, seq=8), Send(text="c"))


@pytest.mark.parametrize(
    "command",
    [
        Send(text="waves", reply_to=3, action=True, ref="r"),
        Edit(of=3, text="a"),
        Delete(of=3),
        React(of=3, reaction="👍", remove=True),
        SetTopic(topic="cats"),
        Rename(name="Ada"),
    ],
)
def test_whatever_is_said_goes_as_it_is_but_for_its_number(command: Say) -> None:
    outbox = outbox_with("a", sent=1)
    assert outbox.add(command, "b") is None
    assert decode_command(outbox.take(5)[0]) == msgspec.structs.replace(command, n=2)
    outbox.acked(Ack(n=1, seq=1))
    assert outbox.acked(Ack(n=2)) == Settled("b", Ack(n=2), command)


def test_a_room_that_was_restored_from_a_backup_is_told_what_it_lacks_under_its_own_numbers() -> None:
    outbox = outbox_with("a", "b", "c", sent=3)
    outbox.acked(Ack(n=1, seq=1))
    outbox.acked(Ack(n=2, seq=2))
    outbox.connected()
    assert [decode_command(command) for command in outbox.take(5)] == [Produce("producer")]
    assert outbox.producing(Producing(0)) == []
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="c", n=1)]


def test_messages_of_an_earlier_run_are_not_sent_again() -> None:
    outbox: Outbox[str] = Outbox("producer", fresh=False)
    assert outbox.add(Send(text="a"), "a") is None
    assert [decode_command(command) for command in outbox.take(5)] == [Produce("producer")]
    assert outbox.producing(Producing(2)) == [Settled("a", Ack(n=1, duplicate=True), Send(text="a"))]
    assert outbox.add(Send(text="b"), "b") == Settled("b", Ack(n=2, duplicate=True), Send(text="b"))
    assert outbox.add(Send(text="c"), "c") is None
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="c", n=3)]


def test_a_room_is_believed_that_tells_where_it_is_before_it_is_asked() -> None:
    outbox: Outbox[str] = Outbox("producer", fresh=False)
    outbox.add(Send(text="a"), "a")
    assert outbox.producing(Producing(1)) == [Settled("a", Ack(n=1, duplicate=True), Send(text="a"))]
    outbox.add(Send(text="b"), "b")
    outbox.connected()
    assert outbox.producing(Producing(2)) == [Settled("b", Ack(n=2, duplicate=True), Send(text="b"))]


def test_no_more_messages_are_under_way_than_a_server_takes() -> None:
    outbox = outbox_with(*map(str, range(protocol.IN_FLIGHT - 1)), sent=2)
    assert not outbox.full
    outbox.add(Send(text="one more"), "one more")
    assert outbox.full
    outbox.acked(Ack(n=1, seq=1))
    assert not outbox.full


def test_abandoned_messages_are_returned_in_order() -> None:
    outbox = outbox_with("a", "b", "c", sent=2)
    assert outbox.abandon() == ["a", "b", "c"]
    assert len(outbox) == 0


def test_answers_to_abandoned_messages_mean_nothing() -> None:
    outbox = outbox_with("a", "b", sent=2)
    outbox.abandon()
    for number in (1, 2):
        assert outbox.wasting
        assert outbox.refused(Error(n=number, code="out_of_order", message="")) is None
    assert not outbox.wasting


def test_copies_behind_a_refusal_are_waste_until_the_last_of_them_is_answered() -> None:
    outbox = outbox_with("a", "b", "c", sent=3)
    assert not outbox.wasting
    outbox.refused(Error(n=1, code="muted", message=""))
    for number in (2, 3):
        assert outbox.wasting is True
        outbox.refused(Error(n=number, code="out_of_order", message=""))
    assert outbox.wasting is False


def test_a_new_connection_carries_no_waste() -> None:
    outbox = outbox_with("a", "b", sent=2)
    outbox.refused(Error(n=1, code="muted", message=""))
    outbox.connected()
    assert not outbox.wasting
    outbox.take(5)
    outbox.producing(Producing(0))
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="b", n=1)]
    assert outbox.acked(Ack(n=1, seq=1)) == Settled("b", Ack(n=1, seq=1), Send(text="b"))


def test_messages_under_way_are_not_sent_again_before_the_room_has_told_its_number() -> None:
    outbox = outbox_with("a", sent=1)
    outbox.connected()
    assert [decode_command(command) for command in outbox.take(5)] == [Produce("producer")]
    assert outbox.take(5) == []


def test_nothing_is_said_to_the_room_while_there_is_nothing_to_say() -> None:
    outbox: Outbox[str] = Outbox("producer", fresh=True)
    assert outbox.take(5) == []
    outbox.connected()
    assert outbox.take(5) == []
    assert not outbox.lasting
    assert outbox.stored_before == 0


def test_a_message_goes_again_where_its_refusal_was_about_the_moment() -> None:
    outbox = outbox_with("a", "b", sent=2)
    assert outbox.refused(Error(n=1, code="unavailable", message=""), again=True) is None
    assert [decode_command(command) for command in outbox.take(5)] == [Send(text="a", n=1), Send(text="b", n=2)]
    assert outbox.refused(Error(n=2, code="out_of_order", message="")) is None
    assert outbox.acked(Ack(n=1, seq=1)) == Settled("a", Ack(n=1, seq=1), Send(text="a"))


def test_only_a_busy_server_refuses_for_the_moment() -> None:
    assert sorted(TRANSIENT) == ["busy", "rate_limited", "unavailable"]
    assert {CODES[code].status for code in TRANSIENT} == {429, 503}


@pytest.mark.parametrize("number", [None, 0, 2])
def test_an_ack_for_a_message_that_is_not_under_way_is_an_error(number: int | None) -> None:
    with pytest.raises(ProtocolError) as raised:
        outbox_with("a", sent=1).acked(Ack(n=number))
    assert str(raised.value) == f"{number} was acknowledged, and is not under way (does another use this producer?)"


def test_an_ack_for_a_message_that_was_not_sent_is_an_error() -> None:
    with pytest.raises(ProtocolError):
        outbox_with("a", sent=0).acked(Ack(n=1))


def test_an_ack_for_a_copy_that_can_not_have_been_accepted_is_an_error() -> None:
    outbox = outbox_with("a", "b", sent=2)
    outbox.refused(Error(n=1, code="muted", message=""))
    outbox.take(5)
    with pytest.raises(ProtocolError):
        outbox.acked(Ack(n=1))


@pytest.mark.parametrize(("sent", "number", "code"), [(1, 2, "muted"), (1, None, "muted"), (0, 1, "muted")])
def test_a_refusal_for_a_message_that_is_not_under_way_is_an_error(sent: int, number: int | None, code: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        outbox_with("a", sent=sent).refused(Error(n=number, code=code, message=""))
    assert str(raised.value) == f"{number} was refused ({code}), and is not under way"


def test_a_number_that_is_skipped_without_a_reason_is_noticed() -> None:
    with pytest.raises(ProtocolError):
        outbox_with("a", sent=1).refused(Error(n=1, code="out_of_order", message=""))


def test_the_answer_to_a_new_producer_changes_nothing() -> None:
    outbox = outbox_with("a", "b", sent=2)
    outbox.acked(Ack(n=1, seq=1))
    assert outbox.producing(Producing(0)) == []
    assert outbox.acked(Ack(n=2, seq=2)) == Settled("b", Ack(n=2, seq=2), Send(text="b"))


def test_a_new_producer_that_the_server_knows_is_not_used() -> None:
    outbox = outbox_with("a", sent=1)
    assert outbox.producing(Producing(0)) == []
    with pytest.raises(ProtocolError) as raised:
        outbox.producing(Producing(1))
    assert str(raised.value) == "the server knows a producer that is new"
