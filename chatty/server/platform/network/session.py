"""A session is one WebSocket connection in one room: the parts that both dialects have in common.

It reads commands, proposes entries, and answers with their outcomes, in the
order in which the commands came. It reads no faster than the outcomes arrive,
so a client that sends too much waits for itself, and holds up nobody else.

A session goes through these states:

    handshake    its `Connect` is proposed; only when that is accepted is the
                 handshake answered, so a refusal is an HTTP status (`joined`)
    catching up  v1 only: `begin` sends the welcome and starts a task that
                 follows, beside the reader: a client may talk meanwhile
    live         the hub writes to it, and `_read` reads from it
    closing      `cut` sent a close frame; the peer has two seconds to answer it
    gone         `_end`: it has left the hub and proposed its `Disconnect`
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable
from typing import Final

from aiohttp import WSMessage, WSMsgType, web
from msgspec.structs import replace

from chatty.names import compare_key
from chatty.protocol import FRAME_BYTES, IN_FLIGHT, Close
from chatty.server.business.access import Action
from chatty.server.business.entries import Disconnect, Rejection
from chatty.server.business.facts import Connected
from chatty.server.business.outcomes import Facts, Outcome
from chatty.server.business.rights import Principal
from chatty.server.platform.network.connections import Connection, connection_of
from chatty.server.platform.network.frames import close_frame
from chatty.server.platform.network.heartbeat import Heartbeat, Pulse, Stall, is_stalled
from chatty.server.platform.network.rate_limit import Pace, TokenBucket
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.pipeline.subscriber import Dialect, Subscriber
from chatty.server.platform.store.reads import RoomView
from chatty.skeletons import skeleton

MOST_IN_FLIGHT: Final = 256
"""Entries of one connection that may wait for their outcome: its share of a batch, however much it sends."""

BURST: Final = 50
CONTROL_RATE: Final = 5.0
CONTROL_BURST: Final = 50
CLOSE_SECONDS: Final = 2.0
"""How long a peer may take to answer a close frame before its transport is aborted."""
MOST_UNHEARD: Final = 2 * IN_FLIGHT
"""Frames that a peer may still send after the close frame, before nothing more is read from it. An honest client may
have this many under way; only a flood is longer."""

_PING: Final = b"\x89\x00"
_PONG: Final = b"\x8a"
_FRAMES: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG})


class Session(Subscriber):
    """One WebSocket connection in one room."""

    __slots__ = (
        "_controls", "_gone", "_pace", "_waiter_at", "closed_cleanly", "connection", "connection_id", "following",
        "heartbeat", "in_flight", "node", "refusal", "stall", "verified", "waiter",
    )  # fmt: skip

    def __init__(self, node: Node, dialect: Dialect, room_id: str, who: Principal, pace: Pace | None) -> None:
        super().__init__(dialect, room_id, who)
        self.node = node
        self.refusal: Close | None = None
        self.connection_id = ""
        self.verified = False
        self.in_flight = 0
        self.closed_cleanly = False
        self.heartbeat = Heartbeat()
        self.stall: Stall | None = None
        self.connection: Connection | None = None
        self.following: asyncio.Task[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self.waiter: asyncio.Future[None] | None = None
        self._waiter_at = 0
        self._controls: TokenBucket | None = None
        self._pace = pace

    # --- the life of a connection ---------------------------------------------------------------------------

    async def serve(self, request: web.Request, protocols: tuple[str, ...] = ()) -> web.StreamResponse:
        """Finish the handshake, and serve the connection until it ends."""
        ws = web.WebSocketResponse(
            protocols=protocols,
            autoclose=False,
            autoping=False,
            compress=False,
            max_msg_size=FRAME_BYTES + 1,  # aiohttp's limit is exclusive
            timeout=CLOSE_SECONDS,
        )
        try:
            # Handshake: the answer goes out. From here on refusals are close codes.
            await ws.prepare(request)
            if request.transport is None:
                return ws
            self.connection = connection_of(request)
            self.connect(request.transport)
            self.node.sessions[self] = None
            self.node.note_author(self.room_id, self.who)
            # Catching up, or live at once. `begin` doesn't wait for that, so that pings are answered meanwhile.
            if self.refusal is None:
                await self.begin()
            else:
                self.cut(self.refusal)  # it was sent away during the handshake
            # Live and closing: until the peer is gone, or has answered the close frame.
            await self._read(ws)
        except ConnectionError:
            pass  # the peer is gone
        finally:
            self._end()
        # Gone. If the server began the closing, the peer's answer has been read or has taken too long by now.
        if self.connection is not None:
            if self._gone is not None:
                await asyncio.wait([self._gone])
                self.connection.force_close()
            await ws.close(drain=False)
            _untie(ws.exception())
        return ws

    def joined(self, facts: Facts) -> None:
        """Its `Connect` was accepted with ``facts``."""
        connected = facts[-1]
        assert isinstance(connected, Connected)
        self.who, self.verified = connected.who, connected.verified
        self.node.sessions[self] = None

    async def enter(self, action: Action, seen: RoomView | None = None) -> RoomView | None:
        """The room as it is now, if the peer may still do ``action`` there; else it is cut.

        It is as it was ``seen`` before the session was registered, if nobody has ever made a ruling.
        """
        at = self.node.now()
        view: RoomView | Rejection | None = None if self.node.has_rulings else seen
        if view is None:
            view = await self.node.reads.enter(self.room_id, self.who, action, at)
        if isinstance(view, Rejection):
            self.cut(Close.CREDENTIALS_EXPIRED if view.code == "unauthorized" else Close.REMOVED)
            return None
        self.look(view.standing, at)
        return view if self._gone is None else None

    @abstractmethod
    async def begin(self) -> None:
        """Send what comes first, and go live."""

    @abstractmethod
    def on_text(self, text: str) -> Awaitable[None] | None:
        """Handle a text frame. Gives an awaitable if the next frame has to wait for it."""

    def _end(self) -> None:
        if self.following is not None:
            self.following.cancel()
            self.following = None
        self.node.sessions.pop(self, None)
        self._leave()

    def _leave(self) -> None:
        """Leave the hub and the room."""
        self.node.hub.detach(self)
        if self.connection_id:
            self.node.propose_until_accepted(
                Disconnect(self.room_id, self.node.now(), self.connection_id, self.closed_cleanly)
            )
            self.connection_id = ""

    async def _read(self, ws: web.WebSocketResponse) -> None:
        receive, text_type, on_text, heartbeat = ws.receive, WSMsgType.TEXT, self.on_text, self.heartbeat
        unheard = 0
        while True:
            message = await receive()
            heartbeat.heard = True
            if self._gone is not None and message.type in _FRAMES:
                # Closing: frames that still come are ignored, and a flood is not even read.
                unheard += 1
                if unheard > MOST_UNHEARD and self.connection is not None:
                    self.connection.pause_reading()
                    return
            elif message.type is text_type:
                # A client that is too fast is read more slowly, and is refused nothing.
                if self._pace is not None:
                    wait = self._pace.take(self.node.loop.time())
                    if wait:
                        self.node.metrics.paced += 1
                        await asyncio.sleep(wait)
                # Usually there is nothing to wait for. With too much in flight, reading stops until outcomes arrive.
                pending = on_text(message.data)
                if pending is not None:
                    await pending
            elif not self._on_control(message):
                return

    def _on_control(self, message: WSMessage) -> bool:
        """Handle a frame that is not text; whether to go on reading."""
        if message.type is WSMsgType.BINARY:
            self.cut(Close.BINARY)
        elif message.type in _FRAMES:
            if self.may_control() and message.type is WSMsgType.PING:
                self.send(_PONG + len(message.data).to_bytes(1) + message.data)
        else:
            self.closed_cleanly = message.type is WSMsgType.CLOSE
            if self._gone is not None and not self._gone.done():
                self._gone.set_result(None)
            return False
        return True

    def may_control(self) -> bool:
        """Whether one more ping, pong or typing notice may come. A client that floods the server with them is cut."""
        if self._controls is None:
            self._controls = TokenBucket.full(CONTROL_RATE, CONTROL_BURST, self.node.loop.time())
        if self._controls.try_take(self.node.loop.time()):
            self.cut(Close.CONTROL_FLOOD)
            return False
        return True

    def check(self, now: float) -> None:
        """Ping the peer, or cut it if it is silent or doesn't read."""
        if self.connection is None:
            return  # it has joined, and its handshake is not finished yet
        if is_stalled(self, now):
            self.cut(Close.SLOW)
            return
        pulse = self.heartbeat.check(now)
        if pulse is Pulse.PING:
            self.send(_PING)
        elif pulse is Pulse.CUT:
            self.cut(Close.SILENT)

    def send(self, blob: bytes) -> None:
        if self._gone is None:  # nothing may follow a close frame (RFC 6455, 5.5.1)
            super().send(blob)

    def cut(self, code: Close) -> None:
        if self.connection is None:
            self.refusal = self.refusal or code
        elif self._gone is None:
            # From live or catching up to closing. The session leaves first, so nothing follows the close frame.
            if self.following is not None:
                self.following.cancel()
            # A participant that was sent away will not be back, so the others need not wait for it.
            self.closed_cleanly = self.closed_cleanly or code is Close.REMOVED
            self._leave()
            self.node.metrics.closes[code] += 1
            self.send(close_frame(code))
            self._gone = self.node.loop.create_future()
            self.node.keep(self.node.loop.create_task(_see_off(self.connection, self._gone)))

    def abort(self) -> None:
        """End it at once, and drop everything that waits to be written."""
        if self.connection is not None:
            self.connection.abort()

    def rename(self, room_id: str, identity: bytes, name_key: str, name: str) -> None:
        """Speak as ``name`` from here on, if this is a connection of the participant that was renamed."""
        if self.connection_id and (self.room_id, self.who.identity, self.who.name_key) == (room_id, identity, name_key):
            self.who = replace(self.who, name=name, name_key=compare_key(name), skeleton=skeleton(name))
            if self.standing is not None:
                self.standing = replace(self.standing, who=self.who)

    # --- entries in flight ----------------------------------------------------------------------------------

    @abstractmethod
    def settle(self, outcome: Outcome) -> None:
        """Answer with the outcome of an entry of this session, count it, and `wake` the reader."""

    def wake(self) -> None:
        """Let the reader go on if it waits for outcomes and enough of them have come."""
        if self.waiter is not None and self.in_flight <= self._waiter_at:
            if not self.waiter.done():
                self.waiter.set_result(None)
            self.waiter = None

    async def in_flight_at_most(self, most: int) -> None:
        """Wait until no more than ``most`` entries wait for their outcome."""
        while self.in_flight > most:
            self.waiter, self._waiter_at = self.node.loop.create_future(), most
            await self.waiter

    def now(self) -> int:
        return self.node.now()

    async def drained(self) -> None:
        assert self.connection is not None
        await self.connection.drained()


async def _see_off(connection: Connection, gone: asyncio.Future[None]) -> None:
    """Give a peer time to answer a close frame.

    Closing a socket with unread data resets the connection, and the reset may
    overtake the close frame that says why.
    """
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)
    if not gone.done():
        connection.abort()
        gone.set_result(None)


def _untie(error: BaseException | None) -> None:
    """Release the stack frames that an error came through.

    aiohttp keeps a connection's last error, whose frames refer to the
    connection: a cycle of some 10 KiB that only a full garbage collection
    finds, and this server hardly ever makes one.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__context__
