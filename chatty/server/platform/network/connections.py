"""A TCP connection, from accepting it to its end. Neither silence nor a full buffer may keep it open."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD

from chatty.server import request_ids
from chatty.server.platform.network.addresses import TrustedProxies, limited
from chatty.server.platform.network.heartbeat import Stall, is_stalled
from chatty.server.platform.network.malformed import HEADER_BYTES, HEADERS, LINE_BYTES, Malformed, malformed
from chatty.server.platform.network.responses import EVERY_RESPONSE, problem
from chatty.server.platform.pipeline.node import Node

KEEPALIVE_SECONDS: Final = 630.0
"""How long a connection may wait for its next request: longer than proxies keep theirs (nginx and AWS 60 s, Traefik
90 s, Caddy 120 s, Google 600 s). Where the server closes first, a proxy may have sent a request already: a 502."""
HANDSHAKE_SECONDS: Final = 10.0
"""How long a newcomer may take for its first request, and anybody for the rest of one that has begun."""
_PEER: Final = struct.Struct("3i")
"""A process at the other end of a Unix socket: its id, its user's and its group's (unix(7), SO_PEERCRED)."""
LINGER_SECONDS: Final = 2.0
"""How long a peer that was refused without being read may take to read why."""


class Connection(web.RequestHandler):
    """One accepted socket: aiohttp's protocol for it, with limits and back-pressure.

    ``surplus``: its address already had as many as it may have. ``guarded``: a
    session or an event stream looks after it. ``is_operator``: it came over the
    control socket, which only those reach who have the server's files.
    ``shared``: the peer is a trusted proxy, which may send requests of one client
    after those of another.
    """

    __slots__ = (
        "_gone", "_node", "_proxies", "_resumed", "_tail", "_unread", "_wire",
        "address", "asked", "begun_at", "guarded", "is_operator", "shared", "since", "stall", "surplus",
    )  # fmt: skip

    written: Final = 0
    """Responses are not counted. The backlog alone shows whether the peer reads."""

    def __init__(self, node: Node, server: web.Server, proxies: TrustedProxies, *, is_operator: bool = False) -> None:
        super().__init__(
            server,
            loop=node.loop,
            access_log=None,  # type: ignore[arg-type] # None means no log, in aiohttp's own runner, too
            keepalive_timeout=KEEPALIVE_SECONDS,
            tcp_keepalive=False,  # the listener's sockets have it already
            max_line_size=LINE_BYTES,
            max_field_size=HEADER_BYTES,
            max_headers=HEADERS,
        )
        self._node = node
        self._proxies = proxies
        self._wire: asyncio.Transport | None = None
        self._resumed: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._unread = False
        self._tail = b""
        self.since = node.loop.time()
        self.address = ""
        self.asked = False
        self.begun_at = 0.0
        self.guarded = False
        self.shared = False
        self.surplus = False
        self.is_operator = is_operator
        self.stall: Stall | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.is_operator and not is_operator(transport.get_extra_info("socket")):
            transport.abort()  # type: ignore[attr-defined]
        elif self._wire is None:
            self.accepted(cast(asyncio.Transport, transport))
        self._wire = cast(asyncio.Transport, transport)

    def accepted(self, transport: asyncio.Transport) -> None:
        """Its socket was accepted. With TLS, the peer has yet to prove that it speaks that, and may never do so."""
        # aiohttp forgets the transport as soon as it is closing, and that can take forever.
        self._wire = transport
        self._node.connections[self] = None
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""  # a Unix socket's peer has none
        self.shared = address in self._proxies
        self.count(limited(address) if address and not self.shared else "")
        if self.surplus and self._node.addresses[self.address] > 2 * self._node.settings.connections_per_ip:
            self.abort()  # with so many, not even a refusal is worth its costs

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._wire = None
        self._resume()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._node.connections.pop(self, None)
        self._uncount()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.guarded:
            self._note_beginning(data)

    def _note_beginning(self, data: bytes) -> None:
        """Note whether a request has begun that is not whole: its rest is not waited for as a next one is."""
        self._tail = (self._tail + data)[-4:]
        if self._messages:
            # Without a body it ends with an empty line. What comes behind a body is left to the keep-alive timeout.
            has_body = self._messages[-1][1] is not EMPTY_PAYLOAD
            whole = has_body or self._tail.endswith((b"\r\n\r\n", b"\n\n"))
            self.begun_at = 0.0 if whole else self._node.loop.time()
        elif not self.begun_at and self._waiter is not None and data.strip():
            self.begun_at = self._node.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._resume()

    def _resume(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def count(self, address: str) -> None:
        """Count it for ``address``, unless it is counted already. An empty address has no limits."""
        if address and not self.address and self._wire is not None:
            self.address = address
            self._node.addresses[address] += 1
            self.surplus = 0 < self._node.settings.connections_per_ip < self._node.addresses[address]

    def _uncount(self) -> None:
        address, self.address, self.surplus = self.address, "", False
        if address:
            self._node.addresses[address] -= 1
            if not self._node.addresses[address]:
                del self._node.addresses[address]

    @contextmanager
    def asked_by(self, address: str) -> Iterator[None]:
        """In this context it answers a request from ``address``."""
        self.asked = True
        self.count(address)
        try:
            yield
        finally:
            if self.shared:
                self._uncount()  # a proxy keeps its connections for other clients

    @contextmanager
    def under_guard(self) -> Iterator[None]:
        """In this context a session or an event stream looks after it."""
        self.guarded = True
        try:
            yield
        finally:
            self.guarded = False

    def check(self, now: float) -> None:
        """End it if its peer sends no request, or does not read the response."""
        if self.guarded:
            return
        waits_since = self.begun_at if self.asked else self.since
        if (waits_since and now - waits_since > HANDSHAKE_SECONDS) or is_stalled(self, now):
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
        """End it at once, and drop everything that waits to be written."""
        if self._wire is not None:
            self._wire.abort()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write a response. If the peer hangs up meanwhile, the response is lost, and nothing may keep it alive.

        A future keeps the error that says so, and the error's stack frames keep
        the future: a cycle with the response in it, which only a full garbage
        collection would find.
        """
        if isinstance(resp, web.HTTPException):  # aiohttp's own, to an Expect header that it doesn't know
            resp = problem("bad_request", resp.text or "", status=resp.status)
        if isinstance(resp, web.Response):
            try:
                await resp.prepare(request)
                await resp.write_eof()
            except ConnectionError as error:
                error.__traceback__ = None
        finished = await super().finish_response(request, resp, start_time)
        if self._unread:
            await self._linger()
        return finished

    async def _linger(self) -> None:
        """Let the peer read why it was refused: to close while something of its is unread would be a reset."""
        if self._wire is not None and not self._wire.is_closing():
            self._wire.write_eof()
            self._gone = self._node.loop.create_future()
            await asyncio.wait([self._gone], timeout=LINGER_SECONDS)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that is not HTTP, and so never gets to a handler."""
        if request.writer.output_size > 0:
            raise ConnectionResetError  # a response has begun, and the client could not tell a second one from it
        request_id = request_ids.begin("")
        if status >= 500 and exc is not None:
            self._node.report("a request failed", exc)
        code, status, detail = malformed(exc) if status < 500 else Malformed("internal", status, "")
        self._node.metrics.refusals[code] += 1
        self._unread = True
        response = problem(code, detail, status=status)
        response.headers.update(EVERY_RESPONSE)
        response.headers[request_ids.HEADER] = request_id
        response.headers["Server"] = "chatty"  # otherwise aiohttp names its own and Python's versions
        response.force_close()
        return response


def is_operator(peer: socket.socket) -> bool:
    """Whether the process at the other end of a Unix socket is root's, or of the same user as this one.

    Elsewhere than on Linux, the socket's permissions alone keep others out.
    """
    if not sys.platform.startswith("linux"):
        return True
    _, uid, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return uid in (0, os.getuid())


def connection_of(request: web.Request) -> Connection:
    """The connection that ``request`` came over."""
    assert isinstance(request.protocol, Connection)
    return request.protocol
