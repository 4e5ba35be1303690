"""Entering a room: the WebSocket handshakes of both dialects, and the start of an event stream."""

from __future__ import annotations

import asyncio
import base64
from typing import Final
from weakref import WeakValueDictionary

from aiohttp import HttpVersion11, web
from msgspec.structs import replace

from chatty.errors import Refused
from chatty.events import StreamPosition
from chatty.protocol import SUBPROTOCOL
from chatty.server.business.access import Action
from chatty.server.business.entries import Connect, Disconnect, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import Principal, Trust
from chatty.server.platform.network.access.credentials import nobody, offered, principal_of, sources_of
from chatty.server.platform.network.access.routes import (
    Route,
    find_room,
    is_number,
    number,
    participant_name,
    speaking,
)
from chatty.server.platform.network.connections import connection_of
from chatty.server.platform.network.event_stream import EventStream
from chatty.server.platform.network.rate_limit import FLEET, Pace, PerSource, TokenBucket
from chatty.server.platform.network.responses import refused
from chatty.server.platform.network.session import BURST, Session
from chatty.server.platform.network.websocket import SeedSession, V1Session
from chatty.server.platform.pipeline.catching_up import StartAt, is_over
from chatty.server.platform.pipeline.node import Node

JOIN_SECONDS: Final = 10.0
"""How long a join may take. Then the client had better try again, perhaps elsewhere."""


class Handshake:
    """The handlers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        a_minute = node.settings.join_rate
        self._joins = PerSource(a_minute / 60, a_minute)
        self._paces: WeakValueDictionary[bytes, TokenBucket] = WeakValueDictionary()

    def routes(self) -> list[Route]:
        """The addresses that are kept open."""
        return [
            Route("GET", "/chat/join", Action.JOIN, self.join_seed),
            Route("GET", "/v1/rooms/{room}/ws", Action.JOIN, self.join),
            Route("GET", "/v1/rooms/{room}/stream", Action.SEE, self.stream),
        ]

    async def join_seed(self, request: web.Request) -> web.StreamResponse:
        given = request.query.get("name")
        if given is not None or not offered(request):
            participant_name(given)
        room_id = request.query.get("room", "")
        if not room_id:
            raise Refused("bad_request", "room is missing: the id that creating the room returned.")
        if not _is_upgrade(request):
            # Without an upgrade, the first thing to learn is whether there is such a room at all.
            await find_room(self.node, request, room_id)
            raise _upgrade_required()
        who = _of_its_own(speaking(await principal_of(self.node, request), given))
        session = SeedSession(self.node, room_id, who, self._pace(who))
        with connection_of(request).under_guard():
            await self._join(request, session)
            return await session.serve(request)

    async def join(self, request: web.Request) -> web.StreamResponse:
        joins = request.query.get("join", "true")
        if joins not in ("true", "false"):
            raise Refused("bad_request", "join is true or false.")
        # Everything that can be refused is refused before the upgrade, as an HTTP status.
        given = request.query.get("name")
        if given is not None or (joins == "true" and not offered(request)):
            participant_name(given)
        start = _start(request)
        # To open a socket without joining, any right is enough: some only post.
        view = await find_room(self.node, request, action=Action.JOIN if joins == "true" else Action.DELETE)
        if not _is_upgrade(request):
            raise _upgrade_required()
        who = _of_its_own(view.standing.who)
        if given is not None or joins == "true" or who.name:
            who = speaking(who, given)
        session = V1Session(self.node, view, who, start, self._pace(who))
        # From here on the session looks after its connection, also while the join waits for the disk.
        with connection_of(request).under_guard():
            if joins == "true":
                await self._join(request, session)
            return await session.serve(request, (SUBPROTOCOL,))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        # A browser that reconnects says in a header how far it got, which is newer than the address.
        start = _start(request)
        epoch, dot, seen = request.headers.get("Last-Event-ID", "").partition(".")
        if dot and is_number(seen):
            start = StartAt(StreamPosition(epoch, int(seen)))
        view = await find_room(self.node, request)
        if is_over(view, start):
            return web.Response(status=204)  # at which a browser's EventSource stops asking (HTML, 9.2.2)
        connection = connection_of(request)
        with connection.under_guard():
            chunked = request.version >= HttpVersion11
            return await EventStream(self.node, view, connection, chunked=chunked).serve(request, start)

    def _pace(self, who: Principal) -> Pace | None:
        """The pace of one more connection of ``who``. Raises Refused if it has too many of them."""
        settings, now = self.node.settings, self.node.loop.time()
        if not who.address:
            return None
        rate, common = settings.message_rate, None
        if who.trust >= Trust.KEY:
            most = settings.connections_per_ip * FLEET
            if 0 < most <= sum(session.who.identity == who.identity for session in self.node.sessions):
                raise Refused("too_many_connections", retry_after=10)
            common = self._paces.get(who.identity)
            if common is None and rate:
                common = self._paces[who.identity] = TokenBucket.full(rate * FLEET, BURST * FLEET, now)
        return Pace(TokenBucket.full(rate, BURST, now), common) if rate else None

    async def _join(self, request: web.Request, session: Session) -> None:
        """Join, and only then answer the handshake, so that a refusal is an HTTP status."""
        node = self.node
        wait = self._joins.try_take(sources_of(request), node.loop.time())
        if wait:
            raise Refused("rate_limited", retry_after=wait)
        if node.log.is_stalled:
            raise Refused("unavailable", retry_after=1)
        connection_id = session.connection_id = node.next_connection_id()
        outcome: asyncio.Future[Outcome] = node.loop.create_future()

        def reply(result: Outcome) -> None:
            if outcome.done():  # nobody waits any longer
                node.propose_until_accepted(Disconnect(session.room_id, node.now(), connection_id, clean=False))
                return
            # Right here, because the events that follow in the log are for a session that is in the room.
            if isinstance(result, tuple):
                session.joined(result)
            outcome.set_result(result)

        most = node.settings.room_members
        node.log.propose(Connect(session.room_id, node.now(), connection_id, session.who, most), reply)
        await asyncio.wait([outcome], timeout=JOIN_SECONDS)
        result = outcome.result() if outcome.done() else Rejection("unavailable")
        if isinstance(result, Rejection):
            session.connection_id = ""
            outcome.cancel()
            raise refused(result)


def _of_its_own(who: Principal) -> Principal:
    """Without a key, a connection is an identity of its own."""
    return who if who.trust > Trust.NONE else replace(who, identity=nobody())


def _start(request: web.Request) -> StartAt:
    since = number(request, "since")
    if since is None:
        since = number(request, "after")
    after = None if since is None else StreamPosition(request.query.get("epoch", ""), since)
    return StartAt(after, number(request, "last") or 0)


def _is_upgrade(request: web.Request) -> bool:
    """Whether the handshake will succeed (RFC 6455, 4.2.1): no join may be committed for one that fails."""
    headers = request.headers
    return (
        request.version >= HttpVersion11  # before it there is no upgrade (RFC 9110, 7.8)
        and headers.get("Upgrade", "").strip().lower() == "websocket"
        and "upgrade" in headers.get("Connection", "").lower()
        and headers.get("Sec-WebSocket-Version", "") in ("13", "8", "7")
        and _is_key(headers.get("Sec-WebSocket-Key", ""))
    )


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except ValueError:
        return False


def _upgrade_required() -> Refused:
    return Refused("upgrade_required", "Join over a WebSocket (RFC 6455, version 13).")
