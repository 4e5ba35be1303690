"""The handlers for those who run a cluster: how it is, the level of its log, and whether its nodes agree."""

from __future__ import annotations

from aiohttp import web

from chatty.clusters import NewLevel
from chatty.errors import Refused
from chatty.server.business.entries import Rejection
from chatty.server.platform.network.access.credentials import principal_of
from chatty.server.platform.network.access.routes import OPEN, Route, administering, json_of
from chatty.server.platform.network.responses import answer, refused
from chatty.server.platform.pipeline.log.protocol import ClusterOperator
from chatty.server.platform.pipeline.node import Node


class ClusterHandlers:
    """The handlers."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def routes(self) -> list[Route]:
        """The addresses of the cluster. Each handler finds out for itself whether the one who asks may do it."""
        return [
            Route("GET", "/v1/cluster", OPEN, self.show),
            Route("PUT", "/v1/cluster/level", OPEN, self.raise_level),
            Route("POST", "/v1/cluster/examinations", OPEN, self.examine),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return answer(await (await self._operator(request)).status())

    async def raise_level(self, request: web.Request) -> web.StreamResponse:
        operator, new = await self._operator(request), await json_of(request, NewLevel)
        outcome = await operator.raise_level(new.level, self.node.now())
        if isinstance(outcome, Rejection):
            raise refused(outcome)
        return web.Response(status=204)

    async def examine(self, request: web.Request) -> web.StreamResponse:
        operator = await self._operator(request)
        compared = await operator.examine(self.node.now())
        if isinstance(compared, Rejection):
            raise refused(compared)
        return answer(compared)

    async def _operator(self, request: web.Request) -> ClusterOperator:
        """The cluster, for an administrator. Raises Refused for all others, and where there is none."""
        await administering(self.node, await principal_of(self.node, request))
        operator = self.node.log.operator
        if operator is None:
            raise Refused("target_not_found", "This server is on its own, and not a node of a cluster.")
        return operator
