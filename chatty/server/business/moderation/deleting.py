"""The rules about deleting messages of others."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chatty.events import MessageDeleted
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection
from chatty.server.business.holders import is_verified
from chatty.server.business.moderation.announcing import announced, name_of
from chatty.server.business.outcomes import Facts, Outcome, is_over, now_in
from chatty.server.business.state import Room, Scope, TargetMessage
from chatty.server.business.whom import by, role_of

MOST_DELETED: Final = 200
"""Messages that one entry deletes, so that it doesn't hold up the writer for long."""


def deletion(
    room: Room, target: TargetMessage, at: int, name: str, *, author: str = "", after: int = 0, verified: bool
) -> Facts:  # fmt: skip
    """The facts that delete a message, as the event ``after`` so many others of the same entry."""
    of = target.message.seq
    event = MessageDeleted(room.last + 1 + after, now_in(room, at), name, of, author, verified)
    message = replace(target.message, text="", edited=0, deleted=event.seq, reactions={}, reacted=0)
    return (event, facts.Amended(message), facts.Erased(of))


def delete_messages(scope: Scope, entry: entries.DeleteMessages) -> Outcome:
    """Delete messages of others: those of the entry's that are still there, and whose authors have a lower role."""
    own = standing(scope, entry.who)
    refused = own.refusal(Action.MODERATE, entry.at)
    if refused is not None or not isinstance(scope, Room):
        return refused or Rejection("message_not_found")
    if is_over(scope, entry.at):
        return Rejection("room_closed")
    there = [one for of in sorted(set(entry.of)) if (one := scope.targets.get(of)) and not one.message.deleted]
    refusals = [_refusal(scope, entry, one) for one in there]
    going = [one for one, kept in zip(there, refusals, strict=True) if kept is None]
    if not going:
        return next((kept for kept in refusals if kept), Rejection("message_not_found"))
    names = {one.message.participant for one in going}
    whom = names.pop() if len(names) == 1 else ""
    act = {"act": "delete", "participant": whom, "reason": entry.reason}
    found: list[facts.Fact] = [*(announced(scope, entry.who, entry.at, act) if entry.is_first else ())]
    name, told = name_of(scope, entry.who.identity, entry.who.name), len(found)
    verified = is_verified(scope.server, entry.who)
    for after, one in enumerate(going, told):
        author = "" if one.author == entry.who.identity else one.message.participant
        found += deletion(scope, one, entry.at, name, author=author, after=after, verified=verified)
    what = f"deleted {len(going):,} messages" if len(going) > 1 else f"deleted message {going[0].message.seq}"
    return (*found, facts.Audited(entry.at, by(entry.who), what, whom, 0, entry.reason))


def _refusal(room: Room, entry: entries.DeleteMessages, one: TargetMessage) -> Rejection | None:
    """Why a message stays: its author is somebody else, and has no lower role."""
    if one.author == entry.who.identity:
        return None
    whom = role_of(room, one.author, entry.at)
    return standing(room, entry.who).refusal(Action.MODERATE, entry.at, whom)
