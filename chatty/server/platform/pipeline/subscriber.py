"""A subscriber of a room, and the audience that all live subscribers of one dialect form.

This is all that the pipeline knows of a connection. The sockets and the frames
on the wire are the network's business.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from chatty.protocol import Close, Control
from chatty.server.business.access import Standing
from chatty.server.business.rights import READ, Principal, Rights
from chatty.server.platform.store.access.loading import Rulings
from chatty.server.platform.store.applied import StoredEvent

LOOK_AFTER: Final = 8 * 1024
"""Bytes that an audience is sent before its subscribers' write buffers are looked at again."""


class Dialect(Protocol):
    """How what happens is encoded. There is one object for each dialect, and the hub encodes once for each object.

    A dialect gives empty bytes for what its clients don't know.
    """

    name: str
    """What monitoring calls it."""

    def events(self, events: Sequence[StoredEvent], epoch: str) -> bytes:
        """Events of a room in ``epoch``."""

    def control(self, control: Control) -> bytes:
        """A frame for one subscriber, which is not part of the room's log."""

    def tick(self, last: int) -> bytes:
        """The room is quiet, and ``last`` is its last event."""

    def typing(self, name: str) -> bytes:
        """The participant ``name`` is writing something."""


class Transport(Protocol):
    """The part of a connection that a subscriber needs. An asyncio transport has it."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Subscriber(ABC):
    """Somebody who listens to a room. ``position`` is the last event that it has been sent.

    ``held`` and ``audience`` belong to the hub, which says in which states a
    subscriber can be. ``needs``: without these rights it is cut.
    """

    __slots__ = (
        "_changes_at", "_missed", "_sent_alone", "_transport", "audience", "backlog", "dialect", "held", "needs",
        "position", "rights", "room_id", "standing", "who", "write",
    )  # fmt: skip

    def __init__(self, dialect: Dialect, room_id: str, who: Principal) -> None:
        self.dialect = dialect
        self.room_id = room_id
        self.who = who
        self.needs: Rights = READ
        self.rights: Rights = READ
        self.standing: Standing | None = None
        self._missed: list[Rulings] = []
        self._changes_at = 0
        self.position = 0
        self.held: list[StoredEvent] | None = None
        self.audience: Audience | None = None
        self._sent_alone = 0
        self._transport: Transport | None = None
        self.write: Callable[[bytes], Any]
        self.backlog: Callable[[], int]

    def connect(self, transport: Transport) -> None:
        """Say where to write."""
        self._transport = transport
        self.write = transport.write
        self.backlog = transport.get_write_buffer_size

    def send(self, blob: bytes) -> None:
        """Write to this subscriber alone. A closed transport takes nothing: its owner will notice."""
        with contextlib.suppress(RuntimeError):  # how uvloop reports a closed transport
            self.write(blob)
            self._sent_alone += len(blob)

    def send_control(self, control: Control) -> None:
        """Send a frame that is not part of the room's log."""
        self.send(self.dialect.control(control))

    @abstractmethod
    async def drained(self) -> None:
        """Wait until the peer has taken most of what was written. Raises ConnectionError when it is gone."""

    @abstractmethod
    def cut(self, code: Close) -> None:
        """End the connection, for the reason ``code``. The hub calls it once at most."""

    # --- rights: registered first, looked at second, and again whenever they may have changed ----------------

    @abstractmethod
    def now(self) -> int:
        """The time by which rights end, in milliseconds since 1970."""

    def look(self, standing: Standing, at: int) -> None:
        """Its standing was read from the store, at ``at`` (milliseconds), after it was registered with the node.

        Rulings that came in between may be missing in it, so they are applied again.
        """
        missed, self._missed = self._missed, []
        for rulings in missed:
            standing = rulings.applied(standing)
        self.standing = standing
        self.rights = standing.rights(at)
        self._changes_at = standing.changes_at(at)
        self._cut_without(standing, at)

    def rule(self, rulings: Rulings, at: int) -> None:
        """Rights have changed, perhaps this one's."""
        if self.standing is None:
            self._missed.append(rulings)
            return
        standing = rulings.applied(self.standing)
        if standing is not self.standing:
            self.standing = standing
            self._look_again(at)

    def check_rights(self, at: int) -> None:
        """Look whether rights have ended by themselves by ``at``."""
        if 0 < self._changes_at <= at:
            self._look_again(at)

    def _look_again(self, at: int) -> None:
        assert self.standing is not None
        before, self.rights = self.rights, self.standing.rights(at)
        self._changes_at = self.standing.changes_at(at)
        if self._cut_without(self.standing, at) and self.rights != before:
            self.tell_rights()

    def _cut_without(self, standing: Standing, at: int) -> bool:
        """Whether it may stay. If it may not, it is cut."""
        # One that needs no right in particular may stay while it is muted, and wait for the end of that.
        if (self.rights & self.needs == self.needs) if self.needs else not standing.is_shut_out(at):
            return True
        self.cut(Close.CREDENTIALS_EXPIRED if standing.has_invalid_token(at) else Close.REMOVED)
        return False

    def tell_rights(self) -> None:  # noqa: B027 - most dialects have no words for it
        """Tell the peer what it may do now, if its dialect has words for that."""

    @property
    def written(self) -> int:
        """Bytes that its transport was given, counted from some beginning, as they wait for the peer."""
        # Encryption adds to them, and they wait encrypted.
        encryption = getattr(self._transport, "overhead", 0)
        return self._sent_alone + (self.audience.sent if self.audience else 0) + encryption

    def join(self, audience: Audience) -> None:
        """Be written to with ``audience``, of whose bytes it has had none so far."""
        self._sent_alone -= audience.sent
        self.audience = audience

    def leave(self, audience: Audience) -> None:
        """Be written to alone again."""
        self._sent_alone += audience.sent
        self.audience = None


class Audience:
    """The live subscribers of a room that share a dialect, each with how it is written to.

    ``sent`` is the number of bytes that each of them was given. It is counted
    once for all of them, because a write is all that a subscriber may cost.
    """

    __slots__ = ("_most_waiting", "_unchecked", "sent", "subscribers")

    def __init__(self, most_waiting: int) -> None:
        """``most_waiting``: with more bytes than that in its write buffer, a subscriber is a slow reader."""
        self._most_waiting = most_waiting
        self.subscribers: dict[Subscriber, Callable[[bytes], Any]] = {}
        self.sent = 0
        self._unchecked = 0

    def admit(self, subscriber: Subscriber) -> None:
        """``subscriber`` is live."""
        self.subscribers[subscriber] = subscriber.write
        subscriber.join(self)

    def dismiss(self, subscriber: Subscriber) -> None:
        """``subscriber`` is gone."""
        del self.subscribers[subscriber]
        subscriber.leave(self)

    def send(self, blob: bytes) -> tuple[list[Subscriber], list[Subscriber]]:
        """Write ``blob`` to all of them; gives those that are slow, and those that are gone."""
        gone: list[Subscriber] = []
        for subscriber, write in self.subscribers.items():
            try:
                write(blob)
            except RuntimeError:  # how uvloop reports a closed transport: its session is about to notice
                gone.append(subscriber)
        self.sent += len(blob)
        self._unchecked += len(blob)
        if self._unchecked < LOOK_AFTER:
            return [], gone
        self._unchecked = 0
        most = self._most_waiting
        return [subscriber for subscriber in self.subscribers if subscriber.backlog() > most], gone
