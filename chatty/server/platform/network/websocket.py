"""The two dialects over WebSocket: what a frame from a client means, and how it is answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
from typing import Final

from chatty.errors import CODES
from chatty.events import Event, ParticipantRenamed
from chatty.protocol import (
    MESSAGE_BYTES,
    TYPING_SECONDS,
    Ack,
    Close,
    Control,
    Delete,
    Edit,
    Error,
    Limits,
    Produce,
    Producing,
    React,
    Rename,
    Send,
    SetTopic,
    Type,
    Welcome,
    You,
    decode_command,
)
from chatty.server.business.entries import Duplicate, Entry, Post, Rejection
from chatty.server.business.names import check_text
from chatty.server.business.room import Facts, Outcome
from chatty.server.platform.network.dialects import SEED, V1
from chatty.server.platform.network.http_messages import Author, change
from chatty.server.platform.network.identities import Identity
from chatty.server.platform.network.session import MOST_IN_FLIGHT, Session
from chatty.server.platform.pipeline.catching_up import StartAt, follow
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import RoomView

MOST_INVALID: Final = 10
PRODUCER_LENGTH: Final = 27
MOST_REF: Final = 64
TYPING_SLACK: Final = 0.5
"""Seconds by which a client's own clock may be early."""


class SeedSession(Session):
    """A client of the original: text frames are messages."""

    __slots__ = ()

    def __init__(self, node: Node, room_id: str, identity: Identity, name: str, name_key: str, *, paced: bool) -> None:
        super().__init__(node, SEED, room_id, identity, name, name_key, paced=paced)

    def joined(self, facts: Facts) -> None:
        super().joined(facts)
        first = facts[0]
        assert isinstance(first, Event)
        self.node.hub.attach(self, first.seq - 1)  # it hears its own join first, and all that follows

    async def begin(self) -> None:
        self.node.hub.go_live(self, "")
        if self.held is not None:
            # More happened during its handshake than is held for anybody: it was detached.
            self.cut(Close.SLOW)

    def on_text(self, text: str) -> Awaitable[None] | None:
        refusal = check_text(text, size=MESSAGE_BYTES)
        if refusal is not None:
            return self._refuse(refusal)
        node = self.node
        self.in_flight += 1
        node.log.propose(
            Post(self.room_id, node.now(), self.name, self.name_key, self.identity.hash, text), self.settle
        )  # fmt: skip
        return self.in_flight_at_most(MOST_IN_FLIGHT // 2) if self.in_flight >= MOST_IN_FLIGHT else None

    async def _refuse(self, refusal: Rejection) -> None:
        """Refuse what never became an entry, in its turn."""
        await self.in_flight_at_most(0)
        self.send(self._error(refusal))

    def settle(self, outcome: Outcome) -> None:
        if type(outcome) is Rejection:
            self.node.hub.answer(self, self._error(outcome))
        self.in_flight -= 1
        if self.waiter is not None:
            self.wake()

    def _error(self, refusal: Rejection) -> bytes:
        self.node.metrics.refusals[refusal.code] += 1
        return SEED.control(Error(code=refusal.code, message=text_of(refusal)))


class V1Session(Session):
    """A client of chatty's own: commands and answers as JSON, numbered messages, resume."""

    __slots__ = ("_commands", "_invalid", "_producer", "_start", "_typed_at", "view")

    def __init__(
        self,
        node: Node,
        view: RoomView,
        identity: Identity,
        name: str,
        name_key: str,
        start: StartAt,
        *,
        paced: bool,
    ) -> None:
        """``view`` is the room as it was asked for; a joined session has it renewed after its join."""
        super().__init__(node, V1, view.info.id, identity, name, name_key, paced=paced)
        self.view = view
        self._start = start
        self._commands: deque[tuple[int, str | None]] = deque()
        self._invalid = 0
        self._producer = ""
        self._typed_at = -TYPING_SECONDS

    async def begin(self) -> None:
        if self.connection_id:
            # As it is with this one in it.
            self.view = await self.node.reads.room(self.room_id) or self.view
        info = self.view.info
        self.send_control(Welcome(
            room=info,
            you=You(self.name if self.connection_id else None),
            participants=self.view.names,
            participant_count=info.participant_count,
            epoch=info.epoch,
            first=info.first,
            last=info.last,
            limits=Limits(),
        ))  # fmt: skip
        self.following = self.node.loop.create_task(self._follow())
        self.node.keep(self.following)

    async def _follow(self) -> None:
        """Beside reading: a client may talk, and must answer pings, while it catches up."""
        try:
            await follow(self, self.node.reads, self.node.hub, self.view, self._start)
        except ConnectionError:
            return  # the reader notices too, and ends the session
        except Exception as error:  # noqa: BLE001 - nobody may go on listening who will never be told what it missed
            self.node.report("history could not be read", error)
            self.cut(Close.GOING_AWAY)

    def on_text(self, text: str) -> Awaitable[None] | None:
        try:
            command = decode_command(text)
        except (ValueError, RecursionError) as error:
            return self._refuse(Rejection("bad_request", str(error)))
        kind = type(command)
        if kind is Send:
            return self._send(command)
        if kind is Produce:
            return self._produce(command.producer)
        if kind is Type:
            self._typing()
            return None
        return self._change(command)

    def _send(self, command: Send) -> Awaitable[None] | None:
        n, ref, text = command.n, command.ref, command.text
        refusal = check_text(text, size=MESSAGE_BYTES) or self._check(n, ref)
        if refusal is not None:
            return self._refuse(refusal, n, ref)
        return self._propose(n, ref, Post(
            self.room_id, self.node.now(), self.name, self.name_key, self.identity.hash, text,
            self._producer if n else "", n or 0,
            reply_to=command.reply_to, action=command.action, connection=self.connection_id,
        ))  # fmt: skip

    def _change(self, command: Edit | Delete | React | SetTopic | Rename) -> Awaitable[None] | None:
        n, ref = command.n, command.ref
        refusal = self._check(n, ref)
        who = Author(
            self.name, self.name_key, self.identity.hash, self._producer if n else "", n or 0, self.connection_id
        )
        made = refusal or change(command, self.room_id, self.node.now(), who)
        if isinstance(made, Rejection):
            return self._refuse(made, n, ref, understood=refusal is None)
        return self._propose(n, ref, made)

    def _check(self, n: int | None, ref: str | None) -> Rejection | None:
        """Why nothing can be said like that, or None."""
        if n is not None and (n < 1 or n >= 1 << 63 or not self._producer):
            return Rejection("bad_request", "n counts from 1, after a produce command.")
        if ref is not None and len(ref) > MOST_REF:
            return Rejection("bad_request", f"A ref has at most {MOST_REF} characters.")
        return None if self.name else Rejection("name_invalid", "Connect with a name to send.")

    def _propose(self, n: int | None, ref: str | None, entry: Entry) -> Awaitable[None] | None:
        self._invalid = 0
        self.in_flight += 1
        self._commands.append((n or 0, ref))
        self.node.log.propose(entry, self.settle)
        return self.in_flight_at_most(MOST_IN_FLIGHT // 2) if self.in_flight >= MOST_IN_FLIGHT else None

    def _typing(self) -> None:
        if not self.may_control():
            return
        now = self.node.loop.time()
        if self.connection_id and now - self._typed_at >= TYPING_SECONDS / 2 - TYPING_SLACK:
            self._typed_at = now
            self.node.hub.show_typing(self, self.name)

    async def _produce(self, producer: str) -> None:
        await self.in_flight_at_most(0)
        if len(producer) != PRODUCER_LENGTH or not producer.isascii() or not producer.isalnum():
            await self._refuse(Rejection("bad_request", "A producer is a KSUID: 27 letters and digits."))
            return
        accepted, digest = await self.node.reads.accepted(self.view.key, self.identity.hash, producer)
        self._invalid, self._producer = 0, producer
        self.send_control(Producing(accepted=accepted, digest=digest.hex()))

    async def _refuse(
        self, refusal: Rejection, n: int | None = None, ref: str | None = None, *, understood: bool = False
    ) -> None:
        """Refuse what never became an entry, in its turn. ``understood``: as a command it was a valid one."""
        await self.in_flight_at_most(0)
        self.node.metrics.refusals[refusal.code] += 1
        self.send_control(Error(n=n, code=refusal.code, message=text_of(refusal), ref=ref))
        self._invalid = self._invalid + 1 if refusal.code == "bad_request" and not understood else 0
        if self._invalid >= MOST_INVALID:
            self.cut(Close.INVALID_COMMANDS)

    def settle(self, outcome: Outcome) -> None:
        number, ref = self._commands.popleft()
        n = number or None
        answer: Control
        if type(outcome) is tuple:
            # A change that changes nothing makes no event.
            event = outcome[0] if outcome else None
            answer = Ack(n=n, seq=getattr(event, "seq", None), ref=ref)
            if isinstance(event, ParticipantRenamed):
                self._rename_all(event.name)
        elif type(outcome) is Duplicate:
            answer = Ack(n=n, seq=outcome.seq or None, duplicate=True, ref=ref)
        else:
            assert type(outcome) is Rejection
            self.node.metrics.refusals[outcome.code] += 1
            answer = Error(n=n, code=outcome.code, message=text_of(outcome), ref=ref)
        self.node.hub.answer(self, V1.control(answer))
        self.in_flight -= 1
        if self.waiter is not None:
            self.wake()

    def _rename_all(self, name: str) -> None:
        """Rename this participant's connections: it may have others, which are called the same.

        They need not be the hub's already. Renames are few: to ask all sessions costs less than to keep them sorted.
        """
        identity, name_key = self.identity.hash, self.name_key
        for session in self.node.sessions:
            session.rename(self.room_id, identity, name_key, name)


def text_of(refusal: Rejection) -> str:
    """What a person reads."""
    return refusal.message or CODES[refusal.code].text
