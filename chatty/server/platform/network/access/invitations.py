"""The handlers for invitations, and for the one door at which they and passwords are exchanged for a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from aiohttp import web

from chatty.access import Admission, Admitted, Invitations, MadeInvitation, NewInvitation, Role
from chatty.credentials import is_invitation, new_invitation, new_public_id
from chatty.errors import Refused
from chatty.events import rfc3339
from chatty.server.business.access import Action
from chatty.server.business.entries import Admit, Duplicate, Invite, Rejection, Ruling, Uninvite
from chatty.server.business.facts import Invited
from chatty.server.business.inviting import NOT_ADMITTED, nobody_to_admit
from chatty.server.business.outcomes import Facts
from chatty.server.business.rights import NAME_OF_ROLE, ROLES, SERVER, Principal, Trust
from chatty.server.platform.network.access.credentials import invitation_hash, principal_of
from chatty.server.platform.network.access.passwords import Guesses, Hashing, prepared
from chatty.server.platform.network.access.routes import (
    OPEN,
    CheckedName,
    Route,
    committed,
    ends_at,
    find_place,
    json_of,
    participant_name,
    speaking,
)
from chatty.server.platform.network.addresses import address_of
from chatty.server.platform.network.responses import answer, refused
from chatty.server.platform.pipeline.node import Node

_LONGEST_ID: Final = 64
"""Characters of an id that could be a room's: how often it was tried is remembered by it."""


class InvitationHandlers:
    """The handlers, each for a room and the server. ``may_post`` raises Refused where too much comes at once."""

    def __init__(self, node: Node, may_post: Callable[[web.Request], None], hashing: Hashing) -> None:
        self.node = node
        self._may_post = may_post
        self._hashing = hashing
        self._guesses = Guesses(node.settings.password_tries)

    def routes(self) -> list[Route]:
        """The addresses of invitations. Anybody may try to be admitted: the answer tells nothing about the room."""
        return [
            *self._routes("/v1/rooms/{room}", Action.MODERATE),
            *self._routes("/v1/server", Action.ADMINISTER),
        ]

    def _routes(self, scope: str, moderate: Action) -> list[Route]:
        return [
            Route("POST", f"{scope}/invitations", moderate, self.invite),
            Route("GET", f"{scope}/invitations", moderate, self.invitations),
            Route("DELETE", f"{scope}/invitations/{{invitation}}", moderate, self.uninvite),
            Route("POST", f"{scope}/admission", OPEN, self.admit),
        ]

    async def invite(self, request: web.Request) -> web.StreamResponse:
        place, new = await find_place(self.node, request), await json_of(request, NewInvitation)
        if new.name and new.uses > 1:
            raise Refused("bad_request", "A name is for one: an invitation with a name has one use.")
        name, name_key, skeleton = participant_name(new.name) if new.name else CheckedName()
        at, secret = self.node.now(), new_invitation()
        entry = Invite(
            place.id, at, place.standing.who, new_public_id(), invitation_hash(secret), ROLES[new.role], new.uses,
            ends_at(at, new.expires_in), name, name_key, skeleton,
        )  # fmt: skip
        outcome = await self._commit(request, entry)
        assert isinstance(outcome, tuple)
        made = next(fact for fact in outcome if isinstance(fact, Invited)).invitation
        until = rfc3339(made.until) if made.until else None
        info = MadeInvitation(
            id=made.id, role=new.role, uses=made.uses, by=made.by, at=rfc3339(at), until=until, name=name,
            invitation=secret,
        )  # fmt: skip
        return answer(info, 201)

    async def invitations(self, request: web.Request) -> web.StreamResponse:
        place = await find_place(self.node, request)
        found = await self.node.reads.access.invitations(place.id, self.node.now())
        await find_place(self.node, request)  # somebody may have lost the right to it meanwhile
        return answer(Invitations(found))

    async def uninvite(self, request: web.Request) -> web.StreamResponse:
        place, members = await find_place(self.node, request), request.query.get("members", "false")
        if members not in ("true", "false"):
            raise Refused("bad_request", "members is true or false.")
        who, invitation = place.standing.who, request.match_info["invitation"]
        await self._commit(request, Uninvite(place.id, self.node.now(), who, invitation, members == "true"))
        return web.Response(status=204)

    # --- the door -----------------------------------------------------------------------------------------------

    async def admit(self, request: web.Request) -> web.StreamResponse:
        """What somebody shows is looked at before the room, and whatever is wrong with it, the answer is the same."""
        who, room_id = await principal_of(self.node, request), request.match_info.get("room", SERVER)
        if who.trust not in (Trust.KEY, Trust.VERIFIED):
            raise refused(nobody_to_admit(who))
        shown = await json_of(request, Admission)
        if bool(shown.invitation) == bool(shown.password):
            raise Refused("bad_request", "Show an invitation, or a room's password.")
        if shown.name:
            who = speaking(who, shown.name)
        if len(room_id) > _LONGEST_ID:
            raise refused(NOT_ADMITTED)
        with self.node.metrics.signing_in("invitation" if shown.invitation else "password"):
            if shown.invitation:
                entry = await self._by_invitation(room_id, who, shown.invitation.strip())
            else:
                entry = await self._by_password(request, room_id, who, shown.password)
            await self._commit(request, entry)
        return answer(await self._admitted(room_id, who))

    async def _by_invitation(self, room_id: str, who: Principal, secret: str) -> Admit:
        if not is_invitation(secret):  # as with tokens, a typing error is seen without a look at the store
            raise refused(NOT_ADMITTED)
        known = await self.node.fresh(lambda: self.node.reads.access.invitation(invitation_hash(secret)), bool)
        if not known:
            raise refused(NOT_ADMITTED)
        return Admit(room_id, self.node.now(), who, invitation=known)

    async def _by_password(self, request: web.Request, room_id: str, who: Principal, password: str) -> Admit:
        fit, address, at = prepared(password), address_of(request), self.node.loop.time()
        if fit is None or room_id == SERVER:
            raise refused(NOT_ADMITTED)
        stored = await self.node.reads.access.password(room_id)
        self._guesses.begin(room_id, address, at)
        try:
            matches = await self._hashing.matches(stored, fit)
            if not matches and await self.node.log.barrier():
                before, stored = stored, await self.node.reads.access.password(room_id)
                matches = stored != before and await self._hashing.matches(stored, fit)
        except Refused:  # nothing was checked
            self._guesses.take_back(room_id, address, at)
            raise
        if not matches:
            raise refused(NOT_ADMITTED)
        self._guesses.take_back(room_id, address, at)
        return Admit(room_id, self.node.now(), who, password=stored)

    async def _admitted(self, room_id: str, who: Principal) -> Admitted:
        """What somebody is who was let in."""
        at, reads = self.node.now(), self.node.reads
        name = await reads.access.name_of(who.identity)
        if room_id == SERVER:
            return Admitted(cast(Role, NAME_OF_ROLE[(await reads.standing(who)).role(at)]), name=name)
        view = await reads.enter(room_id, who, Action.DELETE, at)
        if isinstance(view, Rejection):  # a ruling came in between
            raise refused(view)
        return Admitted(cast(Role, NAME_OF_ROLE[view.standing.role(at)]), view.info.id, view.info.name, name)

    async def _commit(self, request: web.Request, entry: Ruling) -> Facts | Duplicate:
        self._may_post(request)
        return await committed(self.node, entry)
