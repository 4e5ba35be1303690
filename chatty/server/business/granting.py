"""The rules about roles and policies."""

from __future__ import annotations

from typing import Any

from chatty.server.business import entries, facts
from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.moderation.announcing import announced
from chatty.server.business.outcomes import NOTHING, Outcome
from chatty.server.business.rights import MEMBER, NAME_OF_ROLE, NOBODY, SIGN_IN, Access, Rights
from chatty.server.business.state import Room, Scope
from chatty.server.business.whom import UNKNOWN, Whom, by, role_of, where, whom


def grant(scope: Scope, entry: entries.Grant) -> Outcome:
    """Give somebody a role, or take it away."""
    own, one = standing(scope, entry.who), whom(scope, entry.whom)
    now = role_of(scope, one.identity if one else b"", entry.at)
    needed = Action.ADMIT if max(entry.role, now) <= MEMBER else Action.RULE
    refused = own.refusal(where(scope, needed), entry.at, now)
    if refused is not None:
        return refused
    if one is None or not one.identity:
        return UNKNOWN
    if one.identity == entry.who.identity:
        return Rejection("not_allowed", "Nobody gives or takes a role of their own: ask another owner.")
    has = scope.grants.get(one.identity)
    # Somebody with a smaller role still is where an invitation led, and the same one doesn't undo that.
    # What came by a sign-in, the next one may change; what somebody gives by hand, it may not.
    via = has.via if has is not None and not entry.role & ~has.role and has.via != SIGN_IN else ""
    found = granting(scope, one, entry.role, entry.until, by(entry.who), via)
    what = f"made {NAME_OF_ROLE[entry.role]}" if entry.role else "took the role away"
    return (*found, facts.Audited(entry.at, by(entry.who), what, one.name, entry.until))


def granting(scope: Scope, one: Whom, role: Rights, until: int, giver: str, via: str = "") -> list[facts.Fact]:
    """The facts that give somebody a role in ``scope``."""
    found: list[facts.Fact] = [facts.Granted(one.identity, role, until, one.name, giver, via)]
    # A role that is less than everyone's has to be looked up for everyone.
    if role != NOBODY and scope.access.everyone & ~role and not scope.access.less:
        found.append(_policy(scope.access, less=True))
    return found


def _policy(access: Access, entry: entries.SetPolicy | None = None, *, less: bool) -> facts.PolicySet:
    """The rules that ``access`` becomes by ``entry``."""

    def changed(field: str) -> Any:
        asked = getattr(entry, field, None)
        return getattr(access, field) if asked is None else asked

    fields = {field: changed(field) for field in ("everyone", "locked", "topic", "slow", "password")}
    return facts.PolicySet(**fields, less=access.less or less)


def set_policy(scope: Scope, entry: entries.SetPolicy) -> Outcome:
    """Change the scope's rules."""
    of_moderators = entry.everyone is None and entry.topic is None and entry.password is None
    needed = where(scope, Action.MODERATE if of_moderators else Action.RULE)
    refused = standing(scope, entry.who).refusal(needed, entry.at)
    if refused is not None:
        return refused
    if entry.slow and not isinstance(scope, Room):
        return Rejection("bad_request", "Slow mode is a room's.")
    access = scope.access
    # Grants that were no less than everyone's may be now.
    less = entry.everyone is not None and entry.everyone > access.everyone
    policy = _policy(access, entry, less=less)
    if policy.changed(access) == access:
        return NOTHING
    told = announced(scope, entry.who, entry.at, *_acts(access, policy))
    changes = {
        "everyone": NAME_OF_ROLE[policy.everyone] if policy.everyone != access.everyone else None,
        "locked": str(policy.locked).lower() if policy.locked != access.locked else None,
        "topic": NAME_OF_ROLE[policy.topic] if policy.topic != access.topic else None,
        "slow": f"{policy.slow / 1000:g} s" if policy.slow != access.slow else None,
        "password": ("changed" if policy.password else "removed") if policy.password != access.password else None,
    }
    what = "policy: " + ", ".join(f"{key} {value}" for key, value in changes.items() if value)
    return (policy, *told, facts.Audited(entry.at, by(entry.who), what))


def _acts(before: Access, now: facts.PolicySet) -> list[dict[str, Any]]:
    """The changes of which members are told."""
    acts: list[dict[str, Any]] = []
    if now.everyone != before.everyone:
        acts.append({"act": "everyone", "role": NAME_OF_ROLE[now.everyone]})
    if now.locked != before.locked:
        acts.append({"act": "lock" if now.locked else "unlock"})
    if now.slow != before.slow:
        acts.append({"act": "slow", "slow": now.slow / 1000 or 0})  # the very object of the default is left out
    return acts
