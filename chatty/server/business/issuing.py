"""The rules about tokens: who issues them, for whom, and who revokes them."""

from __future__ import annotations

from chatty.server.business import entries, facts
from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.granting import granting
from chatty.server.business.holders import reserving
from chatty.server.business.outcomes import NOTHING, Outcome
from chatty.server.business.rights import NOBODY, SERVER, Principal, Token, Trust
from chatty.server.business.state import Scope, server_of
from chatty.server.business.whom import Whom, by, is_missing


def issue(scope: Scope, entry: entries.Issue) -> Outcome:
    """Issue a token: to a name, which is reserved with it, or to the one who asks."""
    server, who, at = server_of(scope), entry.who, entry.at
    if server.tokens.get(entry.id) is not None:
        return Rejection("internal", "A token with this id exists already.")
    refused = _not_for_others(scope, who, at) if entry.name else _not_for_oneself(scope, entry)
    if refused is not None:
        return refused
    found: list[facts.Fact] = []
    identity, cap = who.identity, entry.cap
    if not entry.name:
        cap = cap or standing(scope, who).rights(at)
    else:
        holder = server.names.get(entry.name_key)
        identity = entry.identity if holder is None else holder.identity
        if holder is None and server.called.get(identity) is not None:
            return Rejection("internal", "This identity has another name.")
        if holder is None:
            named = Principal(identity, Trust.VERIFIED, entry.name, entry.name_key, skeleton=entry.skeleton)
            reserved = reserving(server, named)
            if isinstance(reserved, Rejection):
                return reserved
            found.append(reserved)
        found += _granted_too(scope, entry, identity)
    token = Token(entry.id, identity, cap, scope.id, entry.expires_at)
    found.append(facts.Issued(token, entry.hash, entry.label, by(who), at))
    what = f"issued token {entry.id}"
    return (*found, facts.Audited(at, by(who), what, entry.name, entry.expires_at, entry.label))


def _not_for_others(scope: Scope, who: Principal, at: int) -> Rejection | None:
    """Why somebody can't issue tokens for a name. It is the same whether there is such a room or not."""
    own = standing(server_of(scope), who)
    return own.refusal(Action.ADMINISTER, at) or (Rejection("room_not_found") if is_missing(scope) else None)


def _not_for_oneself(scope: Scope, entry: entries.Issue) -> Rejection | None:
    """Why somebody can't issue this token to itself: it would be worth more than its holder is, or for longer."""
    own = standing(scope, entry.who)
    refused = own.nothing_here() if is_missing(scope) else own.refusal(Action.DELETE, entry.at)
    if refused is not None:
        return refused
    if own.who.trust not in (Trust.KEY, Trust.VERIFIED):
        return Rejection("not_allowed", "Say for which name the token is.")
    if entry.cap & ~own.rights(entry.at):
        return Rejection("not_allowed", "A token can't be worth more than the one who issues it.")
    until = own.token.expires_at if own.token else 0
    if until and not 0 < entry.expires_at <= until:
        return Rejection("not_allowed", "A token can't outlast the one with which it is issued; give it an end.")
    return None


def _granted_too(scope: Scope, entry: entries.Issue, identity: bytes) -> list[facts.Fact]:
    """The role that comes with a token. What everyone may do for now doesn't count: it may change."""
    has = standing(scope, Principal(identity, Trust.KEY)).granted(entry.at) or NOBODY
    if not entry.role & ~has:
        return []
    whom = Whom(identity, entry.name, entry.name_key, entry.skeleton)
    return granting(scope, whom, entry.role | has, 0, by(entry.who))


def revoke(scope: Scope, entry: entries.Revoke) -> Outcome:
    """Make a token worth nothing."""
    server, who = server_of(scope), entry.who
    own, token = standing(server, who), server.tokens.get(entry.id)
    is_its_own = token is not None and who.trust >= Trust.KEY and token.identity == who.identity
    if token is not None and own.token is not None and own.token.room not in (SERVER, token.room):
        is_its_own = False  # outside its room, a token is worth nothing
    refused = own.refusal(Action.ADMINISTER, entry.at)
    if refused is not None and (not is_its_own or refused.code == "unauthorized"):
        return refused
    if token is None:
        return Rejection("target_not_found", "There is no token with this id.")
    if token.revoked_at:
        return NOTHING
    return (facts.Revoked(entry.id, entry.at), facts.Audited(entry.at, by(who), f"revoked token {entry.id}"))
