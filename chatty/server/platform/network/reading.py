"""Requests that only read: how many one client may make, and how many are answered at the same time."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from chatty.errors import Refused
from chatty.server.platform.network.access.credentials import principal_of, sources_of
from chatty.server.platform.network.access.routes import Handler, Route
from chatty.server.platform.network.rate_limit import PerSource
from chatty.server.platform.pipeline.node import Node

AT_ONCE: Final = 1
"""Requests that are answered at the same time: each message waits for so many pages at most, of a millisecond."""
BURST: Final = 100
"""Requests that a client may make at once."""


class Reading:
    """Lets requests that only read take turns."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._turns = asyncio.Semaphore(AT_ONCE)
        rate = node.settings.read_rate
        self._addresses, self._identities = PerSource(rate, BURST), PerSource(rate, BURST)

    def __call__(self, route: Route, handler: Handler) -> Handler:
        """``handler``, when it is its turn. Raises Refused for a client that asks too often."""
        return self._probe(handler) if route.is_probe else self._read(handler)

    def _read(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            sources = sources_of(request)
            self._take(self._addresses, sources)
            async with self._turns:
                if sources:
                    await principal_of(self._node, request)  # only now, because it may cost a look at the store
                    self._take(self._identities, sources_of(request)[1:])
                return await handler(request)

        return handle

    def _probe(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            # So many go on in each turn of the loop, between which there is time for messages.
            async with self._turns:
                await asyncio.sleep(0)
            return await handler(request)

        return handle

    def _take(self, limit: PerSource, sources: list[object]) -> None:
        wait = limit.try_take(sources, self._node.loop.time())
        if wait:
            raise Refused("rate_limited", retry_after=wait)
