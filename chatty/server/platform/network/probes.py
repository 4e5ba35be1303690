"""Probes for orchestrators and monitoring: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from chatty.server.business.access import Action
from chatty.server.business.entries import Probe, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import READ
from chatty.server.platform.network.access.credentials import principal_of
from chatty.server.platform.network.access.routes import OPEN, Route
from chatty.server.platform.network.addresses import address_of
from chatty.server.platform.network.responses import problem, refused
from chatty.server.platform.pipeline.node import Node

READY_SECONDS: Final = 2.0
"""How long a commit may take on a server that is ready."""
PROBE_SECONDS: Final = 1.0
"""How long the outcome of a commit counts: it costs as much as a message."""
PAGE_REST: Final = 20
"""The next page of metrics is made when so many times the time has passed that this one took."""


class Probes:
    """The handlers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._probe: asyncio.Task[Outcome] | None = None
        self._probed_at = -PROBE_SECONDS
        self._page = b""
        self._page_at = self._next_page_at = 0.0
        node.metrics.gauges.update(
            rooms=("Rooms with a member here.", lambda: node.hub.room_count),
            connections=("Open WebSocket connections.", lambda: len(node.sessions)),
            streams=("Open event streams.", lambda: len(node.streams)),
            log_waiting=("Entries that wait for their outcome.", lambda: node.log.waiting),
            write_bytes=(
                "Bytes that wait for members to read them.",
                lambda: sum(connection.backlog() for connection in node.connections),
            ),
        )
        node.metrics.counters["deliveries"] = ("Events written to members.", lambda: node.hub.delivered)

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
        outcome = await self._probed()
        if isinstance(outcome, Rejection):
            return problem("unavailable", "The log does not commit; see the disk.")
        ended = [part for part, works in self.node.metrics.parts.items() if not works()]
        if ended:
            return problem("unavailable", f"A part of the server has ended or hangs: {', '.join(ended)}.")
        return web.Response(text="ok\n")

    async def _probed(self) -> Outcome:
        """The outcome of a commit. All who ask within a second share it."""
        now = self.node.loop.time()
        if self._probe is None or now >= self._probed_at + PROBE_SECONDS:
            self._probed_at, self._probe = now, self.node.loop.create_task(self._commit())
        return await asyncio.shield(self._probe)

    async def _commit(self) -> Outcome:
        try:
            async with asyncio.timeout(READY_SECONDS):
                return await self.node.log.commit(Probe("", self.node.now()))
        except TimeoutError:
            return Rejection("unavailable")

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        await self._may_look(request)
        return web.Response(body=await self._fresh_page(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _fresh_page(self) -> bytes:
        """The page as it is now. All who wait for it share it, because it is made while everything else waits."""
        loop = self.node.loop
        asked_at = loop.time()
        while self._page_at < asked_at:
            now = loop.time()
            if now < self._next_page_at:
                await asyncio.sleep(self._next_page_at - now)
                continue
            self._page_at, self._page = now, self.node.metrics.page()
            self._next_page_at = now + (loop.time() - now) * PAGE_REST
        return self._page
