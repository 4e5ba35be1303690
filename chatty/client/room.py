"""A room, as a program talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from chatty.client.address import base_url
from chatty.client.asking import Answer, pose
from chatty.client.history import messages
from chatty.client.identity import new_producer, new_secret
from chatty.client.inbox import Inbox, Received
from chatty.client.link import Link, Target
from chatty.client.outbox import Outbox, Outcome, unsendable
from chatty.client.states import Offline, State
from chatty.client.verbs import Verbs
from chatty.errors import Disconnected, Refused
from chatty.events import Event, Message, StreamPosition
from chatty.protocol import Ack, Close, Gap, Rename, RoomInfo, Say, Welcome

__all__ = ["Room", "join"]


def join(
    server: str,
    room_id: str,
    *,
    name: str | None = None,
    key: str | None = None,
    participate: bool = True,
    since: int | None = None,
    epoch: str | None = None,
    last: int | None = None,
    producer: str | None = None,
    patience: float | None = None,
    transient: float = 30.0,
    on_state: Callable[[State], None] | None = None,
) -> Room:
    """A room to talk in and listen to, as an async context manager; the connection is opened on entering.

        async with chatty.join("http://127.0.0.1:8080", room_id, name="bot") as room:
            await room.send("hello")
            async for event in room:
                ...

    ``name`` is who speaks, and ``key`` shows the server that it is the same
    one who comes back (see `chatty.client.identity.derive_key`); without it
    the room makes one of its own, which lives as long as it does.
    ``participate=False`` reads and sends without being in the room for the
    others: it needs a name only to send.

    Events begin at the present; with ``since`` (and ``epoch``) after that
    event; with ``last``, at the newest that many messages.

    ``producer`` continues the numbering of an earlier run, so that sending
    the same messages again sends only what is missing (see
    `chatty.client.identity.producer_from_key`). The first refusal by the
    server then ends the sending: what is behind it would get its number.

    ``patience``: seconds for which a lost connection is tried again before
    the room gives up with `Unreachable`; None: for ever. The first connection
    is tried once. ``transient``: seconds for which a message is tried again
    that a server refuses only because of the moment, such as for a full disk.
    ``on_state`` is called with each `State` of the connection.

    Entering raises `Refused` where the server says no, `Unreachable` where
    nothing answers, and `ProtocolError` where something else than chatty
    does. Raises ValueError if ``server`` is no address.
    """
    target = Target(
        server=base_url(server),
        room_id=room_id,
        key=key or new_secret(),
        name=name,
        participate=participate,
        patience=patience,
        transient=transient,
    )
    outbox: Outbox[asyncio.Future[Ack]] = Outbox(producer or new_producer(), fresh=producer is None)
    return Room(target, Inbox(since=since, epoch=epoch, last=last), outbox, on_state or (lambda _: None))


class Room(Verbs):
    """A room that stays the same while its connections come and go. Made by `join`.

    ``async for event in room`` gives every event once and in order, and a
    `Gap` where events cannot be had any more. After `RoomClosed`, and after
    `close`, it ends. It raises what ended the connection for good: `Refused`,
    `Unreachable` or `Disconnected`. One task may read at a time, any number
    may send.

    Events that nobody takes are held, up to 4 MiB. Beyond that the room reads
    more slowly (5 s at most, and not at all while a message waits for its
    ack), and then lets events go; who has taken those that were held gets the
    rest by a new connection. So a room that only sends need not be read, and
    nothing is missing for one that is read late.
    """

    def __init__(
        self, target: Target, inbox: Inbox, outbox: Outbox[asyncio.Future[Ack]], on_state: Callable[[State], None]
    ) -> None:
        self._target = target
        self._inbox = inbox
        self._outbox = outbox
        self._on_state = on_state
        self._link: Link | None = None
        self._carrier: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._settled = asyncio.Event()
        self._reading = False
        self._refusal: BaseException | None = None  # why nothing can be sent any more
        self._left = False
        self._ended = False
        self._error: BaseException | None = None  # why it ended, unless that was meant
        self._unsent = False  # whether messages were lost by that

    # --- entering and leaving -------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._link is not None:
            raise RuntimeError("a room is entered once; call join() again")
        self._link = Link(
            self._target,
            self._inbox,
            self._outbox,
            settle=self._settle,
            changed=self._wake_reader,
            fail=self._fail,
            on_state=self._on_state,
        )
        try:
            await self._link.open()
        except BaseException as error:
            await self._link.close()
            self._on_state(Offline(str(error)))
            raise
        self._carrier = asyncio.create_task(self._carry(self._link))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and len(self._outbox):
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
            self._carrier.cancel()
            await asyncio.wait([self._carrier])
            await self._link.close()

    async def _carry(self, link: Link) -> None:
        error: BaseException | None = None
        try:
            await link.run()
        except Exception as raised:  # noqa: BLE001 - a mistake of ours, too, must reach whoever waits for this room
            error = raised
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._ended, self._error = True, error
        left = Disconnected(Close.NORMAL, "the room was left")
        self._fail(error or (left if self._left else Refused("room_closed")))
        self._wake_reader()
        self._on_state(Offline(str(error) if error else "" if self._left else "the room is closed"))

    # --- what is known --------------------------------------------------------------------------------------

    @property
    def welcome(self) -> Welcome:
        """What the server said when the present connection, or the last one, was opened."""
        if self._link is None or self._link.welcome is None:
            raise RuntimeError("enter the room first: async with chatty.join(…) as room")
        return self._link.welcome

    @property
    def info(self) -> RoomInfo:
        """The room, as of `welcome`."""
        return self.welcome.room

    @property
    def name(self) -> str | None:
        """Under which name it speaks; after a rename, the new one."""
        return self._target.name if self._link is None else self._link.name

    @property
    def cursor(self) -> StreamPosition:
        """(epoch, seq) of the last event that was taken from this room: where ``epoch`` and ``since`` would resume."""
        return self._inbox.cursor

    @property
    def held(self) -> int:
        """How many frames can be taken without waiting."""
        return len(self._inbox)

    @property
    def unacked(self) -> int:
        """How many messages have neither been acked nor refused."""
        return len(self._outbox)

    # --- sending --------------------------------------------------------------------------------------------

    def typing(self) -> None:
        """Tells the others that something is being written. Call it with each key: it says so every 2 s at most.

        It never fails, and is not repeated when the connection breaks.
        """
        if self._link is not None and not self._ended:
            self._link.typing()

    async def say(self, command: Say) -> asyncio.Future[Ack]:
        """Queues a command of `chatty.protocol`, and returns once fewer than 1,000 wait for their ack.

        What was queued first is stored first. The future has the outcome.
        Raises what ended the connection for good, and ValueError for what
        cannot be said at all (text with a lone surrogate, a number that is none).
        """
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        refusal = unsendable(command, self.welcome.limits.message_bytes)
        if refusal is not None:
            future.set_exception(refusal)
            return future
        while self._outbox.full and self._refusal is None:
            await self._settled.wait()
        if self._refusal is not None:
            raise self._refusal
        outcome = self._outbox.add(command, future)
        if outcome is not None:
            self._settle((outcome,))
        elif self._link is not None:
            self._link.wake()
        return future

    async def ask(
        self,
        text: str,
        *,
        choices: Sequence[str] = (),
        answerers: Sequence[str] = (),
        timeout: float | None = None,
        default: str | None = None,
    ) -> Answer:
        """Posts a question, and gives the first answer: a reply to it, or a reaction.

        With ``choices``, which are shown behind ``text``, only an answer that
        is one of them counts, in whatever case; with ``answerers``, only one
        by a participant of such a name. After ``timeout`` seconds in all it
        raises TimeoutError, or gives ``default``. Raises `Refused` if the room
        closes or the question is deleted, and what `send` raises. It may be
        called while ``async for`` reads the room, and takes nothing from it.
        """
        return await pose(self, text, choices=choices, answerers=answerers, timeout=timeout, default=default)

    async def flush(self) -> None:
        """Returns when every message has been acked or refused. Raises what ended the connection before that."""
        while len(self._outbox):
            await self._settled.wait()
        if self._unsent and self._refusal is not None:
            raise self._refusal

    def _settle(self, outcomes: Iterable[Outcome[asyncio.Future[Ack]]]) -> None:
        for future, result, command in outcomes:
            if type(command) is Rename and type(result) is Ack and self._link is not None:
                self._link.renamed(command.name, before=result.duplicate)
            if future.done():
                continue  # its caller has been cancelled
            if isinstance(result, Refused):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._settled.set()
        self._settled.clear()

    def _fail(self, error: BaseException) -> None:
        """Nothing can be sent any more, because of ``error``."""
        if self._refusal is None:
            self._refusal = error
        for future in self._outbox.abandon():
            if not future.done():
                future.set_exception(self._refusal)
                if self._unsent:
                    future.exception()  # asyncio logs what nobody asks for: once is enough for a thousand messages
                self._unsent = True
        self._settled.set()
        self._settled.clear()

    # --- listening ------------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Event | Gap]:
        return self

    async def __anext__(self) -> Event | Gap:
        while True:
            frame = (await self._next()).frame
            if isinstance(frame, (Event, Gap)):
                return frame

    def frames(self) -> AsyncIterator[Received]:
        """Everything that comes, with the text that it came as: also `Welcome`, `Live`, `Tick` and unknown frames.

        Not there are the answers to what was sent. It takes from the same
        stream as ``async for event in room``, and ends as that does.
        """
        return _Frames(self._next)

    async def _next(self) -> Received:
        if self._link is None:
            raise RuntimeError("enter the room first: async with chatty.join(…) as room")
        while True:
            received = self._inbox.get()
            if received is not None:
                self._link.taken()
                return received
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            if self._inbox.behind:
                self._link.catch_up()
            if self._reading:
                raise RuntimeError("another task is reading this room")
            self._reading = True
            try:
                await self._arrived.wait()
            finally:
                self._reading = False

    def reader(self, *, since: int) -> Room:
        """Another view of the same room, which begins after event ``since``: an ``async with`` of its own.

        Nobody sees it, and it can't send. Unlike with `join`, its first
        connection is tried as often as any other.
        """
        target = replace(self._target, name=None, participate=False, insist=True)
        outbox: Outbox[asyncio.Future[Ack]] = Outbox(new_producer(), fresh=True)
        return Room(target, Inbox(since=since, epoch=self.welcome.epoch), outbox, lambda _: None)

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
            self._target.server,
            self._target.room_id,
            key=self._target.key,
            search=search,
            sender=sender,
            since=since,
            until=until,
            limit=limit,
            newest_first=newest_first,
        )

    def _wake_reader(self) -> None:
        self._arrived.set()
        self._arrived.clear()


class _Frames:
    """Not a generator: to cancel one ``anext`` does not end it."""

    def __init__(self, take: Callable[[], Awaitable[Received]]) -> None:
        self._take = take

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Received:
        return await self._take()
