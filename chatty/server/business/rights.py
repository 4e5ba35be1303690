"""Who may do what, as data: rights and roles, those who ask, and the rows that their rights follow from.

Rights are state, which entries change. A credential only shows an identity;
what that identity may do follows from the rows of the room and of the server.
The server is the outermost room, the *server scope*: its owners are the
administrators, and its ``everyone`` is what strangers may do anywhere.

Times are milliseconds since 1970. Where one says when something ends, 0 is never.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from msgspec import Struct

SERVER: Final = ""
"""The server scope's id, in the place of a room's."""


Rights = int
"""A set of rights, as bits: a role has some, a token is limited to some, a restriction takes some away."""

READ: Final = 1
POST: Final = 2
MODERATE: Final = 4
OWN: Final = 8

NOBODY: Final = 0
READER: Final = READ
POSTER: Final = POST
MEMBER: Final = READ | POST
MODERATOR: Final = MEMBER | MODERATE
OWNER: Final = MODERATOR | OWN

ROLES: Final[Mapping[str, Rights]] = {
    "nobody": NOBODY, "reader": READER, "poster": POSTER, "member": MEMBER, "moderator": MODERATOR, "owner": OWNER,
}  # fmt: skip
"""Each role is the set of its rights. A higher role has the larger number."""

RIGHTS: Final[Mapping[str, Rights]] = {"read": READ, "post": POST, "moderate": MODERATE, "own": OWN}
"""Each right, as it is called on the wire."""


def rights_named(rights: Rights) -> list[str]:
    """A set of rights as it is sent."""
    return [name for name, right in RIGHTS.items() if rights & right]


NAME_OF_ROLE: Final[Mapping[Rights, str]] = {rights: name for name, rights in ROLES.items()}


class Trust(IntEnum):
    """How much a credential proves. Below `KEY`, nobody can be granted anything, or be told from others by it."""

    NONE = 0  # a connection of its own, or all who post over HTTP without a key
    WEAK = 1  # a key that is short enough to be guessed
    KEY = 2  # a key that the client made for itself
    VERIFIED = 3  # a token that the server issued
    OPERATOR = 4  # the owner of the server's files: over its control socket, or by its settings


class Principal(Struct, frozen=True, gc=False, omit_defaults=True):
    """Somebody who asks for something: an identity, and under which name and from where it speaks.

    ``name_key`` is the name's form for comparing, and names that look alike
    share their ``skeleton``. ``token`` is the public id of the token that showed
    the identity, if it was one. ``address`` is the prefix by which addresses are
    limited and restricted; empty for loopback.
    """

    identity: bytes
    trust: Trust = Trust.NONE
    name: str = ""
    name_key: str = ""
    token: str = ""
    address: str = ""
    skeleton: str = ""

    @property
    def resumable(self) -> bool:
        """Whether the identity can prove itself again, so that its participant may go away and come back."""
        return self.trust > Trust.NONE

    def is_mistaken_for(self, other: Principal) -> bool:
        """Whether its name is the same as that of ``other``, or looks like it."""
        return self.name_key == other.name_key or self.skeleton == other.skeleton != ""


OPERATOR: Final = Principal(b"", Trust.OPERATOR)
"""The server itself, and everybody who has its files."""


def has_ended(until: int, at: int) -> bool:
    """Whether something that holds ``until`` then has ended at ``at``."""
    return 0 < until <= at


class Token(Struct, frozen=True, gc=False):
    """A credential that the server issued, by its public id. It is worth ``cap`` at most, in ``room`` alone if set."""

    id: str
    identity: bytes
    cap: Rights = OWNER
    room: str = SERVER
    expires_at: int = 0
    revoked_at: int = 0

    def is_valid(self, at: int) -> bool:
        """Whether it still counts."""
        return not self.revoked_at and not has_ended(self.expires_at, at)

    def limit(self, room: str) -> Rights:
        """The most that it is worth in ``room``."""
        return self.cap if self.room in (SERVER, room) else NOBODY


class Grant(Struct, frozen=True, gc=False):
    """The role that an identity was given in a room, or on the server.

    ``via`` is the id of the invitation that gave it, or `PASSWORD`; empty if somebody gave it otherwise.
    """

    role: Rights
    until: int = 0
    via: str = ""


PASSWORD: Final = "password"
"""What a grant came by, in the place of an invitation's id: the room's password."""
SIGN_IN: Final = "sign-in"
"""The same for what a sign-in gave, and the next one may change."""


class Invitation(Struct, frozen=True, gc=False):
    """A secret that gives ``role`` in the scope ``room``, as many times as it has ``uses`` left.

    ``inviter`` is its maker's identity, empty for the operator, and ``token`` the
    one that showed it: without their rights the invitation is worth nothing.
    Somebody who accepts it is called ``name`` from then on, if it has one.
    """

    id: str
    room: str
    role: Rights
    uses: int
    until: int
    inviter: bytes
    token: str = ""
    by: str = ""
    name: str = ""
    name_key: str = ""
    skeleton: str = ""

    @property
    def maker(self) -> Principal:
        """The one who invites."""
        if not self.inviter:
            return OPERATOR
        return Principal(self.inviter, Trust.VERIFIED if self.token else Trust.KEY, token=self.token)


class Of(IntEnum):
    """How those whom a restriction holds for are told from others."""

    IDENTITY = 0
    NAME = 1
    ADDRESS = 2
    SKELETON = 3  # names that look like that one


class Restriction(Struct, frozen=True, gc=False):
    """``rights`` that all are deprived of whose identity, name or address is ``value``.

    ``name`` is whom it is about, as people call them.
    A ban takes every right, a mute takes `POST`. Restrictions that were
    made together, against one person, share their ``id``.
    """

    id: str
    of: Of
    value: bytes | str
    rights: Rights
    until: int = 0
    name: str = ""

    def holds_for(self, who: Principal) -> bool:
        """Whether it is about ``who``."""
        if self.of is Of.IDENTITY:
            return who.trust >= Trust.KEY and who.identity == self.value
        if self.of is Of.ADDRESS:
            return who.address == self.value
        return (who.name_key if self.of is Of.NAME else who.skeleton) == self.value


class Access(Struct, frozen=True):
    """A scope's rules, but for what it granted to single identities. A change makes a new one.

    ``topic`` is the role that may set the topic. ``less``: somebody was granted less than everyone has. ``slow`` is how
    many milliseconds somebody has to wait after a message, and ``password`` the hash of the one that admits, if set.
    """

    everyone: Rights = MEMBER
    locked: bool = False
    topic: Rights = MEMBER
    less: bool = False
    restrictions: tuple[Restriction, ...] = ()
    slow: int = 0
    password: str = ""

    def taken(self, who: Principal, role: Rights, at: int) -> Rights:
        """The rights that ``who``, whose role is ``role``, is deprived of.

        For moderators only their identity counts. Otherwise one could shut oneself out by one's own address or name.
        """
        taken = NOBODY
        for one in self.restrictions:
            counts = one.of is Of.IDENTITY or role < MODERATOR
            if counts and one.holds_for(who) and not has_ended(one.until, at):
                taken |= one.rights
        return taken


OPEN: Final = Access()
"""The rules where nobody has made any: to know a room's id is to be a member."""


def canonical(access: Access) -> Access:
    """The same rules. Where there are none, it is the one object by which that is seen."""
    return OPEN if access == OPEN else access
