"""A connection from its accept to its end: whose it is, and that neither silence nor a full buffer keeps it open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from aiohttp import web

from chatty.server.platform.network.addresses import limited
from chatty.server.platform.network.heartbeat import Stall, is_stalled
from chatty.server.platform.network.responses import problem
from chatty.server.platform.pipeline.node import Node

KEEPALIVE_SECONDS: Final = 15.0
HANDSHAKE_SECONDS: Final = 10.0
"""How long a newcomer may take for its first request."""


class Connection(web.RequestHandler):
    """One accepted socket: aiohttp's protocol for it, and what the node must know of it.

    ``surplus``: its address already had as many as it may have. ``guarded``: a
    session or an event stream looks after it.
    """

    __slots__ = ("_node", "_resumed", "_wire", "address", "asked", "guarded", "since", "stall", "surplus")

    written: Final = 0
    """What responses write is not counted: the backlog alone shows what the peer takes."""

    def __init__(self, node: Node, server: web.Server) -> None:
        super().__init__(
            server,
            loop=node.loop,
            access_log=None,  # type: ignore[arg-type] # which is how aiohttp's own runner says that there is none
            keepalive_timeout=KEEPALIVE_SECONDS,
        )
        self._node = node
        self._wire: asyncio.Transport | None = None
        self._resumed: asyncio.Future[None] | None = None
        self.since = node.loop.time()
        self.address = ""
        self.asked = False
        self.guarded = False
        self.surplus = False
        self.stall: Stall | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # aiohttp forgets it as soon as it is closing, which can take for ever.
        self._wire = cast(asyncio.Transport, transport)
        self._node.connections[self] = None
        peer = transport.get_extra_info("peername")
        self.count(limited(peer[0]) if peer else "")
        if self.surplus and self._node.addresses[self.address] > 2 * self._node.settings.connections_per_ip:
            self.abort()  # so many are not even told why

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._wire = None
        self._resume()
        self._node.connections.pop(self, None)
        if self.address:
            self._node.addresses[self.address] -= 1
            if not self._node.addresses[self.address]:
                del self._node.addresses[self.address]

    def resume_writing(self) -> None:
        super().resume_writing()
        self._resume()

    def _resume(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def count(self, address: str) -> None:
        """It counts as one of ``address``, unless it does of another one already; none has an empty one."""
        if address and not self.address and self._wire is not None:
            self.address = address
            self._node.addresses[address] += 1
            self.surplus = 0 < self._node.settings.connections_per_ip < self._node.addresses[address]

    @contextmanager
    def under_guard(self) -> Iterator[None]:
        """Meanwhile a session or a stream looks after it."""
        self.guarded = True
        try:
            yield
        finally:
            self.guarded = False

    def check(self, now: float) -> None:
        """End it if it never asks for anything, or doesn't read what it asked for."""
        if self.guarded:
            return
        overdue = is_stalled(self, now) if self.asked else now - self.since > HANDSHAKE_SECONDS
        if overdue:
            self.abort()

    def backlog(self) -> int:
        """Bytes that wait for the peer to take them."""
        return self._wire.get_write_buffer_size() if self._wire is not None else 0

    @property
    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._wire is None or self._wire.is_closing()

    async def drained(self) -> None:
        """Wait until the peer has taken nearly all that was written. Raises ConnectionResetError when it is gone."""
        while self.writing_paused and self._wire is not None:
            self._resumed = self._node.loop.create_future()
            await self._resumed
        if self.is_closing:
            raise ConnectionResetError

    def abort(self) -> None:
        """End it at once, whatever waits."""
        if self._wire is not None:
            self._wire.abort()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write an answer. To one that hangs up meanwhile it is lost, and nothing may keep it.

        The error that says so is kept by a future, and its frames keep the
        future: a circle with the answer in it that only a full garbage
        collection would find.
        """
        if isinstance(resp, web.Response):
            try:
                await resp.prepare(request)
                await resp.write_eof()
            except ConnectionError as error:
                error.__traceback__ = None
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, which no handler ever sees."""
        if request.writer.output_size > 0:
            raise ConnectionResetError  # an answer has begun, and nothing that follows would be understood
        if status >= 500 and exc is not None:
            self._node.report("a request failed", exc)
        code = "bad_request" if status < 500 else "internal"
        self._node.metrics.refusals[code] += 1
        response = problem(code, "This is no HTTP request." if status < 500 else "")
        response.headers["Server"] = "chatty"  # else aiohttp says which versions of what are running here
        response.force_close()
        return response


def connection_of(request: web.Request) -> Connection:
    """The connection that ``request`` came over."""
    assert isinstance(request.protocol, Connection)
    return request.protocol
