"""The rules about what is said in a room: messages, their changes, and the topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from chatty.digests import NOTHING_SAID, chained, sent
from chatty.events import Message, MessageEdited, Reaction, TopicChanged
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, may_talk_freely, refusal, shows_itself, standing
from chatty.server.business.entries import Duplicate, Rejection
from chatty.server.business.moderation.deleting import deletion
from chatty.server.business.moderation.slow import turn
from chatty.server.business.outcomes import NOTHING, Outcome, is_over, now_in
from chatty.server.business.participants import rename, speaker_of
from chatty.server.business.rights import MODERATE, READ
from chatty.server.business.state import Room, TargetMessage
from chatty.server.business.whom import by, role_of

NO_MESSAGE: Final = Rejection("message_not_found")

MOST_REACTIONS: Final = 20
"""Kinds of reactions to one message."""


def post(room: Room, entry: entries.Post) -> Outcome:
    """Say something."""
    is_free = may_talk_freely(room, entry.who, entry.at)
    if not is_free and not shows_itself(room, entry.who, entry.at):
        return Rejection("unauthorized")
    # A repeated request gets its answer again, even if nothing more can be posted by now.
    if entry.idempotency_key and not entry.n:
        known = room.idempotency_keys.get((entry.who.identity, entry.idempotency_key))
        if known is not None:
            return Duplicate(known[1]) if known[0] == entry.digest else Rejection("idempotency_conflict")
    refused: Rejection | Duplicate | None = _check_turn(room, entry) if entry.n else None
    if refused is None and not is_free:
        refused = _not_here(room, entry, Action.CONVERSE if entry.reply_to else Action.POST)
    if refused is not None:
        return refused
    speaker = speaker_of(room, entry)
    if not isinstance(speaker, tuple):
        return speaker
    if entry.reply_to and _target(room, entry.reply_to) is None:
        return NO_MESSAGE
    spoke = NOTHING if is_free else turn(room, entry.who, entry.at)
    if type(spoke) is not tuple:
        return spoke
    seq = room.last + 1
    message = Message(
        seq, now_in(room, entry.at), speaker[0], entry.text, entry.reply_to, entry.action,
        automatic=entry.automatic, verified=speaker[2],
    )  # fmt: skip
    if entry.n:
        # It is `entry.said`, with one call less: this is the path of every message.
        return (message, _produced(room, entry, sent(entry.text, entry.reply_to, entry.action)), *spoke)
    if entry.idempotency_key:
        key = (entry.who.identity, entry.idempotency_key)
        return (message, facts.IdempotencyKeyUsed(*key, entry.digest, seq, entry.at), *spoke)
    return (message, *spoke)


def change(room: Room, entry: entries.AnyChange) -> Outcome:
    """Change something that was said, or what the room or its participant is called."""
    if not shows_itself(room, entry.who, entry.at):
        return Rejection("unauthorized")
    refused = _check_turn(room, entry) or _not_here(room, entry, _NEEDED[type(entry)])
    if refused is not None:
        return refused
    speaker = speaker_of(room, entry)
    if not isinstance(speaker, tuple):
        return speaker
    outcome = CHANGES[type(entry)](room, entry, *speaker)
    if type(outcome) is not tuple:
        return outcome
    # Of deletions there are no more than of messages.
    spoke = NOTHING if not outcome or type(entry) is entries.Delete else turn(room, entry.who, entry.at, is_change=True)
    if type(spoke) is not tuple:
        return spoke
    return (*outcome, *((_produced(room, entry, entry.said),) if entry.n else ()), *spoke)


def _check_turn(room: Room, entry: entries.Post | entries.AnyChange) -> Rejection | Duplicate | None:
    """Why a post or change cannot be accepted by its number, or need not be. That holds in a room that is over, too."""
    if entry.n:
        last = room.producers.get((entry.who.identity, entry.producer))
        accepted = last.n if last else 0
        if last and entry.n <= accepted:
            return _repeated(last, entry)
        if entry.n > accepted + 1:
            return Rejection("out_of_order", f"The next number is {accepted + 1}, not {entry.n}.")
    return None


def _not_here(room: Room, entry: entries.Post | entries.AnyChange, action: Action) -> Rejection | None:
    """Why the author may not do ``action``, or nobody may any more."""
    refused = refusal(room, entry.who, action, entry.at)
    return refused or (Rejection("room_closed") if is_over(room, entry.at) else None)


def _repeated(last: facts.Produced, entry: entries.Post | entries.AnyChange) -> Duplicate | Rejection:
    """The outcome of a number that was accepted before. Only for the last one is it known what was said."""
    if entry.n == last.n and last.digest and last.before and chained(last.before, entry.said) != last.digest:
        return Rejection("idempotency_conflict", f"Number {entry.n} of this producer was another message.")
    return Duplicate()


def _produced(room: Room, entry: entries.Post | entries.Change, said: str) -> facts.Produced:
    """The producer's new state after an accepted entry, which ``said`` this."""
    last = room.producers.get((entry.who.identity, entry.producer))
    before = last.digest if last else NOTHING_SAID
    return facts.Produced(entry.who.identity, entry.producer, entry.n, entry.at, chained(before, said), before)


def _edit(room: Room, entry: entries.Edit, name: str, name_key: str, verified: bool) -> Outcome:
    target = _own(room, entry)
    if isinstance(target, Rejection):
        return target
    event = MessageEdited(room.last + 1, now_in(room, entry.at), name, entry.of, entry.text, verified)
    message = replace(target.message, text=entry.text, edited=event.seq)
    return (event, facts.Edited(entry.of, event.seq), facts.Amended(message))


def _delete(room: Room, entry: entries.Delete, name: str, name_key: str, verified: bool) -> Outcome:
    target = _target(room, entry.of)
    is_of_another = target is not None and target.author != entry.who.identity
    own = standing(room, entry.who)
    if target is None or not is_of_another or not own.rights(entry.at) & MODERATE:
        found = _own(room, entry)
        return found if isinstance(found, Rejection) else deletion(room, found, entry.at, name, verified=verified)
    refused = own.refusal(Action.MODERATE, entry.at, role_of(room, target.author, entry.at))
    if refused is not None:
        return refused
    author = target.message.participant
    audited = facts.Audited(entry.at, by(entry.who), f"deleted message {entry.of}", author)
    return (*deletion(room, target, entry.at, name, author=author, verified=verified), audited)


def _react(room: Room, entry: entries.React, name: str, name_key: str, verified: bool) -> Outcome:
    target = _target(room, entry.of)
    if target is None:
        return NO_MESSAGE
    has_reacted = entry.reaction in target.reactions
    if has_reacted and not entry.remove:
        return NOTHING
    if entry.remove and not has_reacted:
        return NOTHING
    counts = dict(target.message.reactions)
    count = counts.pop(entry.reaction, 0)
    count = count - 1 if entry.remove else count + 1
    if count > 0:
        counts[entry.reaction] = count  # it goes to the end: the newest reaction comes last
    if len(counts) > MOST_REACTIONS:
        return Rejection("bad_request", f"A message has at most {MOST_REACTIONS} kinds of reactions.")
    event = Reaction(room.last + 1, now_in(room, entry.at), name, entry.of, entry.reaction, entry.remove, verified)
    reacted = facts.Reacted(entry.of, entry.who.identity, entry.reaction, entry.remove)
    return (event, reacted, facts.Amended(replace(target.message, reactions=counts, reacted=event.seq)))


def _target(room: Room, of: int) -> TargetMessage | None:
    """The message with this number, unless it is missing or deleted."""
    target = room.targets.get(of)
    return None if target is None or target.message.deleted else target


def _own(room: Room, entry: entries.Edit | entries.Delete) -> TargetMessage | Rejection:
    """The message that ``entry`` is about, if the entry's author wrote it."""
    target = _target(room, entry.of)
    if target is None:
        return NO_MESSAGE
    if target.author != entry.who.identity:
        # One that sees nothing isn't told either that there is a message.
        sees = standing(room, entry.who).rights(entry.at) & READ
        return Rejection("not_allowed", "Only the author of a message may change it.") if sees else NO_MESSAGE
    return target


def _set_topic(room: Room, entry: entries.SetTopic, name: str, name_key: str, verified: bool) -> Outcome:
    event = TopicChanged(room.last + 1, now_in(room, entry.at), name, entry.topic, verified)
    return (event, facts.Retitled(entry.topic))


_NEEDED: Final[dict[type[entries.Change], Action]] = {
    entries.Edit: Action.CONVERSE,
    entries.Delete: Action.DELETE,
    entries.React: Action.CONVERSE,
    entries.SetTopic: Action.TOPIC,
    entries.Rename: Action.CONVERSE,
}

CHANGES: Final[dict[type[entries.Change], Callable[[Room, Any, str, str, bool], Outcome]]] = {
    entries.Edit: _edit,
    entries.Delete: _delete,
    entries.React: _react,
    entries.SetTopic: _set_topic,
    entries.Rename: rename,
}
