"""The rules about invitations and passwords: what lets somebody into a room that nobody gave a role to by hand.

Both are exchanged once, for a grant; after that only the grant counts.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chatty.server.business import entries, facts
from chatty.server.business.access import Action, Standing, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.granting import granting
from chatty.server.business.holders import anothers, reserving
from chatty.server.business.outcomes import NOTHING, Outcome, is_over
from chatty.server.business.rights import (
    MEMBER,
    NAME_OF_ROLE,
    NOBODY,
    PASSWORD,
    Invitation,
    Principal,
    Rights,
    Trust,
    has_ended,
)
from chatty.server.business.state import Room, Scope, server_of
from chatty.server.business.whom import Whom, by, role_of, where

NOT_ADMITTED: Final = Rejection("not_admitted")
"""The one answer to everything that lets nobody in: it tells neither which rooms there are, nor what would."""


def invite(scope: Scope, entry: entries.Invite) -> Outcome:
    """Make an invitation, which ends with the token that makes it."""
    who, own, server = entry.who, standing(scope, entry.who), server_of(scope)
    refused = _may_not_invite(scope, own, entry.role, entry.name, entry.at)
    if refused is not None:
        return refused
    if who.trust < Trust.KEY:
        return Rejection("not_allowed", "An invitation needs somebody who invites: use a longer key, or a token.")
    if server.invitations.get(entry.id) is not None:
        return Rejection("internal", "An invitation with this id exists already.")
    if entry.name:
        if server.names.get(entry.name_key) is not None:
            return Rejection("name_taken", f"The name {entry.name!r} is reserved already; choose another one.")
        nobody = Principal(b"", Trust.NONE, entry.name, entry.name_key, skeleton=entry.skeleton)
        if (refused := anothers(server, nobody)) is not None:
            return refused
    ends = (entry.until, own.token.expires_at if own.token else 0)
    until = min(filter(None, ends), default=0)
    made = Invitation(
        entry.id, scope.id, entry.role, entry.uses, until, who.identity, who.token, by(who), entry.name, entry.name_key,
        entry.skeleton,
    )  # fmt: skip
    what = f"invited {NAME_OF_ROLE[entry.role]} by {entry.id}"
    return (facts.Invited(made, entry.hash, entry.at), facts.Audited(entry.at, made.by, what, entry.name, until))


def _may_not_invite(scope: Scope, own: Standing, role: Rights, name: str, at: int) -> Rejection | None:
    """Why somebody may not invite to ``role`` in ``scope``, under a ``name`` or none."""
    refused = own.refusal(_needed(scope, role), at)
    if refused is not None:
        return refused
    if not role or role & ~own.rights(at):
        return Rejection("not_allowed", "An invitation can't be worth more than the one who invites.")
    if name:  # it is reserved in every room
        on_server = standing(server_of(scope), own.who)
        if on_server.refusal(Action.ADMINISTER, at) is not None:
            return Rejection("not_allowed", "Only administrators say what somebody is called; invite without a name.")
    return None


def _needed(scope: Scope, role: Rights) -> Action:
    return where(scope, Action.ADMIT if role <= MEMBER else Action.RULE)


def uninvite(scope: Scope, entry: entries.Uninvite) -> Outcome:
    """End an invitation, and if that is wanted, what it has given."""
    one = server_of(scope).invitations.get(entry.id)
    here = one if one is not None and one.room == scope.id else None
    given = sorted(identity for identity, grant in scope.grants.items() if grant and grant.via == entry.id)
    highest = max((role_of(scope, identity, entry.at) for identity in given), default=NOBODY)
    needed = _needed(scope, here.role) if here else where(scope, Action.ADMIT)
    refused = standing(scope, entry.who).refusal(needed, entry.at, highest if entry.members else NOBODY)
    if refused is not None:
        return refused
    # The members may be taken away later, too, when the invitation itself is over.
    if here is None and not (entry.members and given):
        return Rejection("target_not_found", "There is no invitation with this id.")
    found: list[facts.Fact] = [facts.Uninvited(entry.id)] if here else []
    what = f"revoked invitation {entry.id}"
    if entry.members:
        found += [facts.Granted(identity, NOBODY, 0, "", by(entry.who)) for identity in given]
        what += f" and took the role from {len(given)}"
    return (*found, facts.Audited(entry.at, by(entry.who), what))


def admit(scope: Scope, entry: entries.Admit) -> Outcome:
    """Give the one who asks what an invitation or the password is worth. Nobody ever has less by it than before."""
    who = entry.who
    if who.trust not in (Trust.KEY, Trust.VERIFIED):
        return nobody_to_admit(who)
    own = standing(scope, who)
    if own.has_invalid_token(entry.at):
        return Rejection("unauthorized", "This token is not valid, or no longer.")
    one = _valid(scope, entry) if entry.invitation else None
    if one is None and not (entry.password and isinstance(scope, Room) and scope.access.password == entry.password):
        return NOTHING if _was_admitted(scope, entry) else NOT_ADMITTED
    if isinstance(scope, Room) and is_over(scope, entry.at):
        return Rejection("room_closed")
    if own.is_banned(entry.at):
        return Rejection("banned")
    if own.token is not None and not own.token.limit(scope.id):
        return Rejection("not_allowed", "This token counts in another room alone; use your key, or another token.")
    role, via = (one.role, one.id) if one else (MEMBER, PASSWORD)
    names = _named(scope, who, one)
    if isinstance(names, Rejection):
        return names
    if not names and _is_enough(scope, own, role, via, entry.at):
        return NOTHING
    return (*names, *_admission(scope, entry, own, one, role, via))


def nobody_to_admit(who: Principal) -> Rejection:
    """Why ``who`` can't be given anything: it couldn't be told from others."""
    if who.trust is Trust.OPERATOR:
        return Rejection("not_allowed", "The server's operator may do everything already.")
    needed = "a key of at least 32 characters, or a token"
    if who.trust is Trust.NONE:
        return Rejection("unauthorized", f"What you are given here is kept for your credential: send {needed}.")
    return Rejection("not_allowed", f"This key is short enough to be guessed, so it is given nothing: send {needed}.")


def _admission(
    scope: Scope, entry: entries.Admit, own: Standing, one: Invitation | None, role: Rights, via: str
) -> list[facts.Fact]:
    who, has = entry.who, own.granted(entry.at) or NOBODY
    name = one.name if one and one.name else who.name
    whom = Whom(who.identity, name, one.name_key if one and one.name else who.name_key)
    found: list[facts.Fact] = [facts.Used(one.id, one.uses - 1)] if one else []
    if not _is_enough(scope, own, role, via, entry.at):
        found += granting(scope, whom, role | has, 0, one.by if one else PASSWORD, via)
    what = f"accepted invitation {one.id}" if one else "gave the password"
    return [*found, facts.Audited(entry.at, by(who), what, name)]


def _valid(scope: Scope, entry: entries.Admit) -> Invitation | None:
    """The invitation, if it counts: it is to this scope, neither used up nor over, and its maker still may invite."""
    one = server_of(scope).invitations.get(entry.invitation)
    if one is None or one.room != scope.id or one.uses < 1 or has_ended(one.until, entry.at):
        return None
    maker = standing(scope, one.maker)
    return one if _may_not_invite(scope, maker, one.role, one.name, entry.at) is None else None


def _was_admitted(scope: Scope, entry: entries.Admit) -> bool:
    """Whether the one who asks has accepted the invitation before, and asks again, perhaps for want of an answer."""
    one, identity = server_of(scope).invitations.get(entry.invitation), entry.who.identity
    if one is None or one.room != scope.id:
        return False
    grant, holder = scope.grants.get(identity), server_of(scope).names.get(one.name_key)
    has_role = grant is not None and grant.via == one.id and not has_ended(grant.until, entry.at)
    return has_role or (holder is not None and holder.identity == identity)


def _is_enough(scope: Scope, own: Standing, role: Rights, via: str, at: int) -> bool:
    """Whether the one who asks has as much already, or came in by the same way and was given less since."""
    grant = scope.grants.get(own.who.identity)
    given = own.granted(at)
    if grant is not None and given is not None and (grant.via == via or not role & ~given):
        return True
    # What everyone may do for now may change, so as much as that is given. Less would take something away.
    now = own.role(at)
    return given is None and role != now and not role & ~now


def _named(scope: Scope, who: Principal, one: Invitation | None) -> list[facts.Fact] | Rejection:
    """The name that is reserved with the admission, if there is one."""
    server = server_of(scope)
    if one is None or not one.name:
        return (anothers(server, who) if who.name else None) or []
    holder = server.names.get(one.name_key)
    if holder is not None:
        if holder.identity == who.identity:
            return []
        return Rejection("name_taken", f"The name {one.name!r} is reserved for somebody else by now.")
    if server.called.get(who.identity) is not None:
        return Rejection("not_allowed", "You have a reserved name already, and this invitation is for another one.")
    named = replace(who, name=one.name, name_key=one.name_key, skeleton=one.skeleton)
    reserved = reserving(server, named)
    return reserved if isinstance(reserved, Rejection) else [reserved]
