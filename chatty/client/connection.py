"""One WebSocket connection to a room: a welcome, then text in, text out, until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import aiohttp
from aiohttp import ClientWSTimeout, WSMsgType

from chatty.client.decoding import read_frame
from chatty.client.network.address import room_path
from chatty.client.session import failures
from chatty.errors import Disconnected, ProtocolError, Refused, Unreachable
from chatty.protocol import PING_SECONDS, SUBPROTOCOL, Close, Welcome, may_reconnect

__all__ = ["ABNORMAL", "BEAT_SECONDS", "HEARTBEAT_SECONDS", "Beat", "Closed", "Connection", "connect", "greeting"]

ABNORMAL: Final = 1006
"""The close code of a connection that ended without one (RFC 6455, 7.1.5)."""

HEARTBEAT_SECONDS: Final = PING_SECONDS + 5
"""Silence after which the client pings by itself; half of that later, still in silence, the connection is dead."""

BEAT_SECONDS: Final = 0.5
"""Seconds between two moments at which connections that are in no hurry are read, all at the same ones."""

_CLOSE = ClientWSTimeout(ws_close=2.0)


class Closed(NamedTuple):
    """How a connection ended: the server's close code and reason, or `ABNORMAL` and a description."""

    code: int
    reason: str


class Connection:
    """An open WebSocket. One task reads, one task writes."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._receive = websocket.receive

    async def receive(self) -> str | Closed:
        """The next frame's text, or how the connection ended."""
        message = await self._receive()
        if message.type is WSMsgType.TEXT:
            text: str = message.data
            return text
        if message.type is WSMsgType.CLOSE:
            return Closed(message.data or ABNORMAL, message.extra or "")
        if message.type is WSMsgType.ERROR:
            silent = isinstance(message.data, TimeoutError)
            return Closed(ABNORMAL, "the server fell silent" if silent else f"the connection broke ({message.data})")
        if message.type is WSMsgType.BINARY:
            return Closed(ABNORMAL, "the server sent a binary frame")
        return Closed(ABNORMAL, "the connection broke")

    def pause(self) -> None:
        """Takes nothing from the wire until `resume`; what has been taken can be received."""
        if (transport := self._transport) is not None:
            transport.pause_reading()

    def resume(self) -> None:
        """Takes what comes again, unless so much waits to be received that aiohttp takes nothing either."""
        connection = self._websocket._conn
        full = connection is not None and connection.protocol is not None and connection.protocol._reading_paused
        if (transport := self._transport) is not None and not full:
            transport.resume_reading()

    @property
    def _transport(self) -> asyncio.Transport | None:
        connection = self._websocket._conn  # aiohttp shows the socket alone
        return connection.transport if connection is not None else None

    async def write(self, commands: Iterable[bytes]) -> None:
        """Sends texts, waiting as long as the server takes none. Raises ConnectionError if it has gone."""
        send = self._websocket.send_frame
        for command in commands:
            await send(command, WSMsgType.TEXT)

    async def leave(self) -> None:
        """Says goodbye with a close frame (1000), which makes it a leave, and waits 2 s at most for the answer."""
        twin = self._twin()
        try:
            await self._websocket.close()
        finally:
            _shut_down(twin)

    def abort(self) -> None:
        """Ends the connection without a goodbye, so that to the server it is lost. `receive` soon says so."""
        _shut_down(self._twin())

    async def discard(self) -> None:
        """Frees the connection, without a goodbye if it is still open."""
        self.abort()
        await self._websocket.close()

    def _twin(self) -> socket.socket | None:
        # aiohttp can't abort, and closing its transport waits for a stalled peer to read what is buffered.
        wire = self._websocket.get_extra_info("socket")
        return None if wire is None or wire.fileno() < 0 else socket.socket(fileno=os.dup(wire.fileno()))


class Beat:
    """Lets one connection after another rest between two moments while it is ``unhurried``.

    A process that wakes up once for all of its connections has less to do.
    """

    def __init__(self) -> None:
        self._unhurried = False
        self._resting: tuple[Connection, asyncio.TimerHandle] | None = None

    @property
    def unhurried(self) -> bool:
        """Whether frames may come a moment late, several at once."""
        return self._unhurried

    @unhurried.setter
    def unhurried(self, unhurried: bool) -> None:
        self._unhurried = unhurried
        if not unhurried:
            self.wake()

    def received(self, connection: Connection) -> None:
        """A frame came. The next ones wait for their moment, unless one is in a hurry."""
        if not self._unhurried or self._resting is not None:
            return
        loop = asyncio.get_running_loop()
        connection.pause()
        self._resting = connection, loop.call_at((loop.time() // BEAT_SECONDS + 1) * BEAT_SECONDS, self.wake)

    def wake(self) -> None:
        """Read at once: an answer is awaited, or the moment has come."""
        if self._resting is not None:
            connection, timer = self._resting
            self._resting = None
            timer.cancel()
            connection.resume()


def _shut_down(twin: socket.socket | None) -> None:
    if twin is not None:
        with twin, contextlib.suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)


async def connect(
    session: aiohttp.ClientSession, server: str, room_id: str, query: Mapping[str, str], heartbeat: float
) -> Connection:
    """Opens a connection. Raises `Refused`, `Unreachable`, or `ProtocolError` where something else answers."""
    with failures(server):
        websocket = await session.ws_connect(
            room_path(room_id, "ws").lstrip("/"),
            params=query,
            protocols=(SUBPROTOCOL,),
            heartbeat=heartbeat,
            timeout=_CLOSE,
        )
    if websocket.protocol != SUBPROTOCOL:
        await websocket.close()
        raise ProtocolError(f"{server} speaks some WebSocket protocol, but not {SUBPROTOCOL}")
    return Connection(websocket)


async def greeting(connection: Connection, server: str) -> tuple[Welcome, str]:
    """The welcome that a connection begins with, and its text. Raises what `connect` does, and `Disconnected`."""
    raw = await connection.receive()
    if isinstance(raw, Closed):
        if raw.code == Close.CREDENTIALS_EXPIRED:
            raise Refused("unauthorized")
        if may_reconnect(raw.code):
            raise Unreachable(server, raw.reason or "it hung up")
        raise Disconnected(*raw)
    frame = read_frame(raw)
    if not isinstance(frame, Welcome):
        raise ProtocolError(f"{server} began with {raw[:80]!r}, which is not a welcome")
    return frame, raw
