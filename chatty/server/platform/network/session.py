"""A member that talks: what both dialects' WebSocket connections have in common.

A session reads commands, proposes entries, and says what became of them, in
the order in which they came. It reads no faster than its outcomes arrive: so
one that sends too much waits for itself, and for nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from aiohttp import WSMessage, WSMsgType, web

from chatty.names import compare_key
from chatty.protocol import FRAME_BYTES, IN_FLIGHT, Close, close_frame
from chatty.server.business.entries import Disconnect
from chatty.server.business.facts import Connected
from chatty.server.business.room import Facts, Outcome
from chatty.server.platform.network.connections import Connection, connection_of
from chatty.server.platform.network.heartbeat import Action, Heartbeat, Stall, is_stalled
from chatty.server.platform.network.identities import Identity
from chatty.server.platform.network.rate_limit import TokenBucket
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.pipeline.subscriber import Dialect, Subscriber

MOST_IN_FLIGHT: Final = 256
"""Entries of one connection that may wait for their outcome: a flooder's share of a batch."""

BURST: Final = 50
CONTROL_RATE: Final = 5.0
CONTROL_BURST: Final = 50
CLOSE_SECONDS: Final = 2.0
"""How long a peer may take to answer a close frame before its transport is aborted."""
MOST_UNHEARD: Final = 2 * IN_FLIGHT
"""Frames that a peer may send after that was said, then nothing more is read from it. Any client may have so many under
way before its answer; only a flood has more."""

_PING: Final = b"\x89\x00"
_PONG: Final = b"\x8a"
_FRAMES: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG})


class Session(Subscriber):
    """One WebSocket connection in one room."""

    __slots__ = (
        "_bucket", "_controls", "_gone", "_waiter_at", "closed_cleanly", "connection", "connection_id", "following",
        "heartbeat", "identity", "in_flight", "name", "name_key", "node", "stall", "waiter",
    )  # fmt: skip

    def __init__(
        self, node: Node, dialect: Dialect, room_id: str, identity: Identity, name: str, name_key: str, *, paced: bool
    ) -> None:
        super().__init__(dialect, room_id)
        self.node = node
        self.identity = identity
        self.name = name
        self.name_key = name_key
        self.connection_id = ""
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
        rate = node.settings.message_rate
        self._bucket = TokenBucket.full(rate, BURST, node.loop.time()) if paced and rate else None

    # --- the life of a connection ---------------------------------------------------------------------------

    async def serve(self, request: web.Request, protocols: tuple[str, ...] = ()) -> web.StreamResponse:
        """Finish the handshake, and talk until the end."""
        ws = web.WebSocketResponse(
            protocols=protocols,
            autoclose=False,
            autoping=False,
            compress=False,
            max_msg_size=FRAME_BYTES + 1,  # aiohttp's limit is exclusive
            timeout=CLOSE_SECONDS,
        )
        try:
            await ws.prepare(request)
            if request.transport is None:
                return ws
            self.connection = connection_of(request)
            self.connect(request.transport)
            self.node.sessions[self] = None
            await self.begin()
            await self._read(ws)
        except ConnectionError:
            pass  # the peer is gone, which is what the rest deals with
        finally:
            self._end()
        if self.connection is not None:
            if self._gone is not None:
                await asyncio.wait([self._gone])
                self.connection.force_close()
            await ws.close(drain=False)
            _untie(ws.exception())
        return ws

    def joined(self, facts: Facts) -> None:
        """Its `Connect` has led to ``facts``."""
        connected = facts[-1]
        assert isinstance(connected, Connected)
        self.name = connected.name
        self.node.sessions[self] = None

    async def begin(self) -> None:
        """Say what comes before anything else, and go live."""
        raise NotImplementedError

    def on_text(self, text: str) -> Awaitable[None] | None:
        """A text frame came; gives what is to be waited for before the next one is read."""
        raise NotImplementedError

    def _end(self) -> None:
        if self.following is not None:
            self.following.cancel()
        self.node.sessions.pop(self, None)
        self._leave()

    def _leave(self) -> None:
        """Hear no more, and be in the room no more."""
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
                # It was told to go: what it still says is not heard, and a flood is not even read.
                unheard += 1
                if unheard > MOST_UNHEARD and self.connection is not None:
                    self.connection.pause_reading()
                    return
            elif message.type is text_type:
                if self._bucket is not None:
                    wait = self._bucket.take(self.node.loop.time())
                    if wait:
                        self.node.metrics.paced += 1
                        await asyncio.sleep(wait)
                pending = on_text(message.data)
                if pending is not None:
                    await pending
            elif not self._on_control(message):
                return

    def _on_control(self, message: WSMessage) -> bool:
        """Deal with what is no text; whether to go on."""
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
        """Whether one more of what nobody waits for may come: pings, pongs, typing. Cuts whoever floods with it."""
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
        action = self.heartbeat.check(now)
        if action is Action.PING:
            self.send(_PING)
        elif action is Action.CUT:
            self.cut(Close.SILENT)

    def send(self, blob: bytes) -> None:
        if self._gone is None:  # nothing may come behind a close frame (RFC 6455, 5.5.1)
            super().send(blob)

    def cut(self, code: Close) -> None:
        if self._gone is None and self.connection is not None:
            if self.following is not None:
                self.following.cancel()
            self._leave()
            self.node.metrics.closes[code] += 1
            self.send(close_frame(code))
            self._gone = self.node.loop.create_future()
            self.node.keep(self.node.loop.create_task(_see_off(self.connection, self._gone)))

    def abort(self) -> None:
        """End it at once, whatever waits."""
        if self.connection is not None:
            self.connection.abort()

    def rename(self, room_id: str, identity: bytes, name_key: str, name: str) -> None:
        """Speak as ``name`` from here on, if this is a connection of the participant that was renamed."""
        if self.connection_id and (self.room_id, self.identity.hash, self.name_key) == (room_id, identity, name_key):
            self.name, self.name_key = name, compare_key(name)

    # --- entries in flight ----------------------------------------------------------------------------------

    def settle(self, outcome: Outcome) -> None:
        """An entry of this session's has its outcome: say so, count it, and `wake` who waits for that."""
        raise NotImplementedError

    def wake(self) -> None:
        """Let the reader go on where it waited for outcomes and has enough of them."""
        if self.waiter is not None and self.in_flight <= self._waiter_at:
            if not self.waiter.done():
                self.waiter.set_result(None)
            self.waiter = None

    async def in_flight_at_most(self, most: int) -> None:
        """Wait until no more than ``most`` entries wait for their outcome."""
        while self.in_flight > most:
            self.waiter, self._waiter_at = self.node.loop.create_future(), most
            await self.waiter

    async def drained(self) -> None:
        assert self.connection is not None
        await self.connection.drained()


async def _see_off(connection: Connection, gone: asyncio.Future[None]) -> None:
    """Give a peer time to answer a close frame.

    To close while something of its is unread would be a reset of the
    connection, which may overtake what says why.
    """
    await asyncio.wait([gone], timeout=CLOSE_SECONDS)
    if not gone.done():
        connection.abort()
        gone.set_result(None)


def _untie(error: BaseException | None) -> None:
    """Let go of the frames that an error came through.

    aiohttp keeps a connection's last error, whose frames hold the connection:
    a circle of some 10 KiB that only a full garbage collection would find, and
    on a server that is one in a very long time.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__context__
