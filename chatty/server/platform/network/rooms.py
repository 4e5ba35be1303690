"""Rooms over HTTP: creating, closing and showing them, their history, their participants, and posting."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web
from msgspec import Raw

from chatty.errors import Refused
from chatty.events import LAST_MOMENT, Event, milliseconds
from chatty.ksuid import new_ksuid
from chatty.protocol import (
    EXPIRES_SECONDS,
    MESSAGE_BYTES,
    NAME_POINTS,
    PAGE_EVENTS,
    ROOM_NAME_POINTS,
    TOPIC_POINTS,
    Ack,
    CreatedRoom,
    NewMessage,
    NewRoom,
    Page,
    Participants,
    encode,
)
from chatty.seed_dialect import SeedRoom
from chatty.server.business.access import Action
from chatty.server.business.entries import CloseRoom, CreateRoom, Duplicate, Post, Rejection
from chatty.server.business.names import check_known_name, check_room_name, check_text
from chatty.server.business.rights import READ, Principal
from chatty.server.platform.network.access.credentials import bearer, owner_hash, principal_of, sources_of
from chatty.server.platform.network.access.routes import (
    Route,
    accepted,
    committed,
    ends_at,
    find_room,
    json_of,
    number,
    speaking,
)
from chatty.server.platform.network.connections import connection_of
from chatty.server.platform.network.forwarded import base_path, base_url
from chatty.server.platform.network.rate_limit import PerSource
from chatty.server.platform.network.responses import answer, body_of, refused
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import RoomView, Slice
from chatty.server.platform.store.schema import KINDS
from chatty.server.platform.store.search.query import wanted

T = TypeVar("T")
MOST_KEY: Final = 255
PAGE_SIZE: Final = 1 << 20
"""Bytes of events at which a page ends, because a page that a client does not read waits in memory."""


def _known_name(given: str | None) -> str | None:
    """The participant's name in a search, if one is given. Raises Refused for an invalid name."""
    return None if given is None else accepted(check_known_name(given, points=NAME_POINTS))


def moment(request: web.Request, name: str) -> int | None:
    """A time from the query in milliseconds, or None if it is missing. Raises Refused for anything else."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return min(max(0, milliseconds(text)), LAST_MOMENT)
    except ValueError:
        raise Refused("bad_request", f"{name} must be a time such as 2026-11-23T12:00:00Z.") from None


class RoomHandlers:
    """The handlers for rooms and their history."""

    def __init__(self, node: Node) -> None:
        self.node = node
        a_minute, a_second = node.settings.room_rate, node.settings.message_rate
        self._new_rooms = PerSource(a_minute / 60, a_minute)
        self._posts = PerSource(a_second, a_second * 60)

    def routes(self) -> list[Route]:
        """The addresses of rooms."""
        return [
            Route("POST", "/chat", Action.CREATE, self.create_seed),
            Route("POST", "/v1/rooms", Action.CREATE, self.create),
            Route("GET", "/v1/rooms/{room}", Action.SEE, self.show),
            Route("DELETE", "/v1/rooms/{room}", Action.RULE, self.close),
            Route("GET", "/v1/rooms/{room}/events", Action.SEE, self.events),
            Route("POST", "/v1/rooms/{room}/messages", Action.POST, self.post),
            Route("GET", "/v1/rooms/{room}/participants", Action.SEE, self.participants),
        ]

    async def create_seed(self, request: web.Request) -> web.StreamResponse:
        who = await principal_of(self.node, request)
        self._may_create(request)
        created = await self.create_room(NewRoom(request.query.get("name", "")), who)
        return answer(SeedRoom(created.id, created.name), 201)

    async def create(self, request: web.Request) -> web.StreamResponse:
        who = await principal_of(self.node, request)
        self._may_create(request)
        new = await json_of(request, NewRoom)
        created = await self.create_room(new, who, base_url(request))
        return answer(created, 201, {"Location": f"{base_path(request)}/v1/rooms/{created.id}"})

    async def create_room(
        self,
        new: NewRoom,
        who: Principal,
        origin: str = "",
        note: Callable[[str, str], None] | None = None,
        room_id: str = "",
    ) -> CreatedRoom:
        """Create a room for ``who``. Before that, ``note`` gets its id, which may be given, and its owner's token.

        Raises Refused for an invalid name, topic or time, or if that isn't allowed.
        """
        name = check_room_name(new.name, points=ROOM_NAME_POINTS)
        if isinstance(name, Rejection):
            raise refused(name)
        if len(new.topic) > TOPIC_POINTS:
            raise Refused("bad_request", f"A topic has at most {TOPIC_POINTS} characters.")
        if new.expires_in is not None and not 1 <= new.expires_in <= EXPIRES_SECONDS:
            raise Refused("bad_request", "expires_in is in seconds, from 1 to ten years.")
        # Only the token's hash is stored, so the caller gets it this once.
        now, token = self.node.now(), "owner_" + secrets.token_urlsafe(32)
        expires_at = ends_at(now, new.expires_in)
        room_id, epoch = room_id or new_ksuid(now / 1000), secrets.token_hex(8)
        if note is not None:
            note(room_id, token)
        entry = CreateRoom(room_id, now, name, new.topic, epoch, owner_hash(token), expires_at, who)
        await committed(self.node, entry)
        view = await self.node.reads.room(room_id)
        assert view is not None
        fields = {field: getattr(view.info, field) for field in view.info.__struct_fields__}
        return CreatedRoom(**fields, owner_token=token, url=f"{origin}/v1/rooms/{room_id}")

    def _may_create(self, request: web.Request) -> None:
        wait = self._new_rooms.try_take(sources_of(request), self.node.loop.time())
        if wait:
            raise Refused("rate_limited", retry_after=wait)

    def may_post(self, request: web.Request) -> None:
        """Raises Refused if too many messages come from this address or identity."""
        wait = self._posts.try_take(sources_of(request), self.node.loop.time())
        if wait:
            raise Refused("rate_limited", retry_after=wait)

    async def show(self, request: web.Request) -> web.StreamResponse:
        return answer((await find_room(self.node, request)).info)

    async def close(self, request: web.Request) -> web.StreamResponse:
        if not bearer(request) and not connection_of(request).is_operator:
            await find_room(self.node, request, action=Action.SEE)
            raise Refused("unauthorized", "Send the room's owner token as Authorization: Bearer.")
        view = await find_room(self.node, request)
        await committed(self.node, CloseRoom(view.info.id, self.node.now(), view.standing.who))
        return web.Response(status=204)

    async def events(self, request: web.Request) -> web.StreamResponse:
        view = await find_room(self.node, request)
        after, before = number(request, "after"), number(request, "before")
        limit = number(request, "limit", 1, PAGE_EVENTS) or 100
        if after is not None and before is not None:
            raise Refused("bad_request", "Give after or before, not both.")
        kinds = tuple(KINDS.get(kind, -1) for kind in request.query.getall("type", []))
        if -1 in kinds:
            raise Refused("bad_request", f"type is one of {', '.join(KINDS)}.")
        low, high = await self._between(request, view, after or 0, before)
        low, newest = max(low, view.info.first - 1), after is None
        # With words or a name it is a search, which finds messages alone; otherwise it is a page of history.
        words, name = request.query.get("q"), request.query.get("from")
        if words is not None or name is not None:
            look_for = wanted(words, _known_name(name))
            if look_for is None or (kinds and KINDS["message"] not in kinds):
                page, more = Slice([], []), False
            else:
                began = time.monotonic()
                keys = await self.node.search.find(
                    view, look_for, after=low, before=high, limit=limit + 1, newest=newest
                )
                more = len(keys) > limit
                page = await self.node.reads.messages(_cut(keys, limit, newest=newest), newest=newest, size=PAGE_SIZE)
                self.node.metrics.searches.observe(time.monotonic() - began)
        else:
            page = await self.node.reads.page(
                view.key, after=low, before=high, limit=limit + 1, kinds=kinds, newest=newest, size=PAGE_SIZE
            )
            more = len(page.bodies) > limit
        if page.rulings != view.rulings:
            view = await find_room(self.node, request)  # somebody may have lost a right since
        bodies = [Raw(body) for body in _cut(page.bodies, limit, newest=newest)]
        return answer(Page(bodies, view.info.epoch, view.info.first, view.info.last, more or page.cut))

    async def _between(
        self, request: web.Request, view: RoomView, after: int, before: int | None
    ) -> tuple[int, int | None]:
        """``after`` and ``before``, narrowed down by the times in the query."""
        since, until = moment(request, "since"), moment(request, "until")
        reads, key, first = self.node.reads, view.key, view.info.first
        if since is not None:
            after = max(after, await reads.first_since(key, first, since) - 1)
        if until is not None:
            end = await reads.first_since(key, first, until)
            before = end if before is None else min(before, end)
        return after, before

    async def participants(self, request: web.Request) -> web.StreamResponse:
        view = await find_room(self.node, request)
        present = await self.node.reads.participants(view.key)
        await find_room(self.node, request)  # somebody may have lost a right since
        return answer(Participants(present))

    async def post(self, request: web.Request) -> web.StreamResponse:
        view = await find_room(self.node, request)
        self.may_post(request)
        new = await _new_message(request)
        who = speaking(view.standing.who, new.participant or None)
        refusal = check_text(new.text, size=MESSAGE_BYTES)
        if refusal is not None:
            raise refused(refusal)
        self.node.note_author(view.info.id, who)
        # With an Idempotency-Key, the digest tells a repeated request from another message under the same key.
        idempotency_key = request.headers.get("Idempotency-Key", "")
        if len(idempotency_key) > MOST_KEY:
            raise Refused("bad_request", f"An Idempotency-Key has at most {MOST_KEY} characters.")
        said = encode((who.name, new.text, new.reply_to, new.action))
        digest = hashlib.sha256(said).digest()[:16] if idempotency_key else b""
        outcome = await committed(
            self.node,
            Post(
                view.info.id, self.node.now(), who, new.text,
                idempotency_key=idempotency_key, digest=digest, reply_to=new.reply_to, action=new.action,
                automatic=new.automatic,
            ),
        )  # fmt: skip
        if isinstance(outcome, Duplicate):
            stored = await self.node.reads.page(view.key, after=outcome.seq - 1, before=outcome.seq + 1, limit=1)
            if stored.rulings != view.rulings:
                view = await find_room(self.node, request)  # as in `events`
            if not self.may_see(view):
                return answer(Ack(duplicate=True))
            return answer(Raw(stored.bodies[0]) if stored.bodies else Ack(seq=outcome.seq, duplicate=True))
        event = outcome[0]
        assert isinstance(event, Event)
        return answer(event if self.may_see(view) else Ack(), 201)

    def may_see(self, view: RoomView) -> bool:
        """Whether the one who asks may see what is in the room. Otherwise not even numbers are told."""
        return bool(view.standing.rights(self.node.now()) & READ)


def _cut(found: list[T], limit: int, *, newest: bool) -> list[T]:
    """The first or the ``newest`` so many of ``found``, which ascends."""
    return found[-limit:] if newest else found[:limit]


async def _new_message(request: web.Request) -> NewMessage:
    if request.content_type != "text/plain":
        return await json_of(request, NewMessage)
    try:
        return NewMessage(request.query.get("name", ""), (await body_of(request)).decode())
    except UnicodeDecodeError as error:
        raise Refused("bad_request", f"The text is not UTF-8: {error.reason} at byte {error.start}.") from None
