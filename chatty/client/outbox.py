"""A client's messages that nobody has acknowledged yet. No I/O.

A message here is any numbered command: something new, or a change to something
old. A producer numbers its messages 1, 2, 3 …, and the room accepts only the
last accepted number + 1. That is less simple than it sounds:

- Many messages are under way at once, and a refused one does not use up its
  number. So the ones behind it are refused too (``out_of_order``), and go again
  under numbers that are one lower.
- A connection ends at any moment. What it carried may or may not have been
  accepted; the next connection's ``producing`` tells how far it got.
- A room in slow mode takes one message at a time, and refuses those that come too
  soon. They go again, in order, one by one, as long as that goes on.
- The answers of one connection come in the order of its commands. That is what
  tells the answer to a message from the answer to its earlier, wasted copy.
- A later run of a producer repeats what an earlier one has said. Whether it
  really is the same is told by a digest of it all (see chatty/digests.py), which
  is compared before anything new is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar, assert_never

from msgspec.structs import replace

from chatty import digests, protocol
from chatty.digests import NOTHING_SAID, UNKNOWN, chained
from chatty.errors import ProtocolError, Refused
from chatty.protocol import Ack, Delete, Edit, Error, Produce, Producing, React, Rename, Say, Send, SetTopic

__all__ = ["TOO_FAST", "TRANSIENT", "Outbox", "Queued", "Settled", "said", "told", "unsendable"]

T = TypeVar("T")

TRANSIENT: Final = frozenset({"unavailable", "busy", "rate_limited"})
"""Refusals that say nothing about the message, only about the moment."""

TOO_FAST: Final = "too_fast"
"""The refusal of a message that comes too soon in a room in slow mode."""


class Queued(NamedTuple, Generic[T]):
    """A command that has no outcome yet, with the ticket that it was added with."""

    command: Say
    ticket: T


class Settled(NamedTuple, Generic[T]):
    """The outcome of ``command``, which was added with ``ticket``."""

    ticket: T
    result: Ack | Refused
    command: Say


class Outbox(Generic[T]):
    """Messages without an outcome, in order, and which of them are under way on the present connection.

    Each message is added with a ``ticket``, which comes back with its outcome.
    ``fresh`` says that nobody has used ``producer`` before, so that sending
    may begin without waiting for the server's answer to `Produce`, and that
    nobody will later: it is not ``lasting``.

    ``stored_before``: how many messages the room had from earlier runs, None
    until it has told. ``conflict``: why nothing more can be sent, if this run
    turned out to send other messages than those. ``one_by_one``: the room is in
    slow mode, as far as is known, so each message waits for the ack of the one before.
    """

    def __init__(self, producer: str, *, fresh: bool) -> None:
        self.producer = producer
        self.lasting = not fresh
        self.stored_before: int | None = 0 if fresh else None
        self.conflict: Refused | None = None
        self.one_by_one = False
        self._was_too_fast = False  # whether the first message under way was refused for that before
        self._fresh = fresh
        self._accepted = 0  # the number of the last message that is done: acked, by this or an earlier run
        self._known = 0  # the number up to which the room had accepted when it was last asked
        self._digest = UNKNOWN if fresh else NOTHING_SAID  # of all up to `_accepted`
        self._told: bytes  # the same of all up to `_known`, as the room tells it
        self._flight: deque[Queued[T]] = deque()  # sent on this connection, unanswered, and not wasted
        self._waiting: deque[Queued[T]] = deque()  # to be sent, behind those
        self.connected()

    def __len__(self) -> int:
        return len(self._flight) + len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether as many messages are without an outcome as may be."""
        return len(self) >= protocol.IN_FLIGHT

    @property
    def wasting(self) -> bool:
        """Whether the next answer is to a copy that cannot have been accepted, and means nothing."""
        return self._wasted > 0

    def add(self, command: Say, ticket: T) -> Settled[T] | None:
        """Takes a message. It has its outcome at once if an earlier run of this producer has already sent it."""
        message = Queued(command, ticket)
        if self._accepted < self._known:
            return self._repeated(message)
        self._waiting.append(message)
        return None

    def resume(self, ticket: Callable[[], T]) -> list[Queued[T]]:
        """Queues what an earlier run left without an outcome, each with a new ``ticket``, if anything was kept."""
        return []

    def connected(self, epoch: str = "") -> None:
        """A new connection: whatever the old one carried is unanswered, and to be sent again unless it was accepted.

        ``epoch`` is the one that the room's numbers belong to.
        """
        self.epoch = epoch
        self._take_back()
        self._wasted = 0  # how many answers are still to come to copies that cannot have been accepted
        self._introduced = False  # whether `Produce` was sent
        self._ready = False  # whether numbers can be given

    def take(self, at_most: int) -> list[bytes]:
        """The next commands to write to the connection, in order; none while the server has yet to answer."""
        commands = []
        if not self._introduced and (self._waiting or self.lasting):
            self._introduced = True
            self._ready = self._fresh
            self._fresh = False
            commands.append(protocol.encode(Produce(self.producer)))
        if self._ready:
            number = self._accepted + len(self._flight)
            if self.one_by_one:
                at_most = min(at_most, 1 - len(self._flight))
            for _ in range(min(at_most, len(self._waiting))):
                message = self._waiting.popleft()
                self._flight.append(message)
                number += 1
                commands.append(protocol.encode(replace(message.command, n=number)))
        return commands

    def producing(self, answer: Producing) -> list[Settled[T]]:
        """The room told the last number that it accepted. Gives the messages that are done by that.

        Where it is lower than what was acknowledged before (the room was
        restored from a backup), numbers go on from there. Raises
        ProtocolError if a fresh producer turns out to be none, or the digest
        is malformed.
        """
        if self._ready:
            if answer.accepted:
                raise ProtocolError("the server knows a producer that is new")
            return []
        self._told = told(answer)
        self._ready = True
        self._known = answer.accepted
        if self.stored_before is None:
            self.stored_before = self._known
        if self._accepted > self._known:
            self._accepted, self._digest = self._known, self._told
        self._compare()
        done = []
        while self._accepted < self._known and self._waiting:
            done.append(self._repeated(self._waiting.popleft()))
        return done

    def acked(self, ack: Ack) -> Settled[T]:
        """The room has the oldest message under way. Raises ProtocolError if the ack is for anything else."""
        if self._wasted or not self._flight or ack.n != self._accepted + 1:
            raise ProtocolError(f"{ack.n} was acknowledged, and is not under way (does another use this producer?)")
        self._count(self._flight[0])
        # The room is slow no longer, at least for this client, once a message is accepted at the first attempt.
        self.one_by_one, self._was_too_fast = self._was_too_fast, False
        return self._done(ack)

    def refused(self, error: Error, *, again: bool = False) -> Settled[T] | None:
        """The room refused the oldest command under way; those behind it are wasted, and will be sent again.

        ``again``: so will the message itself, and there is no outcome yet.
        Raises ProtocolError if the refusal is for nothing that is under way.
        """
        if self._wasted:
            self._wasted -= 1
            return None
        if not self._flight or error.n != self._accepted + 1 or error.code == "out_of_order":
            raise ProtocolError(f"{error.n} was refused ({error.code}), and is not under way")
        if error.code == TOO_FAST:
            self.one_by_one = self._was_too_fast = again
        settled = None if again else self._done(Refused(error.code, error.message, retry_after=error.retry_after))
        self._wasted = len(self._flight) - (1 if again else 0)
        self._take_back()
        return settled

    def abandon(self, *, kept: bool = False) -> list[T]:
        """Forgets all that has no outcome, and gives its tickets. Answers to it may still come, and mean nothing.

        ``kept``: a later run may still send it, where it was written down for that.
        """
        tickets = [message.ticket for message in (*self._flight, *self._waiting)]
        self._wasted += len(self._flight)
        self._flight.clear()
        self._waiting.clear()
        return tickets

    def close(self) -> None:
        """Frees what it was written down in, if anything."""

    def _take_back(self) -> None:
        self._waiting.extendleft(reversed(self._flight))
        self._flight.clear()

    def _done(self, result: Ack | Refused) -> Settled[T]:
        message = self._flight.popleft()
        return Settled(message.ticket, result, message.command)

    def _repeated(self, message: Queued[T]) -> Settled[T]:
        """A message that the room has, unless it turns out that this is another one."""
        self._count(message)
        self._compare()
        result = self.conflict or Ack(n=self._accepted, duplicate=True)
        return Settled(message.ticket, result, message.command)

    def _count(self, message: Queued[T]) -> None:
        self._accepted += 1
        if self._digest:
            self._digest = chained(self._digest, said(message.command))

    def _compare(self) -> None:
        """Whether all up to where the room is was said in this run as it was said there."""
        if self._accepted == self._known and self._digest and self._told and self._digest != self._told:
            which = f"first {self._known:,} messages are" if self._known > 1 else "first message is"
            what = "those that were" if self._known > 1 else "the one that was"
            self.conflict = Refused("idempotency_conflict", f"The {which} not {what} sent by this producer before.")


def told(answer: Producing) -> bytes:
    """The digest of all that the room has accepted, as it says. Raises ProtocolError if that is none."""
    try:
        return bytes.fromhex(answer.digest)
    except ValueError as error:
        raise ProtocolError(f"{answer.digest!r} is not a digest") from error


def unsendable(command: Say, message_bytes: int) -> Refused | None:
    """Why no server accepts this: its text is empty, or it is longer than ``message_bytes``. None: a server may.

    A command that is refused here gets no number, so that it doesn't shift the
    other numbers in a second run. Raises ValueError if it isn't a valid command.
    """
    wire = protocol.encode(command)
    protocol.decode_command(wire)
    if not isinstance(command, (Send, Edit)):
        return Refused("too_large") if len(wire) > message_bytes else None
    if len(command.text.encode()) > message_bytes:
        return Refused("message_too_long")
    if not command.text or command.text.isspace():
        return Refused("message_empty")
    return None


def said(command: Say) -> str:
    """A command as text, without ``n`` and ``ref``, for a producer's digest (see digests.py)."""
    match command:
        case Send(text=text, reply_to=reply_to, action=action):
            return digests.sent(text, reply_to, action)
        case Edit(of=of, text=text):
            return digests.edited(of, text)
        case Delete(of=of):
            return digests.deleted(of)
        case React(of=of, reaction=reaction, remove=remove):
            return digests.reacted(of, reaction, remove)
        case SetTopic(topic=topic):
            return digests.topic_set(topic)
        case Rename(name=name):
            return digests.renamed(name)
        case _:
            assert_never(command)
