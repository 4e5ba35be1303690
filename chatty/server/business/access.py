"""The one decision about rights: `Standing.refusal`, which the writer, the readers and the event loop ask.

Nothing here reads a clock: ``at``, the time of the entry or the request, comes in, in milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from msgspec import Struct

from chatty.server.business.entries import Rejection
from chatty.server.business.rights import (
    MEMBER,
    MODERATE,
    MODERATOR,
    NOBODY,
    OPEN,
    OWN,
    OWNER,
    POST,
    READ,
    SERVER,
    Access,
    Grant,
    Principal,
    Rights,
    Token,
    Trust,
    has_ended,
)
from chatty.server.business.state import Decided, Room, Scope, server_of


class Action(Enum):
    """Something to be allowed, as it is called in docs/access.md."""

    SEE = "see the room: its info, who is there, history, search, the stream of events"
    JOIN = "be in it, under a name"
    POST = "post"
    CONVERSE = "reply, edit one's own messages, react, be renamed, show that one types"
    DELETE = "delete one's own messages"
    TOPIC = "set the topic, unless only moderators may"
    MODERATE = "kick, mute, ban, lock, slow down; delete what others wrote; see members, restrictions and the audit log"
    ADMIT = "make somebody a reader, poster or member"
    RULE = "make somebody a moderator or owner; change the policy; close the room"
    CREATE = "create rooms"
    ADMINISTER = "issue tokens for others and revoke them; the server's members, restrictions and policy"


NEEDS: Final[Mapping[Action, Rights]] = {
    Action.SEE: READ,
    Action.JOIN: READ,
    Action.POST: POST,
    Action.CONVERSE: MEMBER,
    Action.DELETE: NOBODY,  # any right at all
    Action.TOPIC: MEMBER,
    Action.MODERATE: MODERATE,
    Action.ADMIT: MODERATE,
    Action.RULE: OWN,
    Action.CREATE: MEMBER,
    Action.ADMINISTER: OWN,
}
"""The rights that each action needs."""


class Standing(Struct, frozen=True):
    """Everything that somebody's rights in one scope follow from.

    ``scope`` is the room's id, or `SERVER`; ``rules`` are the scope's, and
    ``server_rules`` the server's. ``token`` is the row of the principal's token,
    if it showed one. ``owns``: it showed the room's owner token. ``known``: some
    row speaks for it anywhere. To others, a server that lets nobody in says that
    it wants credentials, whatever they ask for.
    """

    who: Principal
    scope: str = SERVER
    rules: Access = OPEN
    server_rules: Access = OPEN
    in_scope: Grant | None = None
    in_server: Grant | None = None
    token: Token | None = None
    owns: bool = False
    known: bool = True

    def administers(self, at: int) -> bool:
        """Whether the principal owns the server."""
        return self.who.trust is Trust.OPERATOR or self._granted(self.in_server, at) == OWNER

    def role(self, at: int) -> Rights:
        """The role of the principal, before anything is taken away."""
        if self.owns or self.administers(at):
            return OWNER
        in_scope = self.granted(at)
        if in_scope is not None:
            return in_scope
        here = self._role_on_server(at)
        if self.scope == SERVER:
            return here
        return self.rules.everyone if here & READ else NOBODY

    def _role_on_server(self, at: int) -> Rights:
        in_server = self._granted(self.in_server, at)
        return self.server_rules.everyone if in_server is None else in_server

    def granted(self, at: int) -> Rights | None:
        """The role that the principal was given in the scope itself, or None if it was given none."""
        return self._granted(self.in_scope, at)

    def rights(self, at: int) -> Rights:
        """Everything that the principal may do."""
        if self.has_invalid_token(at):
            return NOBODY
        role = self.role(at)
        rights = self._limited(role, self.scope) & ~self._taken(role, at)
        return rights & ~POST if self.rules.locked and role < MODERATOR else rights

    def refusal(self, action: Action, at: int, whom: Rights = NOBODY) -> Rejection | None:
        """Why the principal may not do ``action``, or None if it may.

        ``whom`` is the role of somebody else that this is done to. It has to be
        lower than one's own, but for administrators. A token acts as what it is
        limited to, whatever its bearer is.
        """
        if self.has_invalid_token(at):
            return Rejection("unauthorized", "This token is not valid, or no longer.")
        rights = self.rights(at)
        needed = _needed(self.rules, action)
        if not rights or rights & needed != needed:
            return self._why_not(needed, at)
        is_above = self.administers(at) and self._limited(OWNER, SERVER) == OWNER
        if whom and whom >= self._limited(self.role(at), self.scope) and not is_above:
            return Rejection("not_allowed", "This needs a higher role than the one it concerns.")
        return None

    def changes_at(self, at: int) -> int:
        """When the rights may change by themselves, because something ends: the next such moment, or 0."""
        return min((until for until in self._ends() if until > at), default=0)

    def _ends(self) -> Iterator[int]:
        for row in (self.in_scope, self.in_server):
            if row is not None:
                yield row.until
        if self.token is not None:
            yield self.token.expires_at
        for rules in (self.rules, self.server_rules):
            yield from (one.until for one in rules.restrictions if one.holds_for(self.who))

    def _granted(self, grant: Grant | None, at: int) -> Rights | None:
        if grant is None or self.who.trust < Trust.KEY or has_ended(grant.until, at):
            return None
        return grant.role

    def has_invalid_token(self, at: int) -> bool:
        """Whether the principal showed a token that doesn't count, or no longer."""
        return bool(self.who.token) and (self.token is None or not self.token.is_valid(at))

    def is_shut_out(self, at: int) -> bool:
        """Whether nothing is left to the principal, also when nobody is muted and nothing is locked."""
        role = self.role(at)
        return self.has_invalid_token(at) or not self._limited(role, self.scope) or self.is_banned(at)

    def _limited(self, role: Rights, scope: str) -> Rights:
        return role & self.token.limit(scope) if self.token else role

    def is_banned(self, at: int) -> bool:
        """Whether a restriction keeps the principal out, whatever else it has."""
        return bool(self._taken(self.role(at), at) & READ)

    def _taken(self, role: Rights, at: int) -> Rights:
        # To rule in a room doesn't exempt from what holds on the whole server.
        on_server = OWNER if self.administers(at) else self._role_on_server(at)
        return self.server_rules.taken(self.who, on_server, at) | self.rules.taken(self.who, role, at)

    def _why_not(self, needed: Rights, at: int) -> Rejection:
        """The refusal tells nobody that a room exists who could neither see it nor post before."""
        role = self.role(at)
        limited = self._limited(role, self.scope)
        if not limited:
            return self.nothing_here()
        if self.is_banned(at):
            return Rejection("banned")
        if needed & ~limited:
            return Rejection("not_allowed")
        return Rejection("muted" if self._taken(role, at) & POST else "room_locked")

    def nothing_here(self) -> Rejection:
        """The refusal where there is nothing, or nothing that the principal may know of. It must be the same."""
        if not self.server_rules.everyone & READ and not self.known:
            return Rejection("unauthorized")
        return Rejection("room_not_found") if self.scope != SERVER else Rejection("not_allowed")


def standing(scope: Scope, who: Principal) -> Standing:
    """The standing of ``who`` in ``scope``, as far as its rows are loaded."""
    server = server_of(scope)
    return Standing(
        who,
        scope.id,
        scope.access,
        server.access,
        scope.grants.get(who.identity),
        server.grants.get(who.identity),
        server.tokens.get(who.token) if who.token else None,
        isinstance(scope, Room) and shows_owner(scope.owner, who),
        server.knows,
    )


def refusal(scope: Scope, who: Principal, action: Action, at: int) -> Rejection | None:
    """Why ``who`` may not do ``action`` in ``scope``, or None if it may."""
    return standing(scope, who).refusal(action, at)


def may_talk_freely(room: Room, who: Principal, at: int) -> bool:
    """Whether one look tells that nothing keeps ``who`` from saying anything: this is the path of every message.

    Nobody has made rules, or the rights of ``who`` are remembered. A token that doesn't count has none.
    """
    if room.expires_at or room.closed_at:
        return False
    if not who.token and room.access is OPEN and room.server.access is OPEN:
        return True
    known = remembered(room, who, at)
    if known is None or known.rights & MEMBER != MEMBER:
        return False
    return not room.access.slow or known.rights & MODERATE != 0


def shows_itself(room: Room, who: Principal, at: int) -> bool:
    """Whether the credential of ``who`` still shows who it is: a token may have ended or been revoked."""
    if not who.token:
        return True
    token = room.server.tokens.get(who.token)
    return token is not None and token.is_valid(at)


def remembered(scope: Scope, who: Principal, at: int) -> Decided | None:
    """The rights of ``who`` in ``scope``, if they are remembered and are the same at ``at``."""
    known = scope.decided.get((who.identity, who.trust, who.token, who.name, who.address))
    # An entry's time may be before that of the one before it.
    if known is None or known.since > at or 0 < known.until <= at or known.rulings != server_of(scope).rulings:
        return None
    return known


def remember(scope: Scope, who: Principal, at: int) -> None:
    """Remember the rights of ``who`` in ``scope``, whose rows are loaded, for the entries that follow."""
    own = standing(scope, who)
    known = Decided(server_of(scope).rulings, at, own.changes_at(at), own.rights(at))
    scope.decided[who.identity, who.trust, who.token, who.name, who.address] = known


def _needed(access: Access, action: Action) -> Rights:
    return MODERATOR if action is Action.TOPIC and access.topic >= MODERATOR else NEEDS[action]


def shows_owner(owner: bytes, who: Principal) -> bool:
    """Whether ``who`` showed the owner token with the hash ``owner``."""
    return who.trust is Trust.KEY and len(owner) > len(who.identity) and owner.startswith(who.identity)
