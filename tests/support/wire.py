"""A v1 client with nothing around its WebSocket: it neither reconnects nor resends unless the test does."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatty.protocol import SUBPROTOCOL
from tests.support.server import PATIENCE

DURABLE = frozenset({"message", "participant_joined", "participant_left", "room_closed"})
LOST = 1006


class Ended(Exception):
    """The connection is over; ``code`` is the server's close code, or 1006."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class Wire:
    """One connection to ``/v1/rooms/{room_id}/ws``, as an async context manager; ``query`` is its query string.

    Leaving the context breaks the connection without a word.
    """

    def __init__(
        self,
        url: str,
        room_id: str,
        *,
        key: str | None = None,
        tls: ssl.SSLContext | None = None,
        headers: dict[str, str] | None = None,
        **query: str | int,
    ) -> None:
        self._connecting = connect(
            f"{url}/v1/rooms/{room_id}/ws?{urlencode(query)}".replace("http", "ws", 1),
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            additional_headers=({"Authorization": f"Bearer {key}"} if key else {}) | (headers or {}),
            compression=None,
            max_size=None,
            max_queue=None,
            ping_interval=None,
            proxy=None,
            ssl=tls,
        )
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        self._socket = await self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.abort()
        await self._socket.wait_closed()

    async def say(self, **command: Any) -> None:
        """Sends a command. Raises Ended."""
        await self.write([msgspec.json.encode(command)])

    async def write(self, commands: list[bytes]) -> None:
        """Sends commands that are encoded already. Raises Ended."""
        try:
            for command in commands:
                await self._socket.send(command, text=True)
        except ConnectionClosed as closed:
            raise Ended(closed.rcvd.code if closed.rcvd else LOST) from None

    async def hear_raw(self) -> bytes:
        """The next frame's text. Raises Ended."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._socket.recv(decode=False)
        except ConnectionClosed as closed:
            raise Ended(closed.rcvd.code if closed.rcvd else LOST) from None

    async def hear(self) -> Any:
        """The next frame, as a dict. Raises Ended."""
        return msgspec.json.decode(await self.hear_raw())

    async def until(self, event_type: str) -> list[Any]:
        """Frames up to and with the first one of ``event_type``."""
        frames = [await self.hear()]
        while frames[-1]["event_type"] != event_type:
            frames.append(await self.hear())
        return frames

    async def events(self) -> tuple[list[Any], int]:
        """All durable events until the connection is over, and its close code."""
        events: list[Any] = []
        while True:
            try:
                frame = await self.hear()
            except Ended as ended:
                return events, ended.code
            if frame["event_type"] in DURABLE:
                events.append(frame)

    async def leave(self) -> None:
        """Begins the closing handshake, and waits for its end."""
        await self._socket.close()

    def abort(self) -> None:
        """Breaks the connection without a word."""
        self._socket.transport.abort()
