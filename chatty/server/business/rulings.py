"""The rules about rights: how tokens, grants, policies and restrictions come about.

``rule(scope, entry)`` gives the facts that a ruling leads to, as ``decide`` does
for other entries. When a scope's rules have changed, ``evictions`` gives those
of a room whose participants may not be in it any longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from chatty.events import ParticipantLeft
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection, Target
from chatty.server.business.rights import (
    MEMBER,
    NAME_OF_ROLE,
    NOBODY,
    READ,
    SERVER,
    Access,
    Of,
    Principal,
    Restriction,
    Rights,
    Token,
    Trust,
    has_ended,
)
from chatty.server.business.room import NOTHING, Facts, Outcome, now_in
from chatty.server.business.state import Room, Scope, server_of

ANONYMOUS_IDENTITY: Final = bytes(16)
"""The identity of all who post over HTTP without a key."""

MOST_RESTRICTIONS: Final = 1_000
"""In one scope at one time, because every decision there looks at all of them."""

_UNKNOWN: Final = Rejection("target_not_found", "Nobody here is called that; `chatty members` lists those with a role.")


class Whom(NamedTuple):
    """Somebody that a ruling is about, as far as the scope knows them. An empty identity: only a name is known."""

    identity: bytes
    name: str
    name_key: str


def rule(scope: Scope, entry: entries.Ruling) -> Outcome:
    """The outcome of ``entry`` in ``scope``: facts in order, or a refusal."""
    if _is_missing(scope) and type(entry) is not entries.Issue:  # tokens for others don't depend on what there is
        return standing(scope, entry.who).nothing_here()
    return _RULE[type(entry)](scope, entry)


def _is_missing(scope: Scope) -> bool:
    return isinstance(scope, Room) and not scope.exists


def whom(scope: Scope, target: Target) -> Whom | None:
    """The identity and the name that ``target`` stands for. None if it is nobody that could be told from others."""
    participants = scope.participants if isinstance(scope, Room) else {}
    reserved = server_of(scope).names.get(target.name_key) if target.name_key else None
    present = participants.get(target.name_key)
    identity, name, name_key = target.identity, target.name, target.name_key
    if not identity and target.of and isinstance(scope, Room) and target.of in scope.targets:
        identity = scope.targets[target.of].author
        # The author's name may be another one's by now, who has said nothing.
        holder = reserved or present
        if holder is not None and holder.identity != identity:
            name_key = ""
    elif not identity and reserved is not None:
        identity = reserved.identity
    elif not identity and present is not None:
        identity, name = present.identity if present.trust >= Trust.KEY else b"", present.name
    if identity == ANONYMOUS_IDENTITY:
        identity = b""
    return Whom(identity, name, name_key) if identity or name_key else None


def restricted(scope: Scope, entry: entries.Lift) -> list[bytes]:
    """The identities that the restrictions of ``entry`` hold for."""
    found = [one.value for one in scope.access.restrictions if one.id == entry.id]
    return [value for value in found if isinstance(value, bytes)]


def evictions(room: Room, at: int) -> Facts:
    """Participants leave that may not see the room any longer, or whose name is somebody else's from now on."""
    found: list[facts.Fact] = []
    for name_key, participant in sorted(room.participants.items()):
        who = Principal(participant.identity, participant.trust, participant.name, name_key)
        holder = room.server.names.get(name_key)
        is_another = holder is not None and holder.identity != participant.identity
        if is_another or not standing(room, who).rights(at) & READ:
            left = ParticipantLeft(room.last + 1 + len(found) // 2, now_in(room, at), participant.name, "kicked")
            found += [left, facts.Evicted(name_key)]
    return tuple(found)


def _role_of(scope: Scope, identity: bytes, at: int) -> Rights:
    """The role of somebody that a ruling is about. Where only a name is known, it has none."""
    return standing(scope, Principal(identity, Trust.KEY)).role(at) if identity else NOBODY


def _by(who: Principal) -> str:
    if who.trust is Trust.OPERATOR:
        return "the operator"
    return who.name or f"key {who.identity.hex()[:8]}"


def _where(scope: Scope, needed: Action) -> Action:
    """What a ruling needs: on the server all of them are for administrators."""
    return needed if isinstance(scope, Room) else Action.ADMINISTER


# --- tokens -------------------------------------------------------------------------------------------------


def _issue(scope: Scope, entry: entries.Issue) -> Outcome:
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
        if holder is None:
            found.append(facts.Reserved(entry.name_key, entry.name, identity))
        found += _granted_too(scope, entry, identity)
    token = Token(entry.id, identity, cap, scope.id, entry.expires_at)
    found.append(facts.Issued(token, entry.hash, entry.label, _by(who), at))
    what = f"issued token {entry.id}"
    return (*found, facts.Audited(at, _by(who), what, entry.name, entry.expires_at, entry.label))


def _not_for_others(scope: Scope, who: Principal, at: int) -> Rejection | None:
    """Why somebody can't issue tokens for a name. It is the same whether there is such a room or not."""
    own = standing(server_of(scope), who)
    return own.refusal(Action.ADMINISTER, at) or (Rejection("room_not_found") if _is_missing(scope) else None)


def _not_for_oneself(scope: Scope, entry: entries.Issue) -> Rejection | None:
    """Why somebody can't issue this token to itself: it would be worth more than its holder is, or for longer."""
    own = standing(scope, entry.who)
    refused = own.nothing_here() if _is_missing(scope) else own.refusal(Action.DELETE, entry.at)
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
    return _granting(scope, Whom(identity, entry.name, entry.name_key), entry.role | has, 0, entry.who)


def _revoke(scope: Scope, entry: entries.Revoke) -> Outcome:
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
    return (facts.Revoked(entry.id, entry.at), facts.Audited(entry.at, _by(who), f"revoked token {entry.id}"))


# --- roles and rules ----------------------------------------------------------------------------------------


def _grant(scope: Scope, entry: entries.Grant) -> Outcome:
    own, one = standing(scope, entry.who), whom(scope, entry.whom)
    now = _role_of(scope, one.identity if one else b"", entry.at)
    needed = Action.ADMIT if max(entry.role, now) <= MEMBER else Action.RULE
    refused = own.refusal(_where(scope, needed), entry.at, now)
    if refused is not None:
        return refused
    if one is None or not one.identity:
        return _UNKNOWN
    if one.identity == entry.who.identity:
        return Rejection("not_allowed", "Nobody gives or takes a role of their own: ask another owner.")
    found = _granting(scope, one, entry.role, entry.until, entry.who)
    what = f"made {NAME_OF_ROLE[entry.role]}" if entry.role else "took the role away"
    return (*found, facts.Audited(entry.at, _by(entry.who), what, one.name, entry.until))


def _granting(scope: Scope, one: Whom, role: Rights, until: int, who: Principal) -> list[facts.Fact]:
    found: list[facts.Fact] = [facts.Granted(one.identity, role, until, one.name, _by(who))]
    # A role that is less than everyone's has to be looked up for everyone.
    if role != NOBODY and scope.access.everyone & ~role and not scope.access.less:
        found.append(_policy(scope.access, less=True))
    return found


def _policy(
    access: Access, everyone: Rights | None = None, locked: bool | None = None, topic: Rights | None = None, *,
    less: bool,
) -> facts.PolicySet:  # fmt: skip
    return facts.PolicySet(
        access.everyone if everyone is None else everyone,
        access.locked if locked is None else locked,
        access.topic if topic is None else topic,
        access.less or less,
    )


def _set_policy(scope: Scope, entry: entries.SetPolicy) -> Outcome:
    only_lock = entry.everyone is None and entry.topic is None
    needed = _where(scope, Action.MODERATE if only_lock else Action.RULE)
    refused = standing(scope, entry.who).refusal(needed, entry.at)
    if refused is not None:
        return refused
    access = scope.access
    # Grants that were no less than everyone's may be now.
    less = entry.everyone is not None and entry.everyone > access.everyone
    policy = _policy(access, entry.everyone, entry.locked, entry.topic, less=less)
    if policy.changed(access) == access:
        return NOTHING
    changes = {
        "everyone": NAME_OF_ROLE[policy.everyone] if policy.everyone != access.everyone else None,
        "locked": str(policy.locked).lower() if policy.locked != access.locked else None,
        "topic": NAME_OF_ROLE[policy.topic] if policy.topic != access.topic else None,
    }
    what = "policy: " + ", ".join(f"{key} {value}" for key, value in changes.items() if value)
    return (policy, facts.Audited(entry.at, _by(entry.who), what))


# --- restrictions -------------------------------------------------------------------------------------------


def _not_moderating(scope: Scope, entry: entries.Ruling, one: Whom | None) -> Rejection | None:
    """Why the author of ``entry`` can't send away ``one``, or take its rights."""
    now = _role_of(scope, one.identity if one else b"", entry.at)
    return standing(scope, entry.who).refusal(_where(scope, Action.MODERATE), entry.at, now)


def _kick(scope: Scope, entry: entries.Kick) -> Outcome:
    one = whom(scope, entry.whom)
    refused = _not_moderating(scope, entry, one)
    if refused is not None:
        return refused
    participants = scope.participants if isinstance(scope, Room) else {}
    there = [
        (name_key, participant)
        for name_key, participant in sorted(participants.items())
        if one and (participant.identity == one.identity if one.identity else name_key == one.name_key)
    ]
    if not isinstance(scope, Room) or not there:
        return Rejection("target_not_found", "Nobody of this name is in the room.")
    found: list[facts.Fact] = []
    for place, (name_key, participant) in enumerate(there, scope.last + 1):
        found += [
            ParticipantLeft(place, now_in(scope, entry.at), participant.name, "kicked"), facts.Evicted(name_key),
        ]  # fmt: skip
    audited = facts.Audited(entry.at, _by(entry.who), "kicked", there[0][1].name, 0, entry.reason)
    return (*found, audited)


def _restrict(scope: Scope, entry: entries.Restrict) -> Outcome:
    one = whom(scope, entry.whom)
    refused = _not_moderating(scope, entry, one)
    if refused is not None:
        return refused
    if one is not None and one.identity == entry.who.identity != b"":
        return Rejection("not_allowed", "Nobody can ban or mute themselves.")
    values: list[tuple[Of, bytes | str, int]] = []
    if one is not None and one.identity:
        values.append((Of.IDENTITY, one.identity, entry.until))
    if one is not None and one.name_key:
        values.append((Of.NAME, one.name_key, entry.until))
    values += [(Of.ADDRESS, address, entry.addresses_until or entry.until) for address in entry.addresses if address]
    if not values:
        return Rejection("target_not_found", "That is nobody who could be told from others; restrict a name.")
    if any(restriction.id == entry.id for restriction in scope.access.restrictions):
        return Rejection("internal", "A restriction with this id exists already.")
    if (
        sum(not has_ended(restriction.until, entry.at) for restriction in scope.access.restrictions)
        >= MOST_RESTRICTIONS
    ):
        return Rejection("not_allowed", f"There are {MOST_RESTRICTIONS:,} restrictions already; lift some.")
    name = one.name if one else ""
    found = [
        facts.Restricted(
            Restriction(entry.id, of, value, entry.rights, until), name, _by(entry.who), entry.at, entry.reason
        )
        for of, value, until in values
        if not has_ended(until, entry.at)
    ]
    what = "banned" if entry.rights & READ else "muted"
    return (*found, facts.Audited(entry.at, _by(entry.who), what, name, entry.until, entry.reason))


def _lift(scope: Scope, entry: entries.Lift) -> Outcome:
    # To lift a restriction is to act on those whom it holds for, too: nobody lifts one's own, or an equal's.
    now = max((_role_of(scope, one, entry.at) for one in restricted(scope, entry)), default=NOBODY)
    refused = standing(scope, entry.who).refusal(_where(scope, Action.MODERATE), entry.at, now)
    if refused is not None:
        return refused
    if not any(restriction.id == entry.id for restriction in scope.access.restrictions):
        return Rejection("target_not_found", "There is no restriction with this id.")
    return (facts.Lifted(entry.id), facts.Audited(entry.at, _by(entry.who), f"lifted {entry.id}"))


_RULE: Final[dict[type[entries.Ruling], Callable[[Scope, Any], Outcome]]] = {
    entries.Issue: _issue,
    entries.Revoke: _revoke,
    entries.Grant: _grant,
    entries.SetPolicy: _set_policy,
    entries.Kick: _kick,
    entries.Restrict: _restrict,
    entries.Lift: _lift,
}
