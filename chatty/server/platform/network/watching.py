"""What is noted of every request: its id, how long it took, and a line in the log if the server failed it."""

from __future__ import annotations

import time
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chatty.server import request_ids
from chatty.server.platform.network.rate_limit import TokenBucket
from chatty.server.platform.pipeline.metrics import Asked
from chatty.server.platform.pipeline.node import Node

LINES: Final = 20.0
"""Lines about failed requests that are logged at once, and in each ten seconds: a full disk fails all of them."""

BEGAN_AT: Final = web.RequestKey("began_at", float)

_LOG = structlog.get_logger("chatty")


def route_of(request: web.BaseRequest) -> tuple[str, str]:
    """The request's method and its route's pattern, which has no room's id in it. There are only so many of them."""
    resource = request.match_info.route.resource if isinstance(request, web.Request) else None
    return (request.method, resource.canonical) if resource is not None else ("other", "other")


class Watch:
    """Watches the requests of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._lines = TokenBucket.full(LINES / 10, LINES, node.loop.time())
        self._unlogged = 0

    @property
    def middleware(self) -> Middleware:
        """The outermost middleware: it notes also what others refuse."""

        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            request[BEGAN_AT] = time.monotonic()  # a loop's own clock may be coarse
            request_ids.begin(request.headers.get(request_ids.HEADER, ""))
            response = await handler(request)
            if isinstance(response, web.Response):
                self._note(request, response.status)
            return response

        return watched

    async def prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        """A response is about to be sent. With that a handshake is over, and what follows it may last for days."""
        response.headers[request_ids.HEADER] = request_ids.current()
        if not isinstance(response, web.Response):
            method, route = route_of(request)
            taken = time.monotonic() - request[BEGAN_AT]
            self._node.metrics.handshakes[route].observe(taken)
            self._trace(request, method, route, response.status, taken)

    def _note(self, request: web.Request, status: int) -> None:
        method, route = route_of(request)
        taken = time.monotonic() - request[BEGAN_AT]
        self._node.metrics.requests[Asked(method, route, status)].observe(taken)
        self._trace(request, method, route, status, taken)
        if status >= 500:
            self._log_failure(method, route, status, taken)

    def _trace(self, request: web.Request, method: str, route: str, status: int, taken: float) -> None:
        if self._node.tracing is not None:
            self._node.tracing.request(request.headers, method, route, status, request_ids.current(), taken)

    def _log_failure(self, method: str, route: str, status: int, taken: float) -> None:
        if self._lines.try_take(self._node.loop.time()):
            self._unlogged += 1
            return
        also = {"unlogged": self._unlogged} if self._unlogged else {}
        self._unlogged = 0
        seconds = round(taken, 3)
        _LOG.warning("a request failed", method=method, route=route, status=status, seconds=seconds, **also)
