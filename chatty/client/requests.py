"""chatty's HTTP interface as coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

from aiohttp import ClientTimeout
from msgspec import Struct
from msgspec.structs import replace

from chatty import protocol
from chatty.access import IssuedToken, Me, NewToken, ServerInfo, SignInProof, TokenInfo, Tokens
from chatty.client.decoding import check_page, read_answer
from chatty.client.identity import Credential
from chatty.client.network.address import ROOM_ID, base_urls, first_of, room_path
from chatty.client.network.tls import CaCert, trusting
from chatty.client.nodes import ELSEWHERE, NODE_SECONDS, Nodes, Sessions, never_sent, of_all
from chatty.client.session import TOTAL_SECONDS, bearer, failures
from chatty.errors import ProtocolError, Refused, Unreachable
from chatty.protocol import CreatedRoom, NewMessage, NewRoom, Page, Participants, Present, RoomInfo

__all__ = ["Requests", "over"]

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
"""How long a request that only reads waits for a server that is asked too often."""


_AT_ONCE: Final = 100
"""How many requests are under way at the same time; the others wait for their turn."""


class _Stored(Struct):
    seq: int = 0  # for a poster, who may not read


_FRESH: Final = {"fresh": "1"}
"""Another node of a cluster may have acknowledged a message a moment ago: this one waits until it has it, too."""


class Requests:
    """What a server can be asked by HTTP, and how often and where. See `chatty.client.http.Http`, which is one."""

    def __init__(
        self, server: str, *, key: Credential | None = None, cacert: CaCert = None, socket: str | None = None
    ) -> None:
        self.server = ",".join(base_urls(server))
        self._nodes = Nodes(server)
        self._sessions = Sessions(key, trusting(cacert), socket=socket)
        self._borrowed = False  # whether somebody else closes the sessions
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._entered = False

    async def __aenter__(self) -> Self:
        self._sessions.to(self._nodes.present)
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._borrowed:
            await self._sessions.close()

    async def create_room(self, name: str, *, topic: str = "", expires_in: float | None = None) -> CreatedRoom:
        """Creates a room and gives its id, its URL and the token of its owner, which is shown this once.

        ``expires_in``: seconds until the room closes by itself; None: never.
        """
        body = protocol.encode(NewRoom(name, topic, expires_in))
        created = await self.request("POST", "/v1/rooms", CreatedRoom, data=body)
        if not ROOM_ID.fullmatch(created.id):  # it will be printed, typed and put into addresses
            raise ProtocolError(f"{self.server} did not answer as a chatty server does ({created.id!r} is not an id)")
        # Behind a proxy the server may not know its own address. This one has just been reached.
        return replace(created, url=first_of(self.server) + room_path(created.id))

    async def room(self, room_id: str) -> RoomInfo:
        """The room as it is now. Refused with ``room_not_found`` where there is none."""
        room = await self.request("GET", room_path(room_id), RoomInfo)
        if room.id != room_id:  # it will be kept and printed
            raise ProtocolError(f"{self.server} did not answer as a chatty server does ({room.id!r} is another room)")
        return room

    async def close_room(self, room_id: str, owner_token: str | None = None) -> None:
        """Closes the room for all, for good. Its history stays readable for a day.

        Without ``owner_token``, as an owner by the ``key``.
        """
        await self.request("DELETE", room_path(room_id), None, headers=bearer(owner_token) if owner_token else {})

    async def server_info(self) -> ServerInfo:
        """Whom the server lets in."""
        return await self.request("GET", "/v1", ServerInfo)

    async def me(self) -> Me:
        """Who the server thinks that this client is, and what it may do."""
        return await self.request("GET", "/v1/me", Me)

    async def issue_token(self, new: NewToken) -> IssuedToken:
        """Issues a token, which is shown this once."""
        return await self.request("POST", "/v1/tokens", IssuedToken, data=protocol.encode(new))

    async def sign_in(self, id_token: str = "") -> IssuedToken:
        """Exchanges an ID token for a token; without one, what a proxy on the way says about this client."""
        return await self.request("POST", "/v1/login", IssuedToken, data=protocol.encode(SignInProof(id_token)))

    async def tokens(self, *, everybodys: bool = False) -> list[TokenInfo]:
        """This client's tokens, or with ``everybodys`` all that the server issued, the newest first."""
        params = {"all": "true"} if everybodys else {}
        return (await self.request("GET", "/v1/tokens", Tokens, params=params)).tokens

    async def revoke_token(self, token_id: str) -> None:
        """Revokes the token with this public id: at once it is worth nothing."""
        await self.request("DELETE", f"/v1/tokens/{quote(token_id, safe='')}", None)

    async def participants(self, room_id: str) -> list[Present]:
        """Everybody in the room, including people who are away for a moment."""
        path = room_path(room_id, "participants")
        return (await self.request("GET", path, Participants, params=_FRESH)).participants

    async def events(
        self,
        room_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] = (),
        q: str | None = None,
        sender: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> Page:
        """A page of the room's history, ascending, of at most ``limit`` (≤ 500) events.

        ``after``: the first ones above this number. ``before``: the last ones
        below it. Neither: the newest. ``types``: only events of these types,
        such as ``message``. ``q``: only messages that match this search,
        ``sender``: only what this participant did, ``since`` and ``until``:
        only what happened between these times (ISO 8601 with an offset, or
        aware datetimes). Each event is JSON as on the wire;
        `chatty.protocol.decode_frame` reads it.
        """
        given = {
            "after": after,
            "before": before,
            "limit": limit,
            "q": q,
            "from": sender,
            "since": since.isoformat() if isinstance(since, datetime) else since,
            "until": until.isoformat() if isinstance(until, datetime) else until,
        }
        params = [(name, str(value)) for name, value in given.items() if value is not None]
        params += _FRESH.items() if before is None else ()
        params += [("type", kind) for kind in types]
        page = await self.request("GET", room_path(room_id, "events"), Page, params=params)
        check_page(page, after=after, before=before)
        return page

    async def send(
        self,
        room_id: str,
        text: str,
        *,
        name: str,
        reply_to: int = 0,
        idempotency_key: str | None = None,
        automatic: int = 0,
    ) -> int:
        """Says ``text`` as ``name`` without joining, and gives the message's number.

        ``reply_to``: the number of the message that this one answers.
        ``automatic``: a program says it, see `chatty.events.Message`.
        ``idempotency_key``: a request that is repeated with the same one within 24
        hours is stored once, and gives the first time's number; another text
        is refused (``idempotency_conflict``).
        """
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        body = protocol.encode(NewMessage(name, text, reply_to, automatic=automatic))
        return (await self.request("POST", room_path(room_id, "messages"), _Stored, data=body, headers=headers)).seq

    async def edit(self, room_id: str, of: int, text: str, *, name: str) -> None:
        """Changes your message number ``of``, which says ``text`` from then on."""
        body = protocol.encode(NewMessage(name, text))
        await self.request("PATCH", room_path(room_id, "messages", str(of)), _Stored, data=body)

    async def request(self, method: str, path: str, answer: type[T] | None, **request: Any) -> T:
        """One request. ``data`` and ``params`` are as in aiohttp; ``answer`` is the type of the answer's JSON."""
        self._check_entered()
        headers = {"Content-Type": "application/json"} if "data" in request else {}
        request["headers"] = {**headers, **request.get("headers", {})}
        body = await self._asked(method, path.lstrip("/"), request)
        return read_answer(body, answer, self.server) if answer else None  # type: ignore[return-value]

    def _check_entered(self) -> None:
        if not self._entered:
            raise RuntimeError("use it as a context manager: async with Http(…) as http")

    async def _asked(self, method: str, path: str, request: dict[str, Any]) -> bytes:
        """The body of an answer. A request that only reads waits for as long as the server asks for that.

        A node that fails is left for the next one, if the request can't take effect twice by that.
        """
        repeatable = method == "GET" or "Idempotency-Key" in request["headers"]
        others = len(self._nodes) - 1
        waited = 0.0
        while True:
            node = self._nodes.present
            if others:
                read = NODE_SECONDS if repeatable else None
                request["timeout"] = ClientTimeout(total=TOTAL_SECONDS, sock_connect=NODE_SECONDS, sock_read=read)
            try:
                async with self._turns:
                    with failures(node):
                        async with self._sessions.to(node).request(method, path, **request) as response:
                            return await response.read()
            except Unreachable as error:
                if not others:
                    raise of_all(self._nodes, error) from error.__cause__
                if not repeatable and not never_sent(error):
                    raise
            except Refused as refused:
                elsewhere = refused.code in ELSEWHERE or (repeatable and refused.code == "uncertain")
                if not others or not elsewhere:
                    wait = refused.retry_after or 0.0
                    waited += wait
                    if method != "GET" or refused.code != "rate_limited" or not wait or waited > PATIENCE_SECONDS:
                        raise
                    await asyncio.sleep(wait)
                    continue
            request.pop("timeout", None)
            self._nodes.leave(node)
            others -= 1


def over(sessions: Sessions, server: str) -> Requests:
    """Requests by ``sessions``, which somebody else closes."""
    requests = Requests(server)
    requests._sessions, requests._borrowed = sessions, True
    return requests
