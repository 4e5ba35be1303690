"""The sessions of both dialects: what a client's frames mean, and how they are answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from chatty.errors import CODES
from chatty.events import Event
from chatty.protocol import (
    MESSAGE_BYTES,
    TYPING_SECONDS,
    Ack,
    Close,
    Command,
    Control,
    Delete,
    Edit,
    Error,
    Limits,
    Live,
    Produce,
    Producing,
    React,
    Rename,
    RightsChanged,
    RoomInfo,
    Send,
    SetTopic,
    Type,
    Welcome,
    You,
    decode_command,
    encode,
)
from chatty.seed_dialect import SeedJoined
from chatty.server.business.access import Action, Standing
from chatty.server.business.entries import Duplicate, Entry, Post, Rejection
from chatty.server.business.names import check_text
from chatty.server.business.outcomes import Facts, Outcome
from chatty.server.business.rights import MEMBER, NOBODY, READ, Principal, rights_named
from chatty.server.platform.network.dialects import SEED, V1
from chatty.server.platform.network.frames import text_frame
from chatty.server.platform.network.http_messages import Author, change
from chatty.server.platform.network.rate_limit import Pace
from chatty.server.platform.network.responses import unfit
from chatty.server.platform.network.session import MOST_IN_FLIGHT, Session
from chatty.server.platform.pipeline.catching_up import StartAt, follow
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import RoomView

MOST_INVALID: Final = 10
PRODUCER_LENGTH: Final = 27
MOST_REF: Final = 64
TYPING_SLACK: Final = 0.5
"""How many seconds too early a client's typing notice may come."""


class SeedSession(Session):
    """A client of the original service: every text frame is a message."""

    __slots__ = ("_has_joined",)

    def __init__(self, node: Node, room_id: str, who: Principal, pace: Pace | None) -> None:
        super().__init__(node, SEED, room_id, who, pace)

    def joined(self, facts: Facts) -> None:
        super().joined(facts)
        # Its own join is the first event that it gets. A second connection of a participant joins nobody.
        first = facts[-2:][0]  # before it, others may have left who were in its place
        self.node.hub.attach(self, first.seq - 1 if isinstance(first, Event) else 0)
        self._has_joined = isinstance(first, Event)

    async def begin(self) -> None:
        if self.node.has_rulings or self.who.resumable:
            if await self.enter(Action.SEE) is None:
                return
        else:
            self.look(Standing(self.who, self.room_id), self.now())
        if not self._has_joined:
            self.send(text_frame(encode(SeedJoined(self.who.name))))
        self.node.hub.go_live(self, "")
        if self.held is not None:
            # More has happened during the handshake than the hub holds for a subscriber, so it was detached.
            self.cut(Close.SLOW)

    def on_text(self, text: str) -> Awaitable[None] | None:
        refusal = check_text(text, size=MESSAGE_BYTES)
        if refusal is not None:
            return self._refuse(refusal)
        node = self.node
        self.in_flight += 1
        node.log.propose(
            Post(self.room_id, node.now(), self.who, text, connection=self.connection_id), self.settle
        )  # fmt: skip
        return self.in_flight_at_most(MOST_IN_FLIGHT // 2) if self.in_flight >= MOST_IN_FLIGHT else None

    async def _refuse(self, refusal: Rejection) -> None:
        """Refuse a text that never became an entry, after the outcomes of those before it."""
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
    """A client of chatty's own: JSON commands and answers, numbered messages, resume."""

    __slots__ = ("_commands", "_invalid", "_producer", "_start", "_typed_at", "view")

    def __init__(
        self,
        node: Node,
        view: RoomView,
        who: Principal,
        start: StartAt,
        pace: Pace | None,
    ) -> None:
        """``view`` is the room before the session is registered; it is read again afterwards."""
        super().__init__(node, V1, view.info.id, who, pace)
        self.view = view
        self._start = start
        self._commands: deque[tuple[int, str | None]] = deque()
        self._invalid = 0
        self._producer = ""
        self._typed_at = -TYPING_SECONDS

    async def begin(self) -> None:
        # A token with which one only posts opens a socket, too, and nothing of the room comes through it.
        self.needs = READ if self.view.standing.rights(self.now()) & READ or self.connection_id else NOBODY
        # One that joins looks again in any case, so that the welcome shows this participant, too.
        seen = None if self.connection_id else self.view
        view = await self.enter(Action.SEE if self.needs else Action.DELETE, seen)
        if view is None:
            return
        self.view = view
        info = view.info
        if not self.needs:
            self.send_control(
                _welcome(RoomInfo(info.id, info.name, "", info.created_at, info.epoch, 0, 0, 0), self, [])
            )
            self.send_control(Live(last=0))
            return
        self.send_control(_welcome(info, self, view.names))
        self.following = self.node.loop.create_task(self._follow())
        self.node.keep(self.following)

    def tell_rights(self) -> None:
        self.send_control(RightsChanged(rights_named(self.rights)))

    async def _follow(self) -> None:
        """Catch up beside reading: meanwhile a client may talk, and has to answer pings."""
        try:
            await follow(self, self.node.reads, self.node.hub, self.view, self._start)
        except ConnectionError:
            return  # the reader notices too, and ends the session
        except Exception as error:  # noqa: BLE001 - a client must not stay connected with a hole in what it gets
            self.node.report("history could not be read", error)
            self.cut(Close.GOING_AWAY)

    def on_text(self, text: str) -> Awaitable[None] | None:
        try:
            command = decode_command(text)
        except (ValueError, RecursionError) as error:
            return self._refuse(Rejection("bad_request", unfit(error)))
        return _HANDLERS[type(command)](self, command)

    def _send(self, command: Send) -> Awaitable[None] | None:
        n, ref, text = command.n, command.ref, command.text
        refusal = check_text(text, size=MESSAGE_BYTES) or self._check(n, ref)
        if refusal is not None:
            return self._refuse(refusal, n, ref)
        return self._propose(n, ref, Post(
            self.room_id, self.node.now(), self.who, text,
            self._producer if n else "", n or 0,
            reply_to=command.reply_to, action=command.action, connection=self.connection_id,
            automatic=command.automatic,
        ))  # fmt: skip

    def _change(self, command: Edit | Delete | React | SetTopic | Rename) -> Awaitable[None] | None:
        n, ref = command.n, command.ref
        refusal = self._check(n, ref)
        author = Author(self.who, self._producer if n else "", n or 0, self.connection_id)
        made = refusal or change(command, self.room_id, self.node.now(), author)
        if isinstance(made, Rejection):
            return self._refuse(made, n, ref, understood=refusal is None)
        return self._propose(n, ref, made)

    def _check(self, n: int | None, ref: str | None) -> Rejection | None:
        """Why a command cannot be accepted with these, or from this session; None if it can."""
        if n is not None and (n < 1 or n >= 1 << 63 or not self._producer):
            return Rejection("bad_request", "n counts from 1, after a produce command.")
        if ref is not None and len(ref) > MOST_REF:
            return Rejection("bad_request", f"A ref has at most {MOST_REF} characters.")
        return None if self.who.name else Rejection("name_invalid", "Connect with a name to send.")

    def _propose(self, n: int | None, ref: str | None, entry: Entry) -> Awaitable[None] | None:
        self._invalid = 0
        self.in_flight += 1
        self._commands.append((n or 0, ref))
        self.node.log.propose(entry, self.settle)
        return self.in_flight_at_most(MOST_IN_FLIGHT // 2) if self.in_flight >= MOST_IN_FLIGHT else None

    def _typing(self, command: Type) -> None:
        if not self.may_control():
            return
        now = self.node.loop.time()
        if self.connection_id and now - self._typed_at >= TYPING_SECONDS / 2 - TYPING_SLACK:
            self._typed_at = now
            if self.rights & MEMBER == MEMBER:
                self.node.show_typing(self)

    async def _produce(self, command: Produce) -> None:
        producer = command.producer
        # The number that is answered has to count everything that was sent before this command.
        await self.in_flight_at_most(0)
        if len(producer) != PRODUCER_LENGTH or not producer.isascii() or not producer.isalnum():
            await self._refuse(Rejection("bad_request", "A producer is a KSUID: 27 letters and digits."))
            return
        accepted, digest = await self.node.reads.accepted(self.view.key, self.who.identity, producer)
        self._invalid, self._producer = 0, producer
        self.send_control(Producing(accepted=accepted, digest=digest.hex()))

    async def _refuse(
        self, refusal: Rejection, n: int | None = None, ref: str | None = None, *, understood: bool = False
    ) -> None:
        """Refuse a command that never became an entry, after the answers to those before it.

        ``understood``: it was well-formed, and doesn't count as one of ten invalid commands running.
        """
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
            # A change that changes nothing has no event.
            event = outcome[0] if outcome else None
            answer = Ack(n=n, seq=getattr(event, "seq", None) if self.needs else None, ref=ref)
        elif type(outcome) is Duplicate:
            answer = Ack(n=n, seq=outcome.seq or None, duplicate=True, ref=ref)
        else:
            assert type(outcome) is Rejection
            if outcome.code == "unauthorized":
                self.cut(Close.CREDENTIALS_EXPIRED)  # it comes again, with a valid token
            self.node.metrics.refusals[outcome.code] += 1
            wait = outcome.wait / 1000 or None
            answer = Error(n=n, code=outcome.code, message=text_of(outcome), ref=ref, retry_after=wait)
        self.node.hub.answer(self, V1.control(answer))
        self.in_flight -= 1
        if self.waiter is not None:
            self.wake()


def _welcome(info: RoomInfo, session: V1Session, names: list[str]) -> Welcome:
    is_open = session.view.standing.server_rules.everyone & READ
    return Welcome(
        room=info,
        you=You(session.who.name if session.connection_id else None, rights_named(session.rights), session.verified),
        participants=names,
        participant_count=info.participant_count,
        epoch=info.epoch,
        first=info.first,
        last=info.last,
        limits=Limits(),
        access="open" if is_open else "token",
    )


def text_of(refusal: Rejection) -> str:
    """The text of a refusal, for people."""
    return refusal.message or CODES[refusal.code].text


_HANDLERS: Final[dict[type[Command], Callable[[V1Session, Any], Awaitable[None] | None]]] = {
    Send: V1Session._send,
    Edit: V1Session._change,
    Delete: V1Session._change,
    React: V1Session._change,
    SetTopic: V1Session._change,
    Rename: V1Session._change,
    Produce: V1Session._produce,
    Type: V1Session._typing,
}
