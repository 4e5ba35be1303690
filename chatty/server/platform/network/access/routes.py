"""Requests: routes, each with the action that it is for, the only way to a room, and what an address or a body says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeGuard, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from chatty.errors import Refused
from chatty.names import compare_key
from chatty.protocol import LAST_SEQ, NAME_POINTS
from chatty.server.business.access import Action, Standing
from chatty.server.business.entries import Duplicate, Entry, Rejection
from chatty.server.business.names import check_name
from chatty.server.business.outcomes import Facts
from chatty.server.business.rights import SERVER, Principal
from chatty.server.platform.network.access.credentials import principal_of
from chatty.server.platform.network.connections import connection_of
from chatty.server.platform.network.responses import body_of, refused, unfit
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.access.lookup import SERVER_KEY
from chatty.server.platform.store.reads import RoomView
from chatty.skeletons import skeleton

T = TypeVar("T")
MOST_DIGITS: Final = 20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ACTION: Final = web.RequestKey("action", Action)

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Monitoring asks for these by IP address. The host check is for browsers, and these reveal nothing about rooms."""

OPEN: Final = None
"""In the place of an action: everybody may ask."""


class Route(NamedTuple):
    """A method and an address, the action for which somebody has to be allowed there, and the handler."""

    method: str
    path: str
    action: Action | None
    handler: Handler

    @property
    def is_kept_open(self) -> bool:
        """Whether the answer goes on for as long as the one who asks listens."""
        return self.path.endswith(("/ws", "/stream", "/join"))

    @property
    def is_probe(self) -> bool:
        """Whether it is there for monitoring."""
        return self.path in PROBES

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing and ends soon."""
        return self.method == "GET" and not self.is_kept_open


def add_routes(
    app: web.Application, node: Node, routes: list[Route], in_turn: Callable[[Route, Handler], Handler]
) -> None:
    """Serve ``routes`` of ``node``, those that only read ``in_turn``."""
    for route in routes:
        # A HEAD of a stream or a socket would only be a surprise.
        head = {"allow_head": False} if route.is_kept_open else {}
        handler = _bound(node, route)
        handler = in_turn(route, handler) if route.only_reads else handler
        app.add_routes([web.route(route.method, route.path, handler, **head)])


def _bound(node: Node, route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        # What a server out of touch knows of rights may be old, also of a token's holder. Its operator has all.
        if not route.is_probe and not node.log.is_current and not connection_of(request).is_operator:
            raise Refused("unavailable", "This server has lost touch with its cluster; another one may be well.")
        if route.action is not OPEN:
            request[_ACTION] = route.action
        return await route.handler(request)

    return handle


async def find_room(node: Node, request: web.Request, room_id: str = "", action: Action | None = None) -> RoomView:
    """The room in the request's address, as the one who asks may see it, for the route's action.

    Raises Refused if there is none, or if the action isn't allowed there.
    """
    who = await principal_of(node, request)
    wanted = action or request[_ACTION]
    room_id = room_id or request.match_info["room"]
    found = await node.fresh(
        lambda: node.reads.enter(room_id, who, wanted, node.now()),
        lambda view: not isinstance(view, Rejection) and not _wants_more(request, view),
    )
    if isinstance(found, Rejection):
        raise refused(found)
    return found


def _wants_more(request: web.Request, view: RoomView) -> bool:
    """Whether a request is about something that may be in the log and not here: later events, or all that there are."""
    query = request.query
    seen = (query.get("since"), query.get("after"), request.headers.get("Last-Event-ID", "").partition(".")[2])
    return "q" in query or "fresh" in query or any(int(number) > view.info.last for number in seen if is_number(number))


def is_number(text: str | None) -> TypeGuard[str]:
    """Whether ``text`` is a whole number, of no more digits than any of ours has."""
    return text is not None and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


class Place(Struct, frozen=True):
    """The scope that a request is about: its id, its key, and the standing of the one who asks."""

    id: str
    key: int
    standing: Standing


async def find_place(node: Node, request: web.Request) -> Place:
    """The room in the request's address, or without one the server, for the route's action. Raises Refused."""
    if "room" in request.match_info:
        view = await find_room(node, request)
        return Place(view.info.id, view.key, view.standing)
    return Place(SERVER, SERVER_KEY, await administering(node, await principal_of(node, request)))


async def administering(node: Node, who: Principal) -> Standing:
    """The standing of an administrator of the server. Raises Refused for anybody else."""
    standing = await node.fresh(
        lambda: node.reads.standing(who), lambda it: it.refusal(Action.ADMINISTER, node.now()) is None
    )
    refusal = standing.refusal(Action.ADMINISTER, node.now())
    if refusal is not None:
        raise refused(refusal)
    return standing


async def committed(node: Node, entry: Entry) -> Facts | Duplicate:
    """The outcome of ``entry``, once it is stored. Raises Refused if it is not accepted."""
    outcome = await node.log.commit(entry)
    if isinstance(outcome, Rejection):
        raise refused(outcome)
    return outcome


def number(request: web.Request, name: str, least: int = 0, most: int = LAST_SEQ) -> int | None:
    """A whole number from the query, or None if it is missing. Raises Refused for anything else."""
    text = request.query.get(name)
    if text is None:
        return None
    if not is_number(text) or not least <= int(text) <= most:
        raise Refused("bad_request", f"{name} must be a whole number from {least} to {most}.")
    return int(text)


async def json_of(request: web.Request, kind: type[T]) -> T:
    """The request's body as ``kind``. Raises Refused if it is anything else."""
    if request.content_type != "application/json":
        raise Refused("unsupported_media_type", "Send application/json.")
    try:
        return msgspec.json.decode(await body_of(request), type=kind)
    except (ValueError, RecursionError) as error:  # also invalid UTF-8, and endless nesting
        raise Refused("bad_request", unfit(error)) from None


def ends_at(at: int, seconds: float | None) -> int:
    """When something ends that begins at ``at`` and lasts so many seconds; 0, which is never, without any."""
    return at + round(seconds * 1000) if seconds else 0


class CheckedName(NamedTuple):
    """A participant's name, and its forms for comparing."""

    name: str = ""
    key: str = ""
    skeleton: str = ""


def participant_name(given: str | None) -> CheckedName:
    """A participant's name. Raises Refused for an invalid one."""
    name = accepted(check_name(given or "", points=NAME_POINTS))
    return CheckedName(name, compare_key(name), skeleton(name))


def speaking(who: Principal, given: str | None) -> Principal:
    """``who``, speaking under a name. Raises Refused for an invalid name, or one that isn't its own."""
    if who.name and (given is None or compare_key(given) == who.name_key):
        return who
    new = participant_name(given)
    if who.name:
        raise Refused("not_allowed", f"With this token you are {who.name!r}; leave out the name.")
    return replace(who, name=new.name, name_key=new.key, skeleton=new.skeleton)


def accepted(checked: str | Rejection) -> str:
    """A checked name. Raises Refused if it is invalid."""
    if isinstance(checked, Rejection):
        raise refused(checked)
    return checked
