"""The handlers for roles, policies and restrictions, of a room and of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, cast

from aiohttp import web

from chatty.access import (
    Audit,
    Members,
    NewKick,
    NewRestriction,
    NewRole,
    Policy,
    Restrictions,
    Role,
)
from chatty.credentials import new_public_id
from chatty.errors import Refused
from chatty.server.business.access import Action
from chatty.server.business.entries import Grant, Kick, Lift, Restrict, Ruling, SetPolicy, Target
from chatty.server.business.rights import MODERATOR, NAME_OF_ROLE, OWNER, POST, ROLES, SERVER, Principal
from chatty.server.platform.network.access.credentials import principal_of
from chatty.server.platform.network.access.passwords import Hashing, prepared
from chatty.server.platform.network.access.routes import Place, Route, committed, ends_at, find_place, json_of, number
from chatty.server.platform.network.access.targets import IDENTITY, target, target_of
from chatty.server.platform.network.addresses import TRUSTED_PROXIES, bannable
from chatty.server.platform.network.responses import answer, refused
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.pipeline.recent_authors import Author, author

MOST_AUTHORS: Final = 1_000
"""Of those who came from the same addresses, whose messages can be deleted by the restriction."""
ADDRESS_MS: Final = 3_600_000
"""For how long a ban holds for addresses, too, unless it is shorter: others will have them."""


class ModerationHandlers:
    """The handlers. Each serves a room and the server; ``may_post`` raises Refused where too much comes at once."""

    def __init__(self, node: Node, may_post: Callable[[web.Request], None], hashing: Hashing) -> None:
        self.node = node
        self._hashing = hashing
        self._may_post = may_post

    def routes(self) -> list[Route]:
        """The addresses of rules."""
        return [
            *self._routes("/v1/rooms/{room}", Action.MODERATE, Action.SEE, Action.RULE),
            Route("POST", "/v1/rooms/{room}/kick", Action.MODERATE, self.kick),
            *self._routes("/v1/server", Action.ADMINISTER, Action.ADMINISTER, Action.ADMINISTER),
        ]

    def _routes(self, scope: str, moderate: Action, see: Action, rule: Action) -> list[Route]:
        return [
            Route("GET", f"{scope}/members", moderate, self.members),
            Route("PUT", f"{scope}/members/{{member}}", moderate, self.grant),
            Route("GET", f"{scope}/policy", see, self.policy),
            # A moderator may lock the room, and nothing else: the writer looks closer.
            Route("PUT", f"{scope}/policy", moderate, self.set_policy),
            Route("POST", f"{scope}/restrictions", moderate, self.restrict),
            Route("GET", f"{scope}/restrictions", moderate, self.restrictions),
            Route("DELETE", f"{scope}/restrictions/{{restriction}}", moderate, self.lift),
            Route("GET", f"{scope}/audit", moderate, self.audit),
        ]

    async def members(self, request: web.Request) -> web.StreamResponse:
        place = await self._place(request)
        everyone = cast(Role, NAME_OF_ROLE[place.standing.rules.everyone])
        return await self._if_still_allowed(request, Members(await self.node.reads.access.members(place.key), everyone))

    async def grant(self, request: web.Request) -> web.StreamResponse:
        place, new = await self._place(request), await json_of(request, NewRole)
        member = request.match_info["member"]
        whom = target(identity=member) if IDENTITY.fullmatch(member) else target(name=member)
        at = self.node.now()
        return await self._rule(
            request,
            Grant(place.id, at, place.standing.who, whom, ROLES[new.role], ends_at(at, new.expires_in)),
        )

    async def policy(self, request: web.Request) -> web.StreamResponse:
        rules = (await self._place(request)).standing.rules
        topic: Literal["member", "moderator"] = "moderator" if rules.topic >= MODERATOR else "member"
        everyone = cast(Literal["nobody", "reader", "poster", "member"], NAME_OF_ROLE[rules.everyone])
        has = bool(rules.password)
        return answer(Policy(everyone, rules.locked, topic, rules.slow / 1000, has_password=has))

    async def set_policy(self, request: web.Request) -> web.StreamResponse:
        place, new = await self._place(request), await json_of(request, Policy)
        everyone = None if new.everyone is None else ROLES[new.everyone]
        topic = None if new.topic is None else ROLES[new.topic]
        slow = None if new.slow is None else round(new.slow * 1000)
        password = None if new.password is None else await self._hashed(request, place, new.password)
        who = place.standing.who
        return await self._rule(
            request, SetPolicy(place.id, self.node.now(), who, everyone, new.locked, topic, slow, password)
        )

    async def _hashed(self, request: web.Request, place: Place, password: str) -> str:
        """What is stored for a room's new password; empty for none. Nothing is hashed for those who may not set it."""
        if place.id == SERVER:
            raise Refused("bad_request", "The server has no password; rooms have.")
        refusal = place.standing.refusal(Action.RULE, self.node.now())
        if refusal is not None:
            raise refused(refusal)
        if not password:
            return ""
        fit = prepared(password)
        if fit is None:
            raise Refused("bad_request", "A password has 8 to 128 bytes, and no control characters.")
        self._may_post(request)
        return await self._hashing.hashed(fit)

    async def restrict(self, request: web.Request) -> web.StreamResponse:
        place, new = await self._place(request), await json_of(request, NewRestriction)
        at = self.node.now()
        until, address = ends_at(at, new.expires_in), ""
        whom, one = await target_of(self.node, place.key, new.name, new.identity, new.of)
        authors = self._authors(place, whom, one)
        proxies = request.app[TRUSTED_PROXIES]
        if new.address:
            address = bannable(new.address, proxies)
            if not address:
                raise Refused("bad_request", "Give an address that is neither this machine's own nor a proxy's.")
        addresses = {address} if address else set()
        if not address and new.act == "ban":
            addresses = {bannable(each, proxies) for each in self._addresses(place, authors)} - {""}
        authors |= self.node.recent_authors.from_addresses(place.id, addresses)
        if not authors and whom.name:
            authors = {(b"", whom.name)}  # all who used it
        soon = at + ADDRESS_MS
        entry = Restrict(
            place.id, at, place.standing.who, new_public_id(), whom, OWNER if new.act == "ban" else POST, until,
            tuple(sorted(addresses)), 0 if address else min(until or soon, soon), new.reason,
            tuple(sorted(authors)[:MOST_AUTHORS]),
        )  # fmt: skip
        self._may_post(request)
        await committed(self.node, entry)
        made = [one for one in await self.node.reads.access.restrictions(place.key) if one.id == entry.id]
        return answer(made[0], 201) if made else web.Response(status=204)

    async def restrictions(self, request: web.Request) -> web.StreamResponse:
        place = await self._place(request)
        restrictions = await self.node.reads.access.restrictions(place.key)
        return await self._if_still_allowed(request, Restrictions(restrictions))

    async def lift(self, request: web.Request) -> web.StreamResponse:
        place = await self._place(request)
        return await self._rule(
            request, Lift(place.id, self.node.now(), place.standing.who, request.match_info["restriction"])
        )

    async def kick(self, request: web.Request) -> web.StreamResponse:
        place, new = await self._place(request), await json_of(request, NewKick)
        whom, _ = await target_of(self.node, place.key, new.name, "", new.of)
        return await self._rule(request, Kick(place.id, self.node.now(), place.standing.who, whom, new.reason))

    async def audit(self, request: web.Request) -> web.StreamResponse:
        place = await self._logged_place(request)
        before, after = number(request, "before"), number(request, "after")
        if before is not None and after is not None:
            raise Refused("bad_request", "Give after or before, not both.")
        entries = await self.node.reads.access.audit(place.key, before or 0, after)
        await self._logged_place(request)
        return answer(Audit(entries))

    async def _logged_place(self, request: web.Request) -> Place:
        """The scope; for administrators also a room that is forgotten, but for its audit log."""
        try:
            return await self._place(request)
        except Refused as refusal:
            if refusal.code != "room_not_found":
                raise
            standing = await self.node.reads.standing(await principal_of(self.node, request))
            room_id = request.match_info["room"]
            key = await self.node.reads.access.purged(room_id)
            if key is None or standing.refusal(Action.ADMINISTER, self.node.now()) is not None:
                raise
            return Place(room_id, key, standing)

    # --- the scope, and those whom a ruling is about -----------------------------------------------------------

    async def _place(self, request: web.Request) -> Place:
        return await find_place(self.node, request)

    async def _if_still_allowed(self, request: web.Request, read: object) -> web.StreamResponse:
        """The answer with what was read, unless the one who asks has lost the right to it meanwhile."""
        await self._place(request)
        return answer(read)

    async def _rule(self, request: web.Request, entry: Ruling) -> web.StreamResponse:
        self._may_post(request)
        await committed(self.node, entry)
        return web.Response(status=204)

    def _authors(self, place: Place, whom: Target, one: Author | None) -> set[Author]:
        """The identities that a ruling's target is known to have."""
        if one is not None:
            return {one}
        return {author(who.identity, who.name) for who in self._connected(place) if _is_called(who, whom)}

    def _addresses(self, place: Place, authors: set[Author]) -> set[str]:
        """The addresses from which they are connected right now, or were within the last hour."""
        recent = [self.node.recent_authors.addresses_of(place.id, one) for one in authors]
        now = {who.address for who in self._connected(place) if author(who.identity, who.name) in authors}
        return now.union(*recent)

    def _connected(self, place: Place) -> list[Principal]:
        return [session.who for session in self.node.sessions if place.id in (SERVER, session.room_id)]


def _is_called(who: Principal, target: Target) -> bool:
    """Whether a target that is only a name may be ``who``."""
    return who.name_key == target.name_key != "" or who.skeleton == target.skeleton != ""
