"""A room, as a program talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from chatty.client.asking import Answer, pose
from chatty.client.connection import Beat
from chatty.client.history import messages
from chatty.client.identity import Credential, fingerprint, new_producer, new_secret
from chatty.client.inbox import Inbox, Received
from chatty.client.incoming import Incoming
from chatty.client.link import Link, LinkOptions
from chatty.client.network.address import base_urls
from chatty.client.network.tls import CaCert, trusting
from chatty.client.outbox import Outbox, Queued
from chatty.client.outgoing import Outgoing, Speaker
from chatty.client.requests import Requests, over
from chatty.client.states import Offline, State
from chatty.errors import Disconnected, Refused
from chatty.events import Event, Message, StreamPosition
from chatty.protocol import Ack, Close, Gap, RoomInfo, Say, Welcome

__all__ = ["Room", "join", "made"]


def join(
    server: str,
    room_id: str,
    *,
    name: str | None = None,
    key: Credential | None = None,
    participate: bool = True,
    since: int | None = None,
    epoch: str | None = None,
    last: int | None = None,
    producer: str | None = None,
    patience: float | None = None,
    transient: float = 30.0,
    on_state: Callable[[State], None] | None = None,
    cacert: CaCert = None,
    journal: Path | None = None,
) -> Room:
    """A room to talk in and listen to, as an async context manager; the connection is opened on entering.

        async with chatty.join("http://127.0.0.1:8080", room_id, name="bot") as room:
            await room.send("hello")
            async for event in room:
                ...

    ``server`` may be several addresses with commas between them, those of a cluster's nodes. The first one is tried
    first. When a node fails, the room goes on at the next one, at once and as the same client.

    ``name`` is the name to speak under. ``key`` proves to the server that the same client comes back (see
    `chatty.client.identity.derive_key`); without it the room makes a key of its own, which lasts as long as the room
    does. It may be a token, or a function that gives one, such as a `chatty.client.identity.TokenFile`: then the
    token may be replaced while the room is open, and a connection that ends because the old one no longer counts
    comes back with the new one. For 30 s the room waits for a new one. ``participate=False`` reads and sends without
    being in the room for the others: it needs a name only to send.

    Events begin at the present; with ``since`` (and ``epoch``) after that event; with ``last``, at the newest that
    many messages.

    ``producer`` continues the numbering of an earlier run, so that sending the same messages again sends only what is
    missing (see `chatty.client.identity.producer_from_key`). Other messages than that run's are refused with
    ``idempotency_conflict``, before anything new is sent. The first refusal ends the sending: the next message would
    get its number.

    ``patience``: seconds for which a lost connection is tried again before the room gives up with `Unreachable`;
    None: forever. The first connection is tried once. ``transient``: seconds for which a message is tried again that
    a server refuses only because of the moment, such as for a full disk. In a room in slow mode, messages wait for as
    long as it takes. ``on_state`` is called with each `State` of the connection. ``cacert`` says whose certificates
    to trust, as for `chatty.client.http.Http`.

    ``journal`` is a file for messages that have no outcome yet. If the process is killed, the next room with the same
    journal sends them, once: see `Room.resumed`. It needs a ``key``, and has a producer of its own. Each message costs
    two small writes, while the event loop waits, which is for a person's pace rather than for a program's.

    Entering raises `Refused` where the server says no, `Unreachable` where nothing answers, `ProtocolError` where
    something else than chatty does, and `chatty.client.journal.file.JournalError` or OSError where the journal can't be
    used. Raises ValueError if ``server`` is not an address.
    """
    options = LinkOptions(
        server=",".join(base_urls(server)),
        room_id=room_id,
        key=key or new_secret(),
        name=name,
        participate=participate,
        patience=patience,
        transient=transient,
        tls=trusting(cacert),
    )
    if journal is not None and key is None:
        raise ValueError("a journal needs a key: without one, the next run is somebody else")
    return made(options, since=since, epoch=epoch, last=last, producer=producer, on_state=on_state, journal=journal)


def made(
    options: LinkOptions,
    *,
    since: int | None,
    epoch: str | None,
    last: int | None,
    producer: str | None,
    on_state: Callable[[State], None] | None,
    journal: Path | None,
) -> Room:
    """A room with an inbox and an outbox as `join` describes them."""
    outbox: Outbox[asyncio.Future[Ack]]
    if journal is None:
        outbox = Outbox(producer or new_producer(), fresh=producer is None)
    elif producer is not None:
        raise ValueError("a journal has a producer of its own")
    else:
        from chatty.client.journal.file import Journal
        from chatty.client.journal.outbox import JournaledOutbox

        outbox = JournaledOutbox(Journal(journal), options.room_id, fingerprint(options.key))
    return Room(options, Inbox(since=since, epoch=epoch, last=last), outbox, on_state or (lambda _: None))


class Room(Speaker):
    """A room that stays the same while its connections come and go. Made by `join`.

    ``async for event in room`` gives every event once and in order, and a
    `Gap` where events cannot be had any more. After `RoomClosed`, and after
    `close`, it ends. It raises the error that ended the connection for good: `Refused`,
    `Unreachable` or `Disconnected`. One task may read at a time, any number
    may send.

    Events that nobody takes are held, up to 4 MiB. Beyond that the room reads
    more slowly (5 s at most, and not at all while a message waits for its
    ack), and then drops events; a reader that has taken the held ones gets the
    rest by a new connection. So a room that only sends need not be read, and
    nothing is missing for one that is read late.

    ``resumed``: the messages that the ``journal`` had of an earlier run, each with the future of its outcome. They are
    queued before all others. Where it can't be known whether the room has one, its future raises `Refused` with
    ``idempotency_conflict``, and it isn't sent.
    """

    def __init__(
        self, options: LinkOptions, inbox: Inbox, outbox: Outbox[asyncio.Future[Ack]], on_state: Callable[[State], None]
    ) -> None:
        self._options = options
        self._inbox = inbox
        self._outbox = outbox
        self._on_state = on_state
        self._incoming = Incoming(inbox)
        self._outgoing = Outgoing(outbox)
        self._beat = Beat()
        self._link: Link | None = None
        self._carrier: asyncio.Task[None] | None = None
        self.resumed: list[Queued[asyncio.Future[Ack]]] = []
        self._left = False
        self._over = False  # whether the room was closed for everybody

    async def __aenter__(self) -> Self:
        if self._link is not None:
            raise RuntimeError("a room is entered once; call join() again")
        self._link = Link(
            self._options,
            self._inbox,
            self._outbox,
            settle=self._outgoing.settle,
            changed=self._incoming.wake,
            fail=self._outgoing.fail,
            on_state=self._on_state,
            beat=self._beat,
        )
        self._incoming.attach(self._link)
        self._outgoing.attach(self._link)
        try:
            self.resumed = self._outgoing.resume()
            await self._link.open()
        except BaseException as error:
            await self._link.close()
            self._outbox.close()
            self._on_state(Offline(str(error)))
            raise
        self._carrier = asyncio.create_task(self._carry(self._link))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and self.unacked:
                await self.flush()
        finally:
            await self.close()

    async def close(self) -> None:
        """Leaves the room at once, without waiting for acks; leaving an ``async with`` block waits for them first."""
        if self._carrier is None or self._link is None:
            return
        self._left = True
        try:
            await self._link.leave()
        finally:
            try:
                self._carrier.cancel()
                await asyncio.wait([self._carrier])
                await self._link.close()
            finally:
                self._outbox.close()

    async def _carry(self, link: Link) -> None:
        error: BaseException | None = None
        try:
            await link.run()
        except Exception as raised:  # noqa: BLE001 - even a bug of ours must reach the tasks that wait for this room
            error = raised
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._over = error is None and not self._left
        left = Disconnected(Close.NORMAL, "the room was left")
        self._outgoing.fail(error or (left if self._left else Refused("room_closed")), kept=not self._over)
        self._incoming.end(error)
        self._on_state(Offline(str(error) if error else "" if self._left else "the room is closed"))

    @property
    def welcome(self) -> Welcome:
        """The server's welcome to the present connection, or to the last one."""
        if self._link is None or self._link.welcome is None:
            raise RuntimeError("enter the room first: async with chatty.join(…) as room")
        return self._link.welcome

    @property
    def info(self) -> RoomInfo:
        """The room, as of `welcome`."""
        return self.welcome.room

    @property
    def verifies_names(self) -> bool:
        """Whether the server lets in only those that it knows. Events that are not ``verified`` then prove no name."""
        return self.welcome.access == "token"

    @property
    def name(self) -> str | None:
        """Under which name it speaks; after a rename, the new one."""
        return self._options.name if self._link is None else self._link.name

    @property
    def cursor(self) -> StreamPosition:
        """(epoch, seq) of the last event that was taken from this room: where ``epoch`` and ``since`` would resume."""
        return self._inbox.cursor

    @property
    def held(self) -> int:
        """How many frames can be taken without waiting."""
        return len(self._inbox)

    @property
    def closed(self) -> bool:
        """Whether the room is over for everybody. Its last events may still wait to be taken."""
        return self._inbox.closed or self._over

    @property
    def unhurried(self) -> bool:
        """Whether events may come up to half a second late, several at once, for less work. It may be set."""
        return self._beat.unhurried

    @unhurried.setter
    def unhurried(self, unhurried: bool) -> None:
        self._beat.unhurried = unhurried

    @property
    def unacked(self) -> int:
        """How many messages have neither been acked nor refused."""
        return len(self._outgoing)

    # --- sending --------------------------------------------------------------------------------------------

    def typing(self) -> None:
        """Tells the others that something is being written. Call it with each key: it says so every 2 s at most.

        It never fails, and is not repeated when the connection breaks.
        """
        if self._link is not None and not self._incoming.ended:
            self._link.typing()

    async def say(self, command: Say) -> asyncio.Future[Ack]:
        """Queues a command of `chatty.protocol`, and returns once fewer than 1,000 wait for their ack.

        What was queued first is stored first. The future has the outcome.
        Raises the error that ended the connection for good, and ValueError for
        an invalid command (text with a lone surrogate, a number that isn't one).
        """
        return await self._outgoing.add(command, message_bytes=self.welcome.limits.message_bytes)

    async def flush(self) -> None:
        """Returns when every message has been acked or refused. Raises the error that ended the connection."""
        await self._outgoing.flush()

    async def stored_before(self) -> int:
        """How many messages the server had from earlier runs of this room's ``producer``; 0 without one.

        If you have sent fewer, the rest of what those runs sent was not
        repeated. Raises the error that ended the connection before the server told.
        """
        return await self._outgoing.stored_before()

    async def ask(
        self,
        text: str,
        *,
        choices: Sequence[str] = (),
        answerers: Sequence[str] = (),
        timeout: float | None = None,
        default: str | None = None,
        tell: bool = True,
    ) -> Answer:
        """Posts a question, which says how to answer it, and gives the first answer: a reply to it, or a reaction.

        With ``choices`` only an answer that is one of them counts, in whatever
        case, also as a bare word in the next message; with ``answerers``, only
        one by a participant of such a name, which has to be ``verified`` if the
        server `verifies_names`; otherwise anybody can take it. After ``timeout`` seconds in all
        it raises TimeoutError, or gives ``default``. With ``tell`` the room
        learns the outcome by a reply to the question. Raises `Refused` if the
        room closes or the question is deleted, and what `send` raises. It may
        be called while ``async for`` reads the room, and takes nothing from it.
        """
        return await pose(self, text, choices=choices, answerers=answerers, timeout=timeout, default=default, tell=tell)

    # --- listening ------------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Event | Gap]:
        return self

    async def __anext__(self) -> Event | Gap:
        while True:
            frame = (await anext(self._incoming)).frame
            if isinstance(frame, (Event, Gap)):
                return frame

    def frames(self) -> AsyncIterator[Received]:
        """Everything that comes, with the text that it came as: also `Welcome`, `Live`, `Tick` and unknown frames.

        Not there are the answers to what was sent. It takes from the same
        stream as ``async for event in room``, and ends as that does.
        """
        return self._incoming

    def reader(self, *, since: int) -> Room:
        """Another view of the same room, which begins after event ``since``: an ``async with`` of its own.

        Nobody sees it, and it can't send. Unlike with `join`, its first
        connection is tried as often as any other.
        """
        options = replace(self._options, server=self.http().server, name=None, participate=False, retry_first=True)
        outbox: Outbox[asyncio.Future[Ack]] = Outbox(new_producer(), fresh=True)
        return Room(options, Inbox(since=since, epoch=self.welcome.epoch), outbox, lambda _: None)

    def http(self) -> Requests:
        """The HTTP interface of the room's server, with the room's key, to be entered by ``async with``."""
        server, options = self._options.server if self._link is None else self._link.server, self._options
        if options.sessions is not None:
            return over(options.sessions, server)
        return Requests(server, key=options.key, cacert=options.tls)

    def history(
        self,
        *,
        search: str | None = None,
        sender: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> AsyncIterator[Message]:
        """The room's messages, as they are now, from the first one on, or with ``newest_first`` from the last one back.

        ``search``: only those that match this search, ``sender``: only this
        participant's, ``since`` and ``until``: only those between these times
        (ISO 8601 with an offset, or aware datetimes), ``limit``: no more than
        so many. They come by HTTP, a page at a time as they are taken; it
        raises what `chatty.client.http.Http` does.
        """
        return messages(
            self.http(),
            self._options.room_id,
            search=search,
            sender=sender,
            since=since,
            until=until,
            limit=limit,
            newest_first=newest_first,
        )
