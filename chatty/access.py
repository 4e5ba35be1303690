"""The bodies of requests about tokens, roles, policies and restrictions, for servers and clients. No I/O.

docs/access.md says who may do what, and docs/protocol.md how to ask for it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatty.protocol import LAST_SEQ

Role = Literal["nobody", "reader", "poster", "member", "moderator", "owner"]
"""A set of rights, which somebody has in a room or on the server. A higher one has all rights of a lower one."""

ROOM_ROLES: tuple[Role, ...] = ("nobody", "reader", "poster", "member", "moderator", "owner")
MOST_SLOW = 86_400
MOST_REASON = 200
MOST_LABEL = 100
MOST_NAME = 128
MOST_ID_TOKEN = 32_768
"""Characters; somebody may be in many groups."""
Reason = Annotated[str, Meta(max_length=MOST_REASON)]
Called = Annotated[str, Meta(max_length=MOST_NAME)]
"""What somebody is called. It is kept, so it is not much longer than a name can be."""
MOST_USES = 1_000
Secret = Annotated[str, Meta(max_length=100)]
Password = Annotated[str, Meta(max_length=1_000)]
"""Longer than any that is accepted: what is wrong with it is said where it is set."""
MessageNumber = Annotated[int, Meta(ge=0, le=LAST_SEQ)]
Seconds = Annotated[float, Meta(gt=0, le=10 * 366 * 24 * 3600)]


class OidcClient(Struct, frozen=True):
    """The OpenID provider that a server believes, and which client of it the server's ID tokens are for."""

    issuer: str
    client_id: str


class ServerInfo(Struct, frozen=True, omit_defaults=True):
    """``GET /v1``. ``access`` is ``open`` or ``token``; ``sign_in`` are the ways to get a token.

    ``token``: an administrator gives one. ``oidc``: an ID token of `OidcClient`
    is exchanged for one. ``proxy``: a proxy in front asks who somebody is.
    """

    name: str
    access: str
    sign_in: list[str]
    oidc: OidcClient | None = None


class SignInProof(Struct, frozen=True, omit_defaults=True):
    """``POST /v1/login``. Where a proxy tells who somebody is, there is nothing else to say."""

    id_token: Annotated[str, Meta(max_length=MOST_ID_TOKEN)] = ""


class GrantedRoom(Struct, frozen=True, omit_defaults=True):
    """A room in which the one who asks was given a role."""

    id: str
    name: str
    role: Role
    until: str | None = None


class Me(Struct, frozen=True, omit_defaults=True):
    """``GET /v1/me``: who the server thinks that this is. ``trust`` is none, weak, key, verified or operator.

    ``can`` are the rights on the server. ``token`` is the public id of the token that was shown.
    """

    identity: str
    trust: str
    can: list[str]
    role: Role
    rooms: list[GrantedRoom]
    name: str | None = None
    token: str | None = None
    expires_at: str | None = None


class NewToken(Struct, frozen=True, omit_defaults=True):
    """``POST /v1/tokens``. Without a ``name``, the token is for the one who asks.

    ``role``: it is worth no more than that. With a ``room``, it counts there
    alone, and the name gets the role there. ``admin``: the name owns the server.
    """

    name: str = ""
    room: str = ""
    role: Role | None = None
    admin: bool = False
    expires_in: Seconds | None = None
    label: Annotated[str, Meta(max_length=MOST_LABEL)] = ""


class TokenInfo(Struct, frozen=True, omit_defaults=True):
    """A token, but for its secret. ``can`` is what it is worth at most."""

    id: str
    can: list[str]
    by: str
    at: str
    name: str | None = None
    room: str | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    label: str = ""


class IssuedToken(TokenInfo, frozen=True, omit_defaults=True, kw_only=True):
    """The answer to `NewToken`. ``token`` is the secret, which is shown this once."""

    token: str


class Tokens(Struct, frozen=True):
    """``GET /v1/tokens``."""

    tokens: list[TokenInfo]


class MemberInfo(Struct, frozen=True, omit_defaults=True):
    """Somebody with a role of its own. ``identity`` names it where its name doesn't."""

    name: str
    identity: str
    role: Role
    by: str
    until: str | None = None


class Members(Struct, frozen=True):
    """``GET …/members``. ``everyone`` is the role of all others."""

    members: list[MemberInfo]
    everyone: Role


class NewRole(Struct, frozen=True, omit_defaults=True):
    """``PUT …/members/{name}``."""

    role: Role
    expires_in: Seconds | None = None


class Policy(Struct, frozen=True, omit_defaults=True):
    """``GET …/policy``, and in part ``PUT``. ``topic`` is the role that may set the topic.

    ``slow`` is how many seconds a member of a room has to wait between two messages, 0 for none.
    ``password`` is only ever sent to the server: a room's new one, or an empty one for none. The server tells
    no more than that there is one: ``has_password``.
    """

    everyone: Literal["nobody", "reader", "poster", "member"] | None = None
    locked: bool | None = None
    topic: Literal["member", "moderator"] | None = None
    slow: Annotated[float, Meta(ge=0, le=MOST_SLOW)] | None = None
    password: Password | None = None
    has_password: bool | None = None


class NewInvitation(Struct, frozen=True, omit_defaults=True):
    """``POST …/invitations``: to a ``role``, for the first ``uses`` to accept it.

    With a ``name``, which only administrators may give, the one who accepts it is called so.
    """

    role: Literal["reader", "poster", "member", "moderator", "owner"] = "member"
    uses: Annotated[int, Meta(ge=1, le=MOST_USES)] = 1
    expires_in: Seconds = 24 * 3600
    name: Called = ""


class InvitationInfo(Struct, frozen=True, omit_defaults=True):
    """An invitation, but for its secret. ``uses`` is how often it can still be accepted."""

    id: str
    role: Role
    uses: int
    by: str
    at: str
    until: str | None = None
    name: str = ""


class MadeInvitation(InvitationInfo, frozen=True, omit_defaults=True, kw_only=True):
    """The answer to `NewInvitation`. ``invitation`` is the secret, which is shown this once."""

    invitation: str


class Invitations(Struct, frozen=True):
    """``GET …/invitations``, the newest first."""

    invitations: list[InvitationInfo]


class Admission(Struct, frozen=True, omit_defaults=True):
    """``POST …/admission``: an ``invitation``, or the room's ``password``. ``name``: what the list of members says."""

    invitation: Secret = ""
    password: Password = ""
    name: Called = ""


class Admitted(Struct, frozen=True, omit_defaults=True):
    """The answer to `Admission`: the role that the one who asks has, in the ``room``, or on the server.

    ``name`` is reserved for the one who asks, if the invitation was for a name.
    """

    role: Role
    room: str = ""
    room_name: str = ""
    name: str = ""


class NewRestriction(Struct, frozen=True, omit_defaults=True):
    """``POST …/restrictions``: for a ``name``, an ``identity``, the author of message ``of``, or an ``address``."""

    act: Literal["ban", "mute"]
    name: Called = ""
    identity: Called = ""
    of: MessageNumber = 0
    address: Called = ""
    expires_in: Seconds | None = None
    reason: Reason = ""


class RestrictionInfo(Struct, frozen=True, omit_defaults=True):
    """Restrictions that were made together. ``holds_for`` has some of identity, name and address.

    ``authors``: how many people's messages can be deleted by it, of which
    those who came from the same addresses are some.
    """

    id: str
    act: Literal["ban", "mute"]
    name: str
    holds_for: list[str]
    by: str
    at: str
    until: str | None = None
    reason: str = ""
    authors: int = 0


class Restrictions(Struct, frozen=True):
    """``GET …/restrictions``."""

    restrictions: list[RestrictionInfo]


class NewKick(Struct, frozen=True, omit_defaults=True):
    """``POST …/kick``: a ``name``, or the author of message ``of``."""

    name: Called = ""
    of: MessageNumber = 0
    reason: Reason = ""


class NewDeletion(Struct, frozen=True, omit_defaults=True):
    """``POST …/deletions``: the ``messages`` with these numbers; or all that were written under a ``name``, by the
    author of message ``of``, or by those whom a ``restriction`` implicates.

    ``since`` (RFC 3339) leaves out older ones. ``before`` goes on with those
    before that number, as the answer to the last request says.
    """

    messages: Annotated[list[MessageNumber], Meta(max_length=1_000)] = []
    name: Called = ""
    of: MessageNumber = 0
    restriction: Called = ""
    since: Called | None = None
    before: MessageNumber = 0
    reason: Reason = ""


class Deleted(Struct, frozen=True, omit_defaults=True):
    """How many messages were ``deleted``, and how many ``kept``, because they are those of an equal or are gone.

    ``before``: there may be more, from before that number.
    """

    deleted: int
    kept: int = 0
    before: int | None = None


class AuditEntry(Struct, frozen=True, omit_defaults=True):
    """Something that was ruled: by whom, what, and about whom."""

    n: int
    at: str
    by: str
    what: str
    whom: str = ""
    until: str | None = None
    reason: str = ""


class Audit(Struct, frozen=True):
    """``GET …/audit``, the newest first."""

    entries: list[AuditEntry]
