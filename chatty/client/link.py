"""Keeps a connection to a room open, and moves frames between it, the inbox and the outbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Any, Final

from msgspec import Struct

from chatty.client import backoff
from chatty.client.connection import ABNORMAL, HEARTBEAT_SECONDS, Beat, Closed, Connection, connect, greeting
from chatty.client.decoding import read_frame
from chatty.client.identity import Credential
from chatty.client.inbox import Inbox
from chatty.client.nodes import ELSEWHERE, Nodes, Sessions, of_all
from chatty.client.outbox import TOO_FAST, TRANSIENT, Outbox, Settled
from chatty.client.states import Connected, Connecting, Reconnecting, Slowed, State
from chatty.errors import CODES, ChattyError, Disconnected, ProtocolError, Refused, Unreachable
from chatty.events import Moderated, ParticipantRenamed, StreamPosition
from chatty.protocol import Ack, Close, Error, Producing, Type, Welcome, encode, may_reconnect

__all__ = ["Link", "LinkOptions"]

_BATCH: Final = 64
_TYPING: Final = encode(Type())
_TYPING_SECONDS: Final = 2.0
_LONGEST_PAUSE: Final = 30.0
"""Seconds after which a message is tried again in a slow room at the latest."""
_ABOUT_THE_CLIENT: Final = 4000
"""From this close code on, the node is not at fault."""
_STEADY_SECONDS: Final = 10.0
"""A connection that lived so long counts as a success: the next loss starts with short waits again."""


class LinkOptions(Struct, frozen=True, kw_only=True):
    """Where a link leads, as whom, and how it deals with trouble. Times are in seconds."""

    server: str
    room_id: str
    key: Credential
    name: str | None
    participate: bool
    patience: float | None
    tls: ssl.SSLContext | None = None  # which authorities to trust, if not the system's
    sessions: Sessions | None = None  # those that it shares with others, if it does; their owner closes them
    retry_first: bool = False  # whether the first connection is tried as often as a later one
    heartbeat: float = HEARTBEAT_SECONDS
    handshake: float = 20.0  # for an attempt to connect, until the welcome
    stall: float = 5.0  # for a reader that doesn't read; the server cuts off clients that stall for 10
    name_taken: float = 30.0  # for a name that is taken when the link comes back
    transient: float = 30.0  # for a server that cannot store anything
    renewal: float = 30.0  # for a credential that no longer counts, until its source gives another one


class Link:
    """One room's connections, one after another.

    ``settle`` is called with the messages that have their outcome, ``changed`` whenever the
    reader may have something to do, ``fail`` with why nothing more can be
    sent, and ``on_state`` with each `State` but the last.
    """

    def __init__(
        self,
        options: LinkOptions,
        inbox: Inbox,
        outbox: Outbox[Any],
        *,
        settle: Callable[[Iterable[Settled[Any]]], None],
        changed: Callable[[], None],
        fail: Callable[[ChattyError], None],
        on_state: Callable[[State], None],
        beat: Beat,
    ) -> None:
        self.welcome: Welcome | None = None
        self.name = options.name
        self._options = options
        self._inbox = inbox
        self._outbox = outbox
        self._settle = settle
        self._changed = changed
        self._fail = fail
        self._on_state = on_state
        self._beat = beat
        self._participate = options.participate
        self._known_as: str | None = None  # the present participant's name, as the room has it
        self._typing = False  # whether the others are to be told that something is being written
        self._typed_at = -_TYPING_SECONDS
        self._nodes = Nodes(options.server)
        self._sessions = options.sessions or Sessions(options.key, options.tls)
        self._connection: Connection | None = None
        self._leaving = False
        self._to_write = asyncio.Event()
        self._space = asyncio.Event()
        self._resume = asyncio.Event()
        self._ruled = asyncio.Event()  # set when the room's slow mode has changed
        self._random = Random()  # noqa: S311 - so that clients come back at different times
        self._now = asyncio.get_running_loop().time
        self._attempt = 0
        self._lost_at: float | None = None
        self._connected_at = 0.0
        self._acked = False
        self._began_at: StreamPosition | None = None
        self._unsettled_since: float | None = None
        self._pause = 0.0

    @property
    def server(self) -> str:
        """The server's addresses, beginning with the one that is used at present."""
        return str(self._nodes)

    # --- from the room --------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Opens the first connection. Raises what `connect` raises, unless it is to retry."""
        if self._options.retry_first:
            self._resume.set()
            self._connection = await self._come_back(Closed(ABNORMAL, ""))
            return
        while True:
            self._on_state(Connecting())
            last = self._nodes.all_failed_but_one
            try:
                self._connection = await self._connect(patiently=last)
                return
            except Unreachable as error:
                if last:
                    raise of_all(self._nodes, error) from error.__cause__
            except Refused as refused:
                if last or refused.code not in ELSEWHERE:
                    raise
            self._nodes.next_one()

    async def run(self) -> None:
        """Carries frames until the link is left, or the room is closed and has been read. Raises any other end."""
        while self._connection is not None:
            closed = await self._carry(self._connection)
            if self._leaving:
                return
            if closed.code == Close.ROOM_CLOSED:
                if self._inbox.complete:
                    return
                await self._room_closed()
            elif not may_reconnect(closed.code):
                raise Disconnected(*closed)
            self._connection = await self._come_back(closed)

    def wake(self) -> None:
        """There is something to write. Its ack must not wait for a reader, who may be waiting for it."""
        self._to_write.set()
        self._space.set()
        self._beat.wake()

    def typing(self) -> None:
        """Something is being written. Said on the present connection, if there is one, and not too often."""
        now = self._now()
        if now - self._typed_at >= _TYPING_SECONDS:
            self._typed_at = now
            self._typing = True
            self._to_write.set()

    def renamed(self, name: str, *, before: bool) -> None:
        """The participant is called ``name``. ``before``: so it already was when the present connection was opened."""
        self.name = name
        if before and self._known_as not in (None, name.strip()) and self._connection is not None:
            self._connection.abort()  # it joined under the old name

    def taken(self) -> None:
        """The reader has taken something."""
        if self._inbox.roomy:
            self._space.set()

    def catch_up(self) -> None:
        """The reader has taken everything and has fallen behind: a new connection brings the dropped frames."""
        if not self._resume.is_set() and self._connection is not None:
            self._resume.set()
            self._connection.abort()

    async def leave(self) -> None:
        """Ends the present connection as a leave."""
        self._leaving = True
        self._space.set()
        if self._connection is not None:
            await self._connection.leave()

    async def close(self) -> None:
        """Frees all resources. Sends nothing."""
        if self._options.sessions is None:
            await self._sessions.close()

    # --- connecting -----------------------------------------------------------------------------------------

    async def _connect(self, *, patiently: bool = False) -> Connection:
        """A connection to the present node, which gets little time while there are others, and more in each round."""
        options, node = self._options, self._nodes.present
        query = {"name": self.name} if self.name is not None else {}
        if not self._participate:
            query["join"] = "false"
        session = self._sessions.to(node)
        heartbeat = self._nodes.heartbeat(options.heartbeat)
        try:
            async with asyncio.timeout(options.handshake if patiently else self._nodes.limit(options.handshake)):
                query |= self._inbox.question()
                connection = await connect(session, node, options.room_id, query, heartbeat)
                try:
                    welcome, raw = await greeting(connection, node)
                except BaseException:
                    await connection.discard()
                    raise
        except TimeoutError:
            raise Unreachable(node, "timed out") from None
        self.welcome = welcome
        self._known_as = welcome.you.participant
        self._typing = False
        self._inbox.connected()
        self._inbox.put(welcome, raw)
        self._outbox.connected(welcome.epoch)
        self._resume.clear()
        self._connected_at = self._now()
        self._acked, self._began_at = False, self._inbox.seen
        self._on_state(Connected())
        self._changed()
        return connection

    async def _come_back(self, closed: Closed) -> Connection:
        """A new connection, after as many attempts as it takes or as patience allows."""
        now = self._now()
        progressed = self._acked or self._inbox.seen != self._began_at
        if self._lost_at is None or progressed or now - self._connected_at > _STEADY_SECONDS:
            self._lost_at, self._attempt = now, 0
            self._nodes.begin_round()
        lost_at = self._lost_at
        reason, wait = closed.reason or "the connection broke", 0.0
        at_once = self._resume.is_set()
        elsewhere = not at_once and closed.code < _ABOUT_THE_CLIENT and self._nodes.next_one()
        while True:
            if not elsewhere:
                self._attempt += 1
                if not at_once:
                    await self._wait(lost_at, reason, wait)
            at_once, elsewhere, wait = False, False, 0.0
            self._on_state(Connecting())
            try:
                return await self._connect()
            except Refused as refused:
                if refused.code == "room_closed" and self._participate:
                    await self._room_closed()
                    at_once = True
                elif self._is_final(refused, lost_at):
                    raise
                elif refused.code in ELSEWHERE:
                    elsewhere = self._nodes.next_one()
                reason, wait = refused.message, refused.retry_after or 0.0
            except (Unreachable, ProtocolError) as error:  # also a proxy whose server is away, a café's login page
                reason = error.reason if isinstance(error, Unreachable) else str(error)
                elsewhere = self._nodes.next_one()

    async def _wait(self, lost_at: float, reason: str, at_least: float) -> None:
        now = self._now()
        delay = backoff.delay(self._attempt, now - lost_at, self._random, at_least=at_least)
        if self._options.patience is not None:
            left = lost_at + self._options.patience - now
            if left <= 0:
                raise Unreachable(self._options.server, reason)
            delay = min(delay, left)
        self._on_state(Reconnecting(delay, self._attempt, reason))
        await asyncio.sleep(delay)

    def _is_final(self, refused: Refused, lost_at: float) -> bool:
        if refused.code == "name_taken":  # perhaps by this client's own last connection, which is dying
            return self._now() - lost_at > self._options.name_taken
        if refused.code == "unauthorized" and callable(self._options.key):
            return self._now() - lost_at > self._options.renewal
        status = refused.status or CODES["internal"].status
        return status < 500 and status != CODES["rate_limited"].status

    async def _room_closed(self) -> None:
        """Nothing more can be sent; events from before the end can still be read, by a connection that doesn't join."""
        self._fail(Refused("room_closed"))
        self._participate = False
        if self._inbox.behind:
            await self._resume.wait()

    # --- carrying -------------------------------------------------------------------------------------------

    async def _carry(self, connection: Connection) -> Closed:
        writer = asyncio.create_task(self._write(connection))
        writer.add_done_callback(lambda task: None if task.cancelled() else connection.abort())
        try:
            return await self._read(connection)
        except ProtocolError as error:
            return Closed(ABNORMAL, str(error))
        finally:
            writer.cancel()
            await asyncio.wait([writer])
            if not self._leaving:
                await connection.discard()
            if not writer.cancelled():
                writer.result()

    async def _write(self, connection: Connection) -> None:
        try:
            while True:
                self._to_write.clear()
                if self._pause:
                    pause, self._pause = self._pause, 0.0
                    self._ruled.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._ruled.wait(), pause)
                if self._typing:
                    self._typing = False
                    await connection.write((_TYPING,))
                while commands := self._outbox.take(_BATCH):
                    await connection.write(commands)
                await self._to_write.wait()
        except ConnectionError:
            return  # the reading side learns of it, too, and how

    async def _read(self, connection: Connection) -> Closed:
        inbox, outbox = self._inbox, self._outbox
        while True:
            raw = await connection.receive()
            if isinstance(raw, Closed):
                return raw
            if not len(outbox):
                self._beat.received(connection)
            frame = read_frame(raw)
            if isinstance(frame, Ack):
                self._acked = True
                self._unsettled_since = None
                self._settle((outbox.acked(frame),))
                if outbox.one_by_one:
                    self._to_write.set()
            elif isinstance(frame, Error) and frame.n is not None:
                self._refused(frame)
            elif isinstance(frame, Error) and frame.ref is None and len(outbox):
                # The server couldn't decode a command, nor its number: it will never ack anything behind it.
                self._fail(Refused(frame.code, frame.message))
            elif isinstance(frame, Producing):
                self._settle(outbox.producing(frame))
                if outbox.conflict is not None:
                    self._fail(outbox.conflict)
                self._to_write.set()
            elif inbox.put(frame, raw):
                if type(frame) is ParticipantRenamed:
                    self._follow(frame)
                elif type(frame) is Moderated and frame.act == "slow":
                    self._ruled.set()
                self._changed()
                if inbox.full and not inbox.behind:
                    await self._wait_for_space()
            else:
                return Closed(ABNORMAL, "events are missing")

    def _follow(self, renamed: ParticipantRenamed) -> None:
        """Perhaps it is about this participant, whose other connections may have asked for it."""
        assert self.welcome is not None
        if renamed.participant == self._known_as and renamed.seq > self.welcome.last:
            self.name = self._known_as = renamed.name

    async def _wait_for_space(self) -> None:
        """Reads no further while the reader has enough to do, unless somebody waits for an ack."""
        self._space.clear()
        if not len(self._outbox) and not self._leaving:
            try:
                async with asyncio.timeout(self._options.stall):
                    await self._space.wait()
            except TimeoutError:
                pass  # then its events are let go, as below
        if self._inbox.full:
            self._inbox.overflow()

    def _refused(self, error: Error) -> None:
        again = False
        if error.code in TRANSIENT and not self._outbox.wasting:
            now = self._now()
            if self._unsettled_since is None:
                self._unsettled_since = now
            lasted = now - self._unsettled_since
            again = lasted < self._options.transient
            self._pause = self._random.uniform(0.05, min(2.0, 0.1 + lasted)) if again else 0.0
        elif error.code == TOO_FAST and not self._outbox.wasting:
            # That is the room's rule, and no trouble: the message goes when it may, however long that takes.
            again, left = True, error.retry_after or 1.0
            # Those who don't see the room don't see either that the rule was changed, and so try earlier.
            self._pause = min(left, _LONGEST_PAUSE) + self._random.uniform(0.0, 0.05)
            self._on_state(Slowed(left))
        settled = self._outbox.refused(error, again=again)
        if settled is not None:
            self._settle((settled,))
            if self._outbox.lasting:  # the next message would get its number, and a later run take this one for stored
                self._fail(Refused(error.code, error.message))
        self._to_write.set()
