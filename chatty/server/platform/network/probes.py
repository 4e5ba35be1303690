"""Probes for orchestrators and monitoring: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final

from aiohttp import web

from chatty.server.business.access import Action
from chatty.server.business.rights import READ
from chatty.server.platform.network.access.credentials import principal_of
from chatty.server.platform.network.access.routes import OPEN, Route
from chatty.server.platform.network.addresses import address_of
from chatty.server.platform.network.responses import problem, refused
from chatty.server.platform.pipeline.exposition import Snapshot
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.footprint import Footprint, measure

PROBE_SECONDS: Final = 1.0
"""How long an answer counts: to look may cost as much as a message."""
MEASURE_SECONDS: Final = 1.0
"""How long the page of metrics waits for the disk."""
PAGE_REST: Final = 20
"""The next page of metrics is made when so many times the time has passed that this one took."""


class Probes:
    """The handlers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._probe: asyncio.Task[str] | None = None
        self._probed_at = -PROBE_SECONDS
        self._page = b""
        self._page_at = self._next_page_at = 0.0
        self._making = asyncio.Lock()
        self._measuring: asyncio.Task[Footprint] | None = None
        _show(node)

    def routes(self) -> list[Route]:
        """The addresses of probes."""
        return [
            Route("GET", "/healthz", OPEN, self.alive),
            Route("GET", "/readyz", OPEN, self.ready),
            Route("GET", "/metrics", OPEN, self.metrics),
        ]

    async def _may_look(self, request: web.Request) -> None:
        """Raises Refused for somebody from elsewhere, if this server lets in none but those with a token.

        A probe costs a commit, and metrics tell what goes on.
        """
        if not address_of(request):
            return
        standing = await self.node.reads.standing(await principal_of(self.node, request))
        if not standing.server_rules.everyone & READ:
            refusal = standing.refusal(Action.ADMINISTER, self.node.now())
            if refusal is not None:
                raise refused(refusal)

    async def alive(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def ready(self, request: web.Request) -> web.StreamResponse:
        await self._may_look(request)
        if self.node.stopping:
            return problem("unavailable", "The server is stopping.")
        trouble = await self._trouble()
        if trouble:
            return problem("unavailable", trouble)
        ended = [part for part, works in self.node.metrics.parts.items() if not works()]
        if ended:
            return problem("unavailable", f"A part of the server has ended or hangs: {', '.join(ended)}.")
        if not self.node.started:
            return problem("unavailable", "The server is starting: its own rooms may not be there yet.")
        return web.Response(text="ok\n")

    async def _trouble(self) -> str:
        """Why the log can't be relied on. All who ask within a second share the answer."""
        now = self.node.loop.time()
        if self._probe is None or now >= self._probed_at + PROBE_SECONDS:
            self._probed_at, self._probe = now, self.node.loop.create_task(self.node.log.trouble())
        return await asyncio.shield(self._probe)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        await self._may_look(request)
        return web.Response(body=await self._fresh_page(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _fresh_page(self) -> bytes:
        """The page as it is now. All who wait for it share it, because it takes some milliseconds of the processor."""
        loop = self.node.loop
        asked_at = loop.time()
        async with self._making:
            if self._page_at < asked_at:
                await asyncio.sleep(max(0.0, self._next_page_at - loop.time()))
                await self._measure()
                self._page_at, spent = loop.time(), time.thread_time()
                taken = self.node.metrics.taken()
                spent = time.thread_time() - spent
                try:
                    self._page, also_spent = await asyncio.to_thread(_made, taken)
                except RuntimeError:  # the system allows no more threads
                    self._page, also_spent = _made(taken)
                self._next_page_at = self._page_at + (spent + also_spent) * PAGE_REST
            return self._page

    async def _measure(self) -> None:
        """Measure the data, in a thread. Where the disk does not tell in time, the page shows what it told last."""
        if self._measuring is None:
            self._measuring = self.node.loop.create_task(asyncio.to_thread(measure, self.node.settings.data))
        done, _ = await asyncio.wait([self._measuring], timeout=MEASURE_SECONDS)
        if done:
            measuring, self._measuring = self._measuring, None
            if measuring.exception() is None:  # otherwise the system allows no more threads
                self.node.metrics.footprint = measuring.result()


def _made(taken: Snapshot) -> tuple[bytes, float]:
    """The page, and the seconds of the processor that it took. It is made in a thread, between turns of the loop."""
    began = time.thread_time()
    return taken.page(), time.thread_time() - began


def _show(node: Node) -> None:
    """Have the page show what the node and its parts know."""
    metrics, hub = node.metrics, node.hub
    metrics.gauge("rooms", "Rooms with a member here.", lambda: hub.room_count)
    metrics.gauge("connections", "Open WebSocket connections.", lambda: len(node.sessions))
    metrics.gauge("streams", "Open event streams.", lambda: len(node.streams))
    metrics.gauges("members", "dialect", "Open WebSockets and event streams, by dialect.", lambda: _members(node))
    metrics.gauge("log_waiting", "Entries that wait for the log to take them.", lambda: node.log.waiting)
    metrics.gauge("index_lag_events", "Events that the search index is behind.", lambda: node.search.lag)
    text = "Bytes that wait for members to read them."
    metrics.gauge("write_bytes", text, lambda: sum(connection.backlog() for connection in node.connections))
    metrics.counter("deliveries", "Events written to members.", lambda: hub.delivered)
    metrics.counter("resumes", "Members that went on from where they had been.", lambda: hub.resumes)
    text = "Members that could not go on exactly from where they had been, by the reason."
    metrics.counters("gaps", "reason", text, lambda: hub.gaps)


def _members(node: Node) -> dict[str, int]:
    """Open connections that listen, by dialect."""
    sessions = Counter(session.dialect.name for session in node.sessions)
    return {"seed": sessions["seed"], "v1": sessions["v1"], "sse": len(node.streams)}
