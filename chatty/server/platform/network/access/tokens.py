"""The handlers for credentials: what the server wants, who somebody is to it, and the tokens that it issued."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from chatty.access import IssuedToken, Me, NewToken, ServerInfo, Tokens
from chatty.credentials import new_public_id, new_token
from chatty.errors import Refused
from chatty.events import rfc3339
from chatty.server.business.entries import Issue, Revoke
from chatty.server.business.facts import Issued
from chatty.server.business.rights import (
    MEMBER,
    NAME_OF_ROLE,
    NOBODY,
    OWNER,
    READ,
    ROLES,
    SERVER,
    Rights,
    Trust,
    rights_named,
)
from chatty.server.platform.network.access.credentials import nobody, principal_of, token_hash
from chatty.server.platform.network.access.routes import (
    OPEN,
    CheckedName,
    Route,
    administering,
    committed,
    ends_at,
    json_of,
    participant_name,
)
from chatty.server.platform.network.access.sign_in import ways
from chatty.server.platform.network.responses import answer
from chatty.server.platform.pipeline.node import Node


class TokenHandlers:
    """The handlers. ``may_post`` raises Refused where too much comes from an address."""

    def __init__(self, node: Node, may_post: Callable[[web.Request], None]) -> None:
        self.node = node
        self._may_post = may_post

    def routes(self) -> list[Route]:
        """The addresses of credentials. Each handler finds out for itself what the one who asks may see."""
        return [
            Route("GET", "/v1", OPEN, self.server),
            Route("GET", "/v1/me", OPEN, self.me),
            Route("POST", "/v1/tokens", OPEN, self.issue),
            Route("GET", "/v1/tokens", OPEN, self.show),
            Route("DELETE", "/v1/tokens/{token}", OPEN, self.revoke),
        ]

    async def server(self, request: web.Request) -> web.StreamResponse:
        rules = (await self.node.reads.standing(await principal_of(self.node, request))).server_rules
        return answer(ServerInfo("chatty", "open" if rules.everyone & READ else "token", *ways(self.node.settings)))

    async def me(self, request: web.Request) -> web.StreamResponse:
        node, who = self.node, await principal_of(self.node, request)
        at, standing = node.now(), await node.reads.standing(who)
        rooms = await node.reads.access.rooms_of(who.identity) if who.trust >= Trust.KEY else []
        if standing.token is not None:
            rooms = [room for room in rooms if standing.token.limit(room.id)]
        until = standing.token.expires_at if standing.token else 0
        return answer(
            Me(
                who.identity.hex(), who.trust.name.lower(), rights_named(standing.rights(at)),
                NAME_OF_ROLE[standing.role(at)],  # type: ignore[arg-type]
                rooms, who.name or None, who.token or None, rfc3339(until) if until else None,
            )
        )  # fmt: skip

    async def issue(self, request: web.Request) -> web.StreamResponse:
        node, who = self.node, await principal_of(self.node, request)
        self._may_post(request)
        new, at, secret = await json_of(request, NewToken), node.now(), new_token()
        if new.admin and (new.room or new.role):
            raise Refused("bad_request", "An administrator's token has neither a room nor a role.")
        if new.role == "nobody":
            raise Refused("bad_request", "A token for nobody is worth nothing.")
        cap = _cap(new)
        role = OWNER if new.admin else (cap if new.room else MEMBER)
        name, name_key, skeleton = participant_name(new.name) if new.name else CheckedName()
        expires_at = ends_at(at, new.expires_in)
        entry = Issue(
            new.room or SERVER, at, who, new_public_id(), token_hash(secret), cap, name, name_key, nobody(),
            role if name else NOBODY, expires_at, new.label, skeleton,
        )  # fmt: skip
        outcome = await committed(node, entry)
        assert isinstance(outcome, tuple)
        made = next(fact for fact in outcome if isinstance(fact, Issued))
        until = rfc3339(expires_at) if expires_at else None
        issued = IssuedToken(
            id=entry.id, can=rights_named(made.token.cap), by=made.by, at=rfc3339(at), name=name or who.name or None,
            room=new.room or None, expires_at=until, label=new.label, token=secret,
        )  # fmt: skip
        return answer(issued, 201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        node, who = self.node, await principal_of(self.node, request)
        everybody = request.query.get("all", "false") == "true"
        standing = await (administering(node, who) if everybody else node.reads.standing(who))
        if not everybody and who.trust not in (Trust.KEY, Trust.VERIFIED):
            raise Refused("unauthorized", "Tokens belong to somebody; send a credential, or ask for all of them.")
        tokens = await node.reads.access.tokens(None if everybody else who.identity)
        if standing.token is not None and standing.token.room:
            tokens = [token for token in tokens if token.room == standing.token.room]
        return answer(Tokens(tokens))

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        node, who = self.node, await principal_of(self.node, request)
        self._may_post(request)
        await committed(node, Revoke(SERVER, node.now(), who, request.match_info["token"]))
        return web.Response(status=204)


def _cap(new: NewToken) -> Rights:
    """What a token is worth at most. For oneself and without a role, that is all that one may do: `NOBODY` says so."""
    if new.role:
        return ROLES[new.role]
    if new.admin:
        return OWNER
    if not new.name:
        return NOBODY
    return MEMBER if new.room else OWNER
