"""Server-Sent Events: the same flow for whoever has curl or a browser, one way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from chatty.protocol import Close, Control, encode
from chatty.server.platform.network.connections import Connection
from chatty.server.platform.pipeline.catching_up import Asked, follow
from chatty.server.platform.pipeline.hub import Subscriber
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.applying import Stored
from chatty.server.platform.store.reads import RoomView


def _chunk(data: bytes) -> bytes:
    """HTTP/1.1 chunked coding (RFC 9112, 7.1): blobs go to the transport as they are."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def sse_dialect(events: Sequence[Stored], epoch: str) -> bytes:
    """Events with an id from which ``Last-Event-ID`` resumes."""
    mark = epoch.encode()
    return b"".join([b"id: %b.%d\ndata: %b\n\n" % (mark, seq, body) for seq, body, _ in events])


def chunked_dialect(events: Sequence[Stored], epoch: str) -> bytes:
    """The same over HTTP/1.1. Older versions know no chunks: there the stream ends with the connection."""
    return _chunk(sse_dialect(events, epoch))


class EventStream(Subscriber):
    """One open event stream."""

    __slots__ = ("_connection", "_ended", "_part", "node", "stalled", "view")

    def __init__(self, node: Node, view: RoomView, connection: Connection, *, chunked: bool) -> None:
        super().__init__(chunked_dialect if chunked else sse_dialect, view.info.id)
        self.node = node
        self.view = view
        self._ended = asyncio.Event()
        self.stalled: tuple[int, float] | None = None
        self._connection = connection
        self._part: Callable[[bytes], bytes] = _chunk if chunked else bytes

    async def serve(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Stream until the peer is gone, the room closes or the server stops."""
        response = web.StreamResponse(headers={
            "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
        })  # fmt: skip
        response.force_close()
        await response.prepare(request)
        await response.write(b": chatty\n\n")
        if request.transport is None:
            return response
        self.connect(request.transport)
        self.node.streams[self] = None
        try:
            await follow(self, self.node.reads, self.node.hub, self.view, asked)
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

    @property
    def subscriber(self) -> Subscriber:
        return self

    def send_control(self, control: Control) -> None:
        """Write a control frame: without an id, so that it doesn't count as seen."""
        self.send(self._part(b"data: %b\n\n" % encode(control)))

    def beat(self) -> None:
        """Keep proxies from closing a quiet stream, and notice a peer that is gone."""
        if self._connection.is_closing:
            self._ended.set()
        else:
            self.send(self._part(b":\n\n"))

    async def drained(self) -> None:
        await self._connection.drained()

    def cut(self, code: Close) -> None:
        self.node.hub.detach(self)
        if code is Close.SLOW:
            self._connection.abort()
        self._ended.set()
