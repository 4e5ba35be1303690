"""Facts: the changes that an accepted entry makes. Members see those that are events; the state keeps the others."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from chatty.events import Event, Message, milliseconds, rfc3339
from chatty.server.business.rights import Access, Grant, Invitation, Principal, Restriction, Rights, Token, Trust


class Created(Struct, frozen=True, gc=False):
    """The room exists."""

    id: str
    name: str
    topic: str
    epoch: str
    owner: bytes
    created_at: int
    expires_at: int


class Connected(Struct, frozen=True, gc=False):
    """A participant has one more connection, so it is here. Its name is spelled as the room already spells it, and
    ``verified`` if it is the identity's own in every room.
    """

    connection: str
    who: Principal
    verified: bool = False

    @property
    def name_key(self) -> str:
        return self.who.name_key


class Disconnected(Struct, frozen=True, gc=False):
    """A connection is gone."""

    name_key: str
    connection: str


class WentAway(Struct, frozen=True, gc=False):
    """A participant lost its last connection and may come back. ``away``, its time, tells this absence from others."""

    name_key: str
    away: int


class Departed(Struct, frozen=True, gc=False):
    """A participant is no longer in the room."""

    name_key: str


class Evicted(Struct, frozen=True, gc=False):
    """A participant was sent away. Its connections end."""

    name_key: str


class Closed(Struct, frozen=True, gc=False):
    """The room accepts nothing more."""

    at: int


class Produced(Struct, frozen=True, gc=False):
    """``n`` is the last number that the room accepted from this producer.

    ``digest`` is that of all that was said up to there, and ``before`` the one up to the number before: see digests.py.
    """

    identity: bytes
    producer: str
    n: int
    at: int
    digest: bytes
    before: bytes


class Spoke(Struct, frozen=True, gc=False):
    """When ``speaker`` (see moderation/slow.py) last said and changed something in a slow room; 0: never."""

    speaker: bytes
    at: int
    changed_at: int


class IdempotencyKeyUsed(Struct, frozen=True, gc=False):
    """An idempotency key was used for the message ``seq``."""

    identity: bytes
    key: str
    digest: bytes
    seq: int
    at: int


class Amended(Struct, frozen=True, gc=False):
    """The message with this number is ``message`` from now on, wherever it is read."""

    message: Message


class Edited(Struct, frozen=True, gc=False):
    """The event ``seq`` holds the text of the message ``of``. Earlier edits of that message lose theirs."""

    of: int
    seq: int


class Erased(Struct, frozen=True, gc=False):
    """No text of the message ``of`` is kept, in no version."""

    of: int


class Reacted(Struct, frozen=True, gc=False):
    """A participant reacted to the message ``of`` with ``reaction``, or ``removed`` that reaction."""

    of: int
    identity: bytes
    reaction: str
    removed: bool


class Retitled(Struct, frozen=True, gc=False):
    """The room has a new topic."""

    topic: str


class Renamed(Struct, frozen=True, gc=False):
    """The participant ``name_key`` is now called ``name``. ``new_key`` and ``skeleton`` are that name's."""

    name_key: str
    new_key: str
    name: str
    skeleton: str
    verified: bool = False


class Trimmed(Struct, frozen=True, gc=False):
    """Events below ``first`` are forgotten."""

    first: int


class Retimed(Struct, frozen=True, gc=False):
    """Times from ``since`` on were ``by`` milliseconds ahead of the right ones, or behind them where that is negative.

    None of the right ones is before ``floor``, the time of the newest event
    that keeps its own, or after ``at``.
    """

    since: int
    by: int
    floor: str
    at: int

    def moment(self, ms: int) -> int:
        """The right time for a moment in milliseconds, of which 0 is none."""
        return ms if ms < self.since else max(1, min(ms - self.by, self.at))

    def text(self, at: str) -> str:
        """The right time for an event's."""
        return at if at < rfc3339(self.since) else max(self.floor, rfc3339(self.moment(milliseconds(at))))


class Purged(Struct, frozen=True, gc=False):
    """The room is forgotten."""


class Issued(Struct, frozen=True, gc=False):
    """There is a token, whose secret has the hash ``hash``."""

    token: Token
    hash: bytes
    label: str
    by: str
    at: int


class Revoked(Struct, frozen=True, gc=False):
    """A token is worth nothing from ``at`` on."""

    id: str
    at: int


class Reserved(Struct, frozen=True, gc=False):
    """A name is one identity's, in every room. Nobody else may have one that looks like it, either."""

    name_key: str
    name: str
    identity: bytes
    skeleton: str

    @property
    def holder(self) -> Principal:
        """The identity, under its name."""
        return Principal(self.identity, Trust.VERIFIED, self.name, self.name_key, skeleton=self.skeleton)


class Granted(Struct, frozen=True, gc=False):
    """An identity has a role in the scope until then, given by ``by``; without rights, none of its own any longer.

    ``name`` is what it was called at that time, and ``via`` is a grant's.
    """

    identity: bytes
    role: Rights
    until: int
    name: str
    by: str
    via: str = ""

    @property
    def grant(self) -> Grant | None:
        """What the identity has from here on."""
        return Grant(self.role, self.until, self.via) if self.role else None


class PolicySet(Struct, frozen=True, gc=False):
    """The scope's rules are these; its restrictions are as they were."""

    everyone: Rights
    locked: bool
    topic: Rights
    less: bool
    slow: int = 0
    password: str = ""

    def changed(self, access: Access) -> Access:
        """The rules that ``access`` becomes."""
        return Access(self.everyone, self.locked, self.topic, self.less, access.restrictions, self.slow, self.password)


class Restricted(Struct, frozen=True, gc=False):
    """A restriction holds in the scope."""

    restriction: Restriction
    by: str
    at: int
    reason: str


class Implicated(Struct, frozen=True, gc=False):
    """By the restriction ``id``, messages of these ``authors`` can be found: identities, and names where that isn't
    enough.
    """

    id: str
    authors: tuple[tuple[bytes, str], ...]


class Lifted(Struct, frozen=True, gc=False):
    """The restrictions of this id are over."""

    id: str


class Invited(Struct, frozen=True, gc=False):
    """There is an invitation, whose secret has the hash ``hash``."""

    invitation: Invitation
    hash: bytes
    at: int


class Used(Struct, frozen=True, gc=False):
    """An invitation was accepted, and has so many uses left."""

    id: str
    left: int


class Uninvited(Struct, frozen=True, gc=False):
    """An invitation is over."""

    id: str


class Audited(Struct, frozen=True, gc=False):
    """A ruling, for those who read the audit log. It stays there longer than what it changed."""

    at: int
    by: str
    what: str
    whom: str = ""
    until: int = 0
    reason: str = ""


ERASING: Final = frozenset({Erased, Purged})
"""With these, texts that were there are gone for good."""

Fact = (
    Event
    | Created
    | Connected
    | Disconnected
    | WentAway
    | Departed
    | Evicted
    | Closed
    | Produced
    | Spoke
    | IdempotencyKeyUsed
    | Amended
    | Edited
    | Erased
    | Reacted
    | Retitled
    | Renamed
    | Trimmed
    | Retimed
    | Purged
    | Issued
    | Revoked
    | Reserved
    | Granted
    | PolicySet
    | Restricted
    | Implicated
    | Lifted
    | Invited
    | Used
    | Uninvited
    | Audited
)
