"""Server-Sent Events: the same flow in one direction, for curl and for browsers."""

from __future__ import annotations

import asyncio

from aiohttp import web

from chatty.protocol import PONG_SECONDS, Close
from chatty.server.business.access import Action
from chatty.server.business.entries import Rejection
from chatty.server.platform.network.connections import Connection
from chatty.server.platform.network.dialects import SSE, SSE_CHUNKED
from chatty.server.platform.network.heartbeat import Stall, is_stalled
from chatty.server.platform.pipeline.catching_up import StartAt, follow
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.pipeline.subscriber import Subscriber
from chatty.server.platform.store.reads import RoomView


class EventStream(Subscriber):
    """One open event stream."""

    __slots__ = ("_comment", "_commented_at", "_connection", "_ended", "node", "stall", "view")

    def __init__(self, node: Node, view: RoomView, connection: Connection, *, chunked: bool) -> None:
        dialect = SSE_CHUNKED if chunked else SSE
        super().__init__(dialect, view.info.id, view.standing.who)
        self.node = node
        self.view = view
        self.stall: Stall | None = None
        self._ended = asyncio.Event()
        self._connection = connection
        self._comment = dialect.comment()
        self._commented_at = node.loop.time()

    async def serve(self, request: web.Request, start: StartAt) -> web.StreamResponse:
        """Stream until the peer is gone, the room closes or the server stops."""
        response = web.StreamResponse(headers={
            "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no",
        })  # fmt: skip
        # aiohttp writes the headers and the first comment. After that the hub writes to the transport itself.
        response.force_close()
        await response.prepare(request)
        await response.write(b": chatty\n\n")
        if request.transport is None:
            return response
        self.connect(request.transport)
        self.node.streams[self] = None
        try:
            # Registered first, looked at second: so no ruling is missed.
            at = self.now()
            if self.node.has_rulings:
                view = await self.node.reads.enter(self.room_id, self.who, Action.SEE, at)
                if isinstance(view, Rejection):
                    return response
                self.view = view
            self.look(self.view.standing, at)
            await follow(self, self.node.reads, self.node.hub, self.view, start)
            await self._ended.wait()
        except ConnectionError:
            return response
        except Exception as error:  # noqa: BLE001 - reported; an answer that has begun can only be broken off
            self.node.report("a stream failed", error)
            self._connection.abort()
        finally:
            self.node.streams.pop(self, None)
            self.node.hub.detach(self)
        return response

    def check(self, now: float) -> None:
        """Keep proxies from closing a quiet stream, and notice a peer that is gone or has stopped reading."""
        if is_stalled(self, now):
            self.cut(Close.SLOW)
        elif self._connection.is_closing:
            self._ended.set()
        elif now - self._commented_at >= PONG_SECONDS:
            self._commented_at = now
            self.send(self._comment)

    def now(self) -> int:
        return self.node.now()

    def send(self, blob: bytes) -> None:
        if not self._ended.is_set():
            super().send(blob)

    async def drained(self) -> None:
        if self._ended.is_set():
            raise ConnectionResetError
        await self._connection.drained()

    def cut(self, code: Close) -> None:
        self.node.hub.detach(self)
        if self._ended.is_set():
            return
        self.node.metrics.closes[code] += 1
        if code is Close.SLOW:
            self._connection.abort()
        self._ended.set()

    def abort(self) -> None:
        """End it at once, and drop everything that waits to be written."""
        self._connection.abort()
