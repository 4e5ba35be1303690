"""The rules about those who are sent away, banned or muted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatty.server.business import entries, facts
from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.moderation.announcing import announced, name_of
from chatty.server.business.outcomes import Facts, Outcome
from chatty.server.business.participants import left
from chatty.server.business.rights import NOBODY, READ, Of, Principal, Restriction, has_ended
from chatty.server.business.state import Room, Scope
from chatty.server.business.whom import Whom, by, role_of, where, whom

MOST_RESTRICTIONS: Final = 1_000
"""In one scope at one time, because every decision there looks at all of them."""


def restricted(scope: Scope, entry: entries.Lift) -> list[bytes]:
    """The identities that the restrictions of ``entry`` hold for."""
    found = [one.value for one in scope.access.restrictions if one.id == entry.id]
    return [value for value in found if isinstance(value, bytes)]


def evictions(room: Room, at: int, reserved: Sequence[Principal] = ()) -> Facts:
    """Participants leave that may not see the room any longer, or whose names are others' from now on: those that are
    ``reserved``, and all that look like them.
    """
    found: list[facts.Fact] = []
    for name_key, participant in sorted(room.participants.items()):
        who = Principal(
            participant.identity, participant.trust, participant.name, name_key, skeleton=participant.skeleton
        )
        is_anothers = any(one.identity != who.identity and one.is_mistaken_for(who) for one in reserved)
        if is_anothers or not standing(room, who).rights(at) & READ:
            found += [left(room, name_key, at, "kicked", len(found) // 2), facts.Evicted(name_key)]
    return tuple(found)


def _not_moderating(scope: Scope, entry: entries.Ruling, one: Whom | None) -> Rejection | None:
    """Why the author of ``entry`` can't send away ``one``, or take its rights."""
    now = role_of(scope, one.identity if one else b"", entry.at)
    return standing(scope, entry.who).refusal(where(scope, Action.MODERATE), entry.at, now)


def kick(scope: Scope, entry: entries.Kick) -> Outcome:
    """Send somebody away."""
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
    act = {"act": "kick", "participant": there[0][1].name, "reason": entry.reason}
    found: list[facts.Fact] = [*announced(scope, entry.who, entry.at, act)]
    for after, (name_key, _) in enumerate(there, len(found)):
        found += [left(scope, name_key, entry.at, "kicked", after), facts.Evicted(name_key)]
    audited = facts.Audited(entry.at, by(entry.who), "kicked", there[0][1].name, 0, entry.reason)
    return (*found, audited)


def restrict(scope: Scope, entry: entries.Restrict) -> Outcome:
    """Ban or mute somebody."""
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
    if one is not None and one.skeleton:
        values.append((Of.SKELETON, one.skeleton, entry.until))
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
    name = name_of(scope, one.identity, one.name) if one else ""
    found: list[facts.Fact] = [
        facts.Restricted(
            Restriction(entry.id, of, value, entry.rights, until, name), by(entry.who), entry.at, entry.reason
        )
        for of, value, until in values
        if not has_ended(until, entry.at)
    ]
    if entry.authors:
        found.append(facts.Implicated(entry.id, entry.authors))
    act, what = ("ban", "banned") if entry.rights & READ else ("mute", "muted")
    told = {"act": act, "participant": name, "reason": entry.reason}
    found += announced(scope, entry.who, entry.at, told, until=entry.until)
    return (*found, facts.Audited(entry.at, by(entry.who), what, name, entry.until, entry.reason))


def lift(scope: Scope, entry: entries.Lift) -> Outcome:
    """End restrictions."""
    # To lift a restriction is to act on those whom it holds for, too: nobody lifts one's own, or an equal's.
    now = max((role_of(scope, one, entry.at) for one in restricted(scope, entry)), default=NOBODY)
    refused = standing(scope, entry.who).refusal(where(scope, Action.MODERATE), entry.at, now)
    if refused is not None:
        return refused
    one = next((restriction for restriction in scope.access.restrictions if restriction.id == entry.id), None)
    if one is None:
        return Rejection("target_not_found", "There is no restriction with this id.")
    act, what = ("unban", "lifted the ban of") if one.rights & READ else ("unmute", "lifted the mute of")
    told = announced(scope, entry.who, entry.at, {"act": act, "participant": one.name})
    return (facts.Lifted(entry.id), *told, facts.Audited(entry.at, by(entry.who), what, one.name))
