"""The rules of a room, or of the server, over HTTP: roles, the policy, invitations, bans and mutes."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

from msgspec.structs import replace

from chatty import protocol
from chatty.access import (
    Admission,
    Admitted,
    Audit,
    AuditEntry,
    Deleted,
    InvitationInfo,
    Invitations,
    MadeInvitation,
    Members,
    NewDeletion,
    NewInvitation,
    NewKick,
    NewRestriction,
    NewRole,
    Policy,
    RestrictionInfo,
    Restrictions,
    Role,
)
from chatty.client.network.address import room_path
from chatty.client.requests import Requests

__all__ = ["Rules"]

T = TypeVar("T")


class Rules:
    """The rules of the room ``room_id``, or without one of the server itself. See docs/access.md.

    A method raises what `Http` does: `Refused` with ``not_allowed``,
    ``room_not_found`` or ``unauthorized`` if the client may not do it.
    """

    def __init__(self, http: Requests, room_id: str | None = None) -> None:
        self._http = http
        self._path = "/v1/server" if room_id is None else room_path(room_id)

    async def members(self) -> Members:
        """Everybody with a role of their own, the highest first, and the role of all others."""
        return await self._ask("GET", "/members", Members)

    async def set_role(self, member: str, role: Role, expires_in: float | None = None) -> None:
        """Gives ``role`` to a name, or to an identity of `members`, for ``expires_in`` seconds or for good."""
        await self._ask("PUT", f"/members/{quote(member, safe='')}", None, NewRole(role, expires_in))

    async def policy(self) -> Policy:
        """The rules for everybody."""
        return await self._ask("GET", "/policy", Policy)

    async def set_policy(self, policy: Policy) -> None:
        """Changes the fields that ``policy`` has."""
        await self._ask("PUT", "/policy", None, policy)

    async def invite(self, new: NewInvitation) -> MadeInvitation:
        """Makes an invitation, whose secret is shown this once."""
        return await self._ask("POST", "/invitations", MadeInvitation, new)

    async def invitations(self) -> list[InvitationInfo]:
        """The invitations that have not ended, the newest first, without their secrets."""
        return (await self._ask("GET", "/invitations", Invitations)).invitations

    async def uninvite(self, invitation_id: str, *, members: bool = False) -> None:
        """Revokes the invitation with this public id; with ``members``, also takes away the roles that it gave."""
        params = {"members": "true"} if members else {}
        await self._ask("DELETE", f"/invitations/{quote(invitation_id, safe='')}", None, params=params)

    async def accept(self, invitation: str, *, name: str = "") -> Admitted:
        """Exchanges an invitation for a role, which the client's key or token has from then on.

        ``name`` is what the list of members says. Refused with ``not_admitted`` if it doesn't count, or no longer.
        """
        return await self._ask("POST", "/admission", Admitted, Admission(invitation=invitation, name=name))

    async def admit(self, password: str, *, name: str = "") -> Admitted:
        """The same for the room's password."""
        return await self._ask("POST", "/admission", Admitted, Admission(password=password, name=name))

    async def restrict(self, new: NewRestriction) -> RestrictionInfo:
        """Bans or mutes somebody."""
        return await self._ask("POST", "/restrictions", RestrictionInfo, new)

    async def restrictions(self) -> list[RestrictionInfo]:
        """All bans and mutes, the newest first."""
        return (await self._ask("GET", "/restrictions", Restrictions)).restrictions

    async def lift(self, restriction_id: str) -> None:
        """Ends a ban or a mute."""
        await self._ask("DELETE", f"/restrictions/{quote(restriction_id, safe='')}", None)

    async def kick(self, new: NewKick) -> None:
        """Sends somebody out of the room, who may come back."""
        await self._ask("POST", "/kick", None, new)

    async def delete(self, new: NewDeletion) -> Deleted:
        """Deletes messages of others, as many as there are: it asks again until there are no more."""
        deleted = kept = 0
        while True:
            done = await self._ask("POST", "/deletions", Deleted, new)
            deleted, kept = deleted + done.deleted, kept + done.kept
            if done.before is None or (new.before and done.before >= new.before):
                return Deleted(deleted, kept)
            new = replace(new, before=done.before)

    async def audit(self, before: int | None = None, after: int | None = None) -> list[AuditEntry]:
        """What was ruled, the newest first; with ``before``, the entries with smaller numbers.

        With ``after``, those with larger numbers, the oldest first.
        """
        numbers = {"before": before, "after": after}
        params = {name: str(number) for name, number in numbers.items() if number is not None}
        return (await self._ask("GET", "/audit", Audit, params=params)).entries

    async def _ask(self, method: str, path: str, answer: type[T] | None, body: Any = None, **request: Any) -> T:
        if body is not None:
            request["data"] = protocol.encode(body)
        return await self._http.request(method, self._path + path, answer, **request)
