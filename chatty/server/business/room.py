"""The rules of a room. ``decide(room, entry)`` gives the facts that an entry leads to, and changes nothing.

``evolve`` in state.py then applies these facts to the room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from chatty.digests import NOTHING_SAID, chained, sent
from chatty.events import (
    LeaveReason,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
    rfc3339,
)
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, may_talk_freely, refusal, shows_itself, standing
from chatty.server.business.entries import Duplicate, Rejection
from chatty.server.business.rights import OWNER, READ, Principal, Trust
from chatty.server.business.state import Room, TargetMessage

Facts = tuple[facts.Fact, ...]
Outcome = Facts | Rejection | Duplicate
NOTHING: Final[Facts] = ()
NO_MESSAGE: Final = Rejection("message_not_found")
MOST_REACTIONS: Final = 20
"""Kinds of reactions to one message."""


def decide(room: Room, entry: entries.Entry) -> Outcome:
    """The outcome of ``entry`` in ``room``: facts in order, a refusal, or that the message is already stored."""
    if not room.exists and type(entry) is not entries.CreateRoom:
        who = getattr(entry, "who", None)
        return standing(room, who).nothing_here() if who else Rejection("room_not_found")
    return _DECIDE[type(entry)](room, entry)


def now_in(room: Room, at: int) -> str:
    """The time of a new event: a room's time never runs backwards."""
    now = rfc3339(at)
    return now if now > room.at else room.at


def _create(room: Room, entry: entries.CreateRoom) -> Outcome:
    if room.exists:
        return Rejection("internal", "A room with this id exists already.")
    creator = entry.creator
    refused = refusal(room.server, creator, Action.CREATE, entry.at)
    if refused is not None:
        return refused
    created = facts.Created(entry.room, entry.name, entry.topic, entry.epoch, entry.owner, entry.at, entry.expires_at)
    if creator.trust < Trust.KEY or creator.trust is Trust.OPERATOR:
        return (created,)
    return (created, facts.Granted(creator.identity, OWNER, 0, creator.name, "created"))


def _close(room: Room, entry: entries.CloseRoom) -> Outcome:
    refused = refusal(room, entry.who, Action.RULE, entry.at)
    if refused is not None:
        return refused
    if room.closed_at:
        return Rejection("room_closed")
    return _end(room, entry.at)


def _expire(room: Room, entry: entries.ExpireRoom) -> Outcome:
    if room.closed_at or not room.expires_at or entry.at < room.expires_at:
        return NOTHING
    return _end(room, entry.at)


def _end(room: Room, at: int) -> Facts:
    return (RoomClosed(room.last + 1, now_in(room, at)), facts.Closed(at))


def _purge(room: Room, entry: entries.PurgeRoom) -> Outcome:
    return (facts.Purged(),) if room.closed_at and room.closed_at <= entry.closed_by else NOTHING


def _trim(room: Room, entry: entries.TrimRoom) -> Outcome:
    first = min(entry.first, room.last + 1)
    return (facts.Trimmed(first),) if first > room.first else NOTHING


def _correct_times(room: Room, entry: entries.CorrectTimes) -> Outcome:
    return (facts.Retimed(entry.since, entry.by, room.settled_at, entry.at),)


def _is_over(room: Room, at: int) -> bool:
    """Whether a room accepts nothing more: it is closed, or its time has run out and `ExpireRoom` is on its way."""
    return room.closed_at > 0 or 0 < room.expires_at <= at


def _connect(room: Room, entry: entries.Connect) -> Outcome:
    if _is_over(room, entry.at):
        return refusal(room, entry.who, Action.JOIN, entry.at) or Rejection("room_closed")
    if entry.connection in room.connections:
        return Rejection("internal", "This connection is in the room already.")
    who = entry.who
    refused = refusal(room, who, Action.JOIN, entry.at) or _taken(room, who)
    if refused is not None:
        return refused
    # A second connection of a participant makes no event, because the participant has already joined.
    holder = room.participants.get(who.name_key)
    if holder is not None:
        return (facts.Connected(entry.connection, replace(who, name=holder.name)),)
    return (ParticipantJoined(room.last + 1, now_in(room, entry.at), who.name), facts.Connected(entry.connection, who))


def _disconnect(room: Room, entry: entries.Disconnect) -> Outcome:
    name_key = room.connections.get(entry.connection)
    if name_key is None:
        return NOTHING
    participant = room.participants[name_key]
    gone = facts.Disconnected(name_key, entry.connection)
    if len(participant.connections) > 1:
        return (gone,)
    # A connection that broke may come back under the same identity. One that said goodbye won't.
    if participant.resumable and not entry.clean:
        return (gone, facts.WentAway(name_key, entry.at))
    return (gone, *_depart(room, name_key, entry.at, "left" if entry.clean else "lost"))


def _depart(room: Room, name_key: str, at: int, reason: LeaveReason, after: int = 0) -> Facts:
    name = room.participants[name_key].name
    return (ParticipantLeft(room.last + 1 + after, now_in(room, at), name, reason), facts.Departed(name_key))


def _end_grace(room: Room, entry: entries.EndGrace) -> Outcome:
    participant = room.participants.get(entry.name_key)
    if participant is None or not participant.away or participant.away != entry.away:
        return NOTHING  # it is back, or this is another absence
    return _depart(room, entry.name_key, entry.at, "lost")


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
    return refused or (Rejection("room_closed") if _is_over(room, entry.at) else None)


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


def _speaker(room: Room, entry: entries.Post | entries.Change) -> tuple[str, str] | Rejection:
    """The name under which an entry speaks, and its key. A connection's participant may have been renamed since."""
    name_key = room.connections.get(entry.connection)
    if name_key is not None:
        return room.participants[name_key].name, name_key
    return _taken(room, entry.who) or (entry.who.name, entry.who.name_key)


def _taken(room: Room, who: Principal) -> Rejection | None:
    holder = room.participants.get(who.name_key)
    if holder is not None and holder.identity != who.identity:
        return Rejection("name_taken", f"Somebody else holds the name {who.name!r} here; choose another one.")
    return _reserved(room, who.name, who.name_key, who)


def _reserved(room: Room, name: str, name_key: str, who: Principal) -> Rejection | None:
    """Why ``who`` may not be called so, if the name is another identity's in every room."""
    holder = room.server.names.get(name_key)
    if holder is None or holder.identity == who.identity:
        return None
    return Rejection("name_taken", f"The name {name!r} is reserved for somebody else; choose another one.")


def _post(room: Room, entry: entries.Post) -> Outcome:
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
    speaker = _speaker(room, entry)
    if not isinstance(speaker, tuple):
        return speaker
    if entry.reply_to and _target(room, entry.reply_to) is None:
        return NO_MESSAGE
    seq = room.last + 1
    message = Message(
        seq, now_in(room, entry.at), speaker[0], entry.text, entry.reply_to, entry.action, automatic=entry.automatic
    )
    if entry.n:
        # It is `entry.said`, with one call less: this is the path of every message.
        return (message, _produced(room, entry, sent(entry.text, entry.reply_to, entry.action)))
    if entry.idempotency_key:
        key = (entry.who.identity, entry.idempotency_key)
        return (message, facts.IdempotencyKeyUsed(*key, entry.digest, seq, entry.at))
    return (message,)


def _change(room: Room, entry: entries.AnyChange) -> Outcome:
    if not shows_itself(room, entry.who, entry.at):
        return Rejection("unauthorized")
    refused = _check_turn(room, entry) or _not_here(room, entry, _NEEDED[type(entry)])
    if refused is not None:
        return refused
    speaker = _speaker(room, entry)
    if not isinstance(speaker, tuple):
        return speaker
    outcome = _CHANGE[type(entry)](room, entry, *speaker)
    if entry.n and type(outcome) is tuple:
        return (*outcome, _produced(room, entry, entry.said))
    return outcome


def _edit(room: Room, entry: entries.Edit, name: str, name_key: str) -> Outcome:
    target = _own(room, entry)
    if isinstance(target, Rejection):
        return target
    event = MessageEdited(room.last + 1, now_in(room, entry.at), name, entry.of, entry.text)
    message = replace(target.message, text=entry.text, edited=event.seq)
    return (event, facts.Edited(entry.of, event.seq), facts.Amended(message))


def _delete(room: Room, entry: entries.Delete, name: str, name_key: str) -> Outcome:
    target = _own(room, entry)
    if isinstance(target, Rejection):
        return target
    event = MessageDeleted(room.last + 1, now_in(room, entry.at), name, entry.of)
    message = replace(target.message, text="", edited=0, deleted=event.seq, reactions={}, reacted=0)
    return (event, facts.Amended(message), facts.Erased(entry.of))


def _react(room: Room, entry: entries.React, name: str, name_key: str) -> Outcome:
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
    event = Reaction(room.last + 1, now_in(room, entry.at), name, entry.of, entry.reaction, entry.remove)
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


def _set_topic(room: Room, entry: entries.SetTopic, name: str, name_key: str) -> Outcome:
    return (TopicChanged(room.last + 1, now_in(room, entry.at), name, entry.topic), facts.Retitled(entry.topic))


def _rename(room: Room, entry: entries.Rename, name: str, name_key: str) -> Outcome:
    participant = room.participants.get(name_key)
    if participant is None:
        return Rejection("not_allowed", "Only a participant of the room can change its name.")
    own = room.server.names.get(name_key)
    if own is not None and own.identity == entry.who.identity and entry.new_key != name_key:
        return Rejection("not_allowed", f"You are {own.name!r} in every room: your token says so.")
    # Another spelling of one's own name is never taken.
    if entry.new_key != name_key and entry.new_key in room.participants:
        return Rejection("name_taken", f"The name {entry.new_name!r} is taken here; choose another one.")
    # Nobody who goes by the new name may be banned or muted either.
    new = replace(entry.who, name=entry.new_name, name_key=entry.new_key)
    refused = _reserved(room, entry.new_name, entry.new_key, entry.who) or refusal(room, new, Action.CONVERSE, entry.at)
    if refused is not None:
        return refused
    if entry.new_name == participant.name:
        return NOTHING
    event = ParticipantRenamed(room.last + 1, now_in(room, entry.at), participant.name, entry.new_name)
    renamed = facts.Renamed(name_key, entry.new_key, entry.new_name)
    # Its time to come back is counted under its name, so under the new one it starts again.
    return (event, renamed, facts.WentAway(entry.new_key, entry.at)) if participant.away else (event, renamed)


_NEEDED: Final[dict[type[entries.Change], Action]] = {
    entries.Edit: Action.CONVERSE,
    entries.Delete: Action.DELETE,
    entries.React: Action.CONVERSE,
    entries.SetTopic: Action.TOPIC,
    entries.Rename: Action.CONVERSE,
}
_CHANGE: Final[dict[type[entries.Change], Callable[[Room, Any, str, str], Outcome]]] = {
    entries.Edit: _edit,
    entries.Delete: _delete,
    entries.React: _react,
    entries.SetTopic: _set_topic,
    entries.Rename: _rename,
}


def _start_node(room: Room, entry: entries.StartNode) -> Outcome:
    """Participants of the node's earlier incarnations are away, or leave if they have nothing to come back with."""
    found: list[facts.Fact] = []
    departed = 0
    for name_key, participant in sorted(room.participants.items()):
        dead = sorted(c for c in participant.connections if _is_dead(c, entry))
        found += [facts.Disconnected(name_key, connection) for connection in dead]
        if not dead or len(dead) < len(participant.connections):
            continue
        if participant.resumable:
            found.append(facts.WentAway(name_key, entry.at))
        else:
            found += _depart(room, name_key, entry.at, "lost", departed)
            departed += 1
    return tuple(found)


def _is_dead(connection: str, entry: entries.StartNode) -> bool:
    return entries.is_from(connection, entry.node) and not entries.is_of_incarnation(
        connection, entry.node, entry.incarnation
    )


_DECIDE: Final[dict[type[entries.Entry], Callable[[Room, Any], Outcome]]] = {
    entries.CreateRoom: _create,
    entries.CloseRoom: _close,
    entries.ExpireRoom: _expire,
    entries.PurgeRoom: _purge,
    entries.TrimRoom: _trim,
    entries.CorrectTimes: _correct_times,
    entries.Connect: _connect,
    entries.Disconnect: _disconnect,
    entries.EndGrace: _end_grace,
    entries.Post: _post,
    **dict.fromkeys(_CHANGE, _change),
    entries.StartNode: _start_node,
}
