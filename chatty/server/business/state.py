"""A room's working state, and how facts change it.

The state is what ``decide`` needs to know, and no more: events are in the
store. ``evolve`` is total, so a fact never fails, whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from chatty.events import Message
from chatty.server.business.facts import (
    Amended,
    Audited,
    Closed,
    Connected,
    Created,
    Departed,
    Disconnected,
    Edited,
    Erased,
    Evicted,
    Fact,
    Granted,
    IdempotencyKeyUsed,
    Implicated,
    Invited,
    Issued,
    Lifted,
    PolicySet,
    Produced,
    Purged,
    Reacted,
    Renamed,
    Reserved,
    Restricted,
    Retimed,
    Retitled,
    Revoked,
    Spoke,
    Trimmed,
    Uninvited,
    Used,
    WentAway,
)
from chatty.server.business.rights import (
    OPEN,
    SERVER,
    Access,
    Grant,
    Invitation,
    Principal,
    Rights,
    Token,
    Trust,
    canonical,
)


class Participant(Struct):
    """An identity in a room, under a name. ``away`` is the time since when it has been away, or 0 while it is here.
    ``verified``: the name is its own in every room.
    """

    name: str
    identity: bytes
    trust: Trust
    connections: set[str]
    away: int = 0
    skeleton: str = ""
    verified: bool = False

    @property
    def resumable(self) -> bool:
        """Whether it may come back after it has lost its connection."""
        return self.trust > Trust.NONE


class TargetMessage(Struct, frozen=True):
    """The message that an entry is about: as it is now, its author, and the reactions that the entry's author has."""

    message: Message
    author: bytes
    reactions: frozenset[str] = frozenset()


class Decided(Struct, frozen=True, gc=False):
    """The rights of somebody in a scope, from ``since`` on until ``until`` (0 for good), unless there is a ruling."""

    rulings: int
    since: int
    until: int
    rights: Rights


class Server(Struct):
    """The server scope's working state: the outermost room, as far as rights are concerned.

    Of its many rows it has those that an entry is about, which the store loads
    before: ``names`` are those that are reserved, by their keys, ``alike`` the
    same by their skeletons, and ``called`` by their holders' identities.
    ``knows``: some row speaks for the entry's author, in any scope.
    ``rulings`` counts facts that change rights, as long as this is in memory.
    """

    key: int = 0
    id: str = SERVER
    access: Access = OPEN
    grants: dict[bytes, Grant | None] = field(default_factory=dict)
    tokens: dict[str, Token | None] = field(default_factory=dict)
    names: dict[str, Principal | None] = field(default_factory=dict)
    alike: dict[str, tuple[Principal, ...]] = field(default_factory=dict)
    invitations: dict[str, Invitation | None] = field(default_factory=dict)
    called: dict[bytes, Principal | None] = field(default_factory=dict)
    knows: bool = True
    rulings: int = 0
    decided: dict[tuple[bytes, Trust, str, str, str], Decided] = field(default_factory=dict)


class Room(Struct):
    """A room's working state. ``key`` is the store's number for it.

    Times are milliseconds since 1970, or 0 for never. Two are in the form in
    which they are sent, RFC 3339 in UTC, which orders as text: ``at`` is the
    last event's, ``trimmed_at`` is what that was when events were last
    forgotten, and ``settled_at`` is the newest that a `CorrectTimes` leaves: the
    store looks it up for such an entry. ``alike`` has the keys of participants'
    names by what they look like.
    """

    key: int
    id: str
    name: str = ""
    topic: str = ""
    epoch: str = ""
    owner: bytes = b""
    created_at: int = 0
    expires_at: int = 0
    closed_at: int = 0
    exists: bool = False
    first: int = 1
    last: int = 0
    at: str = ""
    settled_at: str = ""
    trimmed_at: str = ""
    participants: dict[str, Participant] = field(default_factory=dict)
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    producers: dict[tuple[bytes, str], Produced] = field(default_factory=dict)
    idempotency_keys: dict[tuple[bytes, str], tuple[bytes, int]] = field(default_factory=dict)
    spoke: dict[bytes, Spoke] = field(default_factory=dict)
    targets: dict[int, TargetMessage] = field(default_factory=dict)
    access: Access = OPEN
    grants: dict[bytes, Grant | None] = field(default_factory=dict)
    server: Server = field(default_factory=Server)
    decided: dict[tuple[bytes, Trust, str, str, str], Decided] = field(default_factory=dict)

    def admit(self, name_key: str, participant: Participant) -> None:
        """``participant`` is here, under the name with this key."""
        self.participants[name_key] = participant
        if participant.skeleton:
            self.alike[participant.skeleton] = tuple(sorted((*self.alike.get(participant.skeleton, ()), name_key)))

    def dismiss(self, name_key: str) -> Participant | None:
        """The participant with this name, if there was one, is no longer here."""
        participant = self.participants.pop(name_key, None)
        if participant is not None and participant.skeleton:
            left = tuple(key for key in self.alike.pop(participant.skeleton) if key != name_key)
            if left:
                self.alike[participant.skeleton] = left
        return participant


Scope = Room | Server
"""What has rules of its own."""


def server_of(scope: Scope) -> Server:
    """The server scope that a scope lies in, or is."""
    return scope.server if type(scope) is Room else scope  # type: ignore[return-value]


def evolve(room: Scope, fact: Fact) -> None:
    """Apply ``fact`` to ``room``, or to the server scope, to which facts about tokens and names belong."""
    change = _EVOLVE.get(type(fact))
    if change is not None:
        change(room, fact)
    else:
        # Every other fact is an event, and events change nothing else.
        room.last, room.at = fact.seq, fact.at  # type: ignore[union-attr]


def _created(room: Room, fact: Created) -> None:
    room.exists = True
    room.name, room.topic, room.epoch, room.owner = fact.name, fact.topic, fact.epoch, fact.owner
    room.created_at, room.expires_at = fact.created_at, fact.expires_at


def _connected(room: Room, fact: Connected) -> None:
    who = fact.who
    participant = room.participants.get(who.name_key)
    if participant is None:
        participant = Participant(who.name, who.identity, who.trust, set(), skeleton=who.skeleton)
        room.admit(who.name_key, participant)
    participant.trust = max(participant.trust, who.trust)
    participant.verified = participant.verified or fact.verified
    participant.connections.add(fact.connection)
    participant.away = 0
    room.connections[fact.connection] = who.name_key


def _disconnected(room: Room, fact: Disconnected) -> None:
    room.connections.pop(fact.connection, None)
    if fact.name_key in room.participants:
        room.participants[fact.name_key].connections.discard(fact.connection)


def _went_away(room: Room, fact: WentAway) -> None:
    if fact.name_key in room.participants:
        room.participants[fact.name_key].away = fact.away


def _departed(room: Room, fact: Departed | Evicted) -> None:
    participant = room.dismiss(fact.name_key)
    for connection in participant.connections if participant else ():
        room.connections.pop(connection, None)


def _closed(room: Room, fact: Closed) -> None:
    room.closed_at = fact.at
    room.participants.clear()
    room.alike.clear()
    room.connections.clear()


def _produced(room: Room, fact: Produced) -> None:
    room.producers[fact.identity, fact.producer] = fact


def _spoke(room: Room, fact: Spoke) -> None:
    room.spoke[fact.speaker] = fact


def _idempotency_key_used(room: Room, fact: IdempotencyKeyUsed) -> None:
    room.idempotency_keys[fact.identity, fact.key] = (fact.digest, fact.seq)


def _retitled(room: Room, fact: Retitled) -> None:
    room.topic = fact.topic


def _renamed(room: Room, fact: Renamed) -> None:
    participant = room.dismiss(fact.name_key)
    if participant is not None:
        participant.name, participant.skeleton, participant.verified = fact.name, fact.skeleton, fact.verified
        room.admit(fact.new_key, participant)
        room.connections.update(dict.fromkeys(participant.connections, fact.new_key))


def _of_a_message(room: Room, fact: Amended | Edited | Erased | Reacted) -> None:
    """Messages are in the store. A room only has the one that the entry is about, which is loaded for each entry."""


def _trimmed(room: Room, fact: Trimmed) -> None:
    room.first, room.trimmed_at = fact.first, room.at


def _retimed(room: Room, fact: Retimed) -> None:
    if room.expires_at and room.created_at >= fact.since:  # it was counted from there
        room.expires_at = max(1, room.expires_at - fact.by)
    room.created_at, room.closed_at = fact.moment(room.created_at), fact.moment(room.closed_at)
    room.at, room.trimmed_at = fact.text(room.at), fact.text(room.trimmed_at)


def _issued(server: Server, fact: Issued) -> None:
    server.tokens[fact.token.id] = fact.token
    server.rulings += 1


def _revoked(server: Server, fact: Revoked) -> None:
    token = server.tokens.get(fact.id)
    if token is not None:
        server.tokens[fact.id] = replace(token, revoked_at=fact.at)
    server.rulings += 1


def _reserved(server: Server, fact: Reserved) -> None:
    holder = server.names[fact.name_key] = server.called[fact.identity] = fact.holder
    server.alike[fact.skeleton] = (*server.alike.get(fact.skeleton, ()), holder)


def _granted(scope: Scope, fact: Granted) -> None:
    scope.grants[fact.identity] = fact.grant
    server_of(scope).rulings += 1


def _policy_set(scope: Scope, fact: PolicySet) -> None:
    scope.access = canonical(fact.changed(scope.access))
    server_of(scope).rulings += 1


def _restricted(scope: Scope, fact: Restricted) -> None:
    scope.access = replace(scope.access, restrictions=(*scope.access.restrictions, fact.restriction))
    server_of(scope).rulings += 1


def _lifted(scope: Scope, fact: Lifted) -> None:
    left = tuple(one for one in scope.access.restrictions if one.id != fact.id)
    scope.access = canonical(replace(scope.access, restrictions=left))
    server_of(scope).rulings += 1


def _invited(server: Server, fact: Invited) -> None:
    server.invitations[fact.invitation.id] = fact.invitation


def _used(server: Server, fact: Used) -> None:
    one = server.invitations.get(fact.id)
    if one is not None:
        server.invitations[fact.id] = replace(one, uses=fact.left)


def _uninvited(server: Server, fact: Uninvited) -> None:
    server.invitations[fact.id] = None


def _of_the_store(scope: Scope, fact: Audited | Implicated) -> None:
    """The audit log is in the store, and so are those whose messages may be looked for."""


def _purged(room: Room, fact: Purged) -> None:
    room.exists = False
    room.access = OPEN
    room.grants.clear()
    room.decided.clear()
    room.participants.clear()
    room.alike.clear()
    room.connections.clear()
    room.producers.clear()
    room.idempotency_keys.clear()
    room.spoke.clear()


SERVER_FACTS: Final = frozenset({Issued, Revoked, Reserved, Invited, Used, Uninvited})
"""Facts that change the server scope, whichever scope the entry was about."""

_EVOLVE: Final[dict[type, Callable[[Any, Any], None]]] = {
    Created: _created,
    Connected: _connected,
    Disconnected: _disconnected,
    WentAway: _went_away,
    Departed: _departed,
    Evicted: _departed,
    Closed: _closed,
    Produced: _produced,
    Spoke: _spoke,
    IdempotencyKeyUsed: _idempotency_key_used,
    Amended: _of_a_message,
    Edited: _of_a_message,
    Erased: _of_a_message,
    Reacted: _of_a_message,
    Retitled: _retitled,
    Renamed: _renamed,
    Trimmed: _trimmed,
    Retimed: _retimed,
    Purged: _purged,
    Issued: _issued,
    Revoked: _revoked,
    Reserved: _reserved,
    Granted: _granted,
    PolicySet: _policy_set,
    Restricted: _restricted,
    Lifted: _lifted,
    Invited: _invited,
    Used: _used,
    Uninvited: _uninvited,
    Implicated: _of_the_store,
    Audited: _of_the_store,
}
