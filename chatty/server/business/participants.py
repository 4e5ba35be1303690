"""The rules about those who are in a room: how they come, go, and are called."""

from __future__ import annotations

from msgspec.structs import replace

from chatty.events import LeaveReason, ParticipantJoined, ParticipantLeft, ParticipantRenamed
from chatty.server.business import entries, facts
from chatty.server.business.access import Action, refusal, standing
from chatty.server.business.connection_ids import is_from, is_of_incarnation
from chatty.server.business.entries import Rejection
from chatty.server.business.holders import anothers, is_holder, is_verified
from chatty.server.business.nodes import EndNode, StartNode
from chatty.server.business.outcomes import NOTHING, Facts, Outcome, is_over, now_in
from chatty.server.business.rights import MODERATOR, Principal
from chatty.server.business.state import Room


def connect(room: Room, entry: entries.Connect) -> Outcome:
    """A connection begins to speak for somebody."""
    if is_over(room, entry.at):
        return refusal(room, entry.who, Action.JOIN, entry.at) or Rejection("room_closed")
    if entry.connection in room.connections:
        return Rejection("internal", "This connection is in the room already.")
    who = entry.who
    refused = refusal(room, who, Action.JOIN, entry.at) or taken(room, who)
    if refused is not None:
        return refused
    # A second connection of a participant makes no event, because the participant has already joined.
    holder = room.participants.get(who.name_key)
    if holder is not None and holder.identity == who.identity:
        here = replace(who, name=holder.name, skeleton=holder.skeleton)
        return (facts.Connected(entry.connection, here, is_verified(room.server, here)),)
    if 0 < entry.most <= len(room.participants) and standing(room, who).role(entry.at) < MODERATOR:
        return Rejection("room_full")
    gone = _displaced(room, entry)
    verified = is_verified(room.server, who)
    joined = ParticipantJoined(room.last + 1 + len(gone) // 2, now_in(room, entry.at), who.name, verified)
    return (*gone, joined, facts.Connected(entry.connection, who, verified))


def _displaced(room: Room, entry: entries.Connect) -> list[facts.Fact]:
    """All others leave whose names are, or look like, the one that is reserved for the newcomer."""
    who = entry.who
    found: list[facts.Fact] = []
    if is_holder(room.server, who):
        for name_key in sorted({who.name_key, *room.alike.get(who.skeleton, ())}):
            participant = room.participants.get(name_key)
            if participant is None or participant.identity == who.identity:
                continue
            found += [left(room, name_key, entry.at, "kicked", len(found) // 2), facts.Evicted(name_key)]
    return found


def disconnect(room: Room, entry: entries.Disconnect) -> Outcome:
    """A connection ends, and with the last one the participant goes away or leaves."""
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
    return (gone, *depart(room, name_key, entry.at, "left" if entry.clean else "lost"))


def depart(room: Room, name_key: str, at: int, reason: LeaveReason, after: int = 0) -> Facts:
    """A participant leaves, as the event ``after`` so many others of the same entry."""
    return (left(room, name_key, at, reason, after), facts.Departed(name_key))


def left(room: Room, name_key: str, at: int, reason: LeaveReason, after: int) -> ParticipantLeft:
    """The event of a participant that leaves, after so many others of the same entry."""
    participant = room.participants[name_key]
    return ParticipantLeft(
        room.last + 1 + after, now_in(room, at), participant.name, reason, verified=participant.verified
    )


def end_grace(room: Room, entry: entries.EndGrace) -> Outcome:
    """A participant that is away leaves, unless it has come back."""
    participant = room.participants.get(entry.name_key)
    if participant is None or not participant.away or participant.away != entry.away:
        return NOTHING  # it is back, or this is another absence
    return depart(room, entry.name_key, entry.at, "lost")


def end_incarnations(room: Room, entry: StartNode | EndNode) -> Outcome:
    """Participants of incarnations that are over are away, or leave if they have nothing to come back with."""
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
            found += depart(room, name_key, entry.at, "lost", departed)
            departed += 1
    return tuple(found)


def _is_dead(connection: str, entry: StartNode | EndNode) -> bool:
    if type(entry) is EndNode:
        return is_of_incarnation(connection, entry.node, entry.incarnation)
    return is_from(connection, entry.node) and not is_of_incarnation(connection, entry.node, entry.incarnation)


def rename(room: Room, entry: entries.Rename, name: str, name_key: str, verified: bool) -> Outcome:
    """Call a participant something else."""
    participant = room.participants.get(name_key)
    if participant is None:
        return Rejection("not_allowed", "Only a participant of the room can change its name.")
    own = room.server.names.get(name_key)
    if own is not None and own.identity == entry.who.identity and entry.new_key != name_key:
        return Rejection("not_allowed", f"You are {own.name!r} in every room: your token says so.")
    new = replace(entry.who, name=entry.new_name, name_key=entry.new_key, skeleton=entry.new_skeleton)
    # Another spelling of one's own name is never taken, but two participants never become one.
    if entry.new_key != name_key and entry.new_key in room.participants:
        return Rejection("name_taken", f"The name {entry.new_name!r} is taken here; choose another one.")
    # Nobody who goes by the new name may be banned or muted either.
    refused = taken(room, new) or refusal(room, new, Action.CONVERSE, entry.at)
    if refused is not None:
        return refused
    if entry.new_name == participant.name:
        return NOTHING
    verified = is_verified(room.server, new)
    event = ParticipantRenamed(room.last + 1, now_in(room, entry.at), participant.name, entry.new_name, verified)
    renamed = facts.Renamed(name_key, entry.new_key, entry.new_name, entry.new_skeleton, verified)
    # Its time to come back is counted under its name, so under the new one it starts again.
    return (event, renamed, facts.WentAway(entry.new_key, entry.at)) if participant.away else (event, renamed)


def speaker_of(room: Room, entry: entries.Post | entries.Change) -> tuple[str, str, bool] | Rejection:
    """The name under which an entry speaks, its key, and whether it is verified.

    A connection's participant may have been renamed since.
    """
    name_key = room.connections.get(entry.connection)
    if name_key is not None:
        participant = room.participants[name_key]
        return participant.name, name_key, participant.verified
    who = entry.who
    return taken(room, who) or (who.name, who.name_key, is_verified(room.server, who))


def taken(room: Room, who: Principal) -> Rejection | None:
    """Why ``who`` may not speak under its name here, or None."""
    if is_holder(room.server, who):
        return None
    holder = room.participants.get(who.name_key)
    if holder is not None and holder.identity != who.identity:
        return Rejection("name_taken", f"Somebody else holds the name {who.name!r} here; choose another one.")
    refused = anothers(room.server, who)
    if refused is None and holder is None:
        for name_key in room.alike.get(who.skeleton, ()):
            other = room.participants[name_key]
            if other.identity != who.identity:
                text = f"The name {who.name!r} looks like {other.name!r}, which somebody else holds here"
                return Rejection("name_taken", f"{text}; choose another one.")
    return refused
