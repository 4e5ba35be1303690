"""Loading the rows that the writer's rules need to decide about rights, once each, into the working state."""

from __future__ import annotations

import sqlite3
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from chatty.server.business.access import Standing, remember, remembered
from chatty.server.business.entries import (
    Admit,
    DeleteMessages,
    Invite,
    Issue,
    Kick,
    Lift,
    Rename,
    Restrict,
    Revoke,
    Ruling,
    SignIn,
    Target,
    Uninvite,
)
from chatty.server.business.entries import Grant as GrantEntry
from chatty.server.business.facts import Fact, Granted, Lifted, PolicySet, Restricted, Revoked
from chatty.server.business.moderation.restricting import restricted
from chatty.server.business.rights import OPEN, SERVER, Access, Grant, Invitation, Principal, Token, Trust
from chatty.server.business.state import Room, Scope, Server
from chatty.server.business.whom import whom
from chatty.server.platform.store.access.lookup import (
    access_of,
    grant_of,
    grants_via,
    has_names,
    holder_of,
    holders_like,
    invitation_of_id,
    is_known,
    named,
    token_of_id,
)

NameForms = tuple[str, str]
"""A name's key and its skeleton, each of them empty if it isn't looked up."""


def names_of(room: Room, entry: Rename) -> tuple[NameForms, NameForms]:
    """The names that a participant has and wants, as far as they are looked up."""
    return (room.connections.get(entry.connection, entry.who.name_key), ""), (entry.new_key, entry.new_skeleton)


class Rulings(Struct):
    """Changes of rights in a batch, for sessions and streams: by scope, by scope and identity, by token's id.

    ``evicted`` are connections of participants that were sent away.
    """

    access: dict[str, Access] = field(default_factory=dict)
    granted: dict[tuple[str, bytes], Grant | None] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    evicted: set[str] = field(default_factory=set)

    def applied(self, standing: Standing) -> Standing:
        """A standing as it is after these changes; the same object if they don't concern it."""
        changes: dict[str, Any] = {}
        scope, who = standing.scope, standing.who
        if scope in self.access:
            changes["rules"] = self.access[scope]
        if SERVER in self.access:
            changes["server_rules"] = self.access[SERVER]
        if (scope, who.identity) in self.granted:
            changes["in_scope"] = self.granted[scope, who.identity]
        if (SERVER, who.identity) in self.granted:
            changes["in_server"] = self.granted[SERVER, who.identity]
        if who.token in self.tokens:
            changes["token"] = self.tokens[who.token]
        return replace(standing, **changes) if changes else standing

    def note(self, scope: Scope, server: Server, fact: Fact) -> None:
        """``fact`` has changed ``scope``, or the ``server`` scope."""
        match fact:
            case Granted():
                self.granted[scope.id, fact.identity] = fact.grant
            case PolicySet() | Restricted() | Lifted():
                self.access[scope.id] = scope.access
            case Revoked(id=token_id):
                token = server.tokens.get(token_id)
                if token is not None:
                    self.tokens[token_id] = token
            case _:
                pass  # nobody who listens is affected


class Rights:
    """The server scope, and what of its rows is in memory."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.server = Server(access=access_of(db, 0))
        self.has_names = has_names(db)
        self.remembered = 0

    def load_for(self, scope: Scope, who: Principal, at: int, *names: NameForms) -> None:
        """Load the rows that decide about ``who`` in ``scope``, and the holders of its name, or of ``names``."""
        if scope.access is not OPEN or self.server.access is not OPEN or who.token:
            known = remembered(scope, who, at)
            # Somebody without any right is told what the server knows of it, which isn't remembered.
            if known is None or not known.rights:
                self.load_standing(scope, who)
                remember(scope, who, at)
                self.remembered += known is None
        if self.has_names:
            for name_key, skeleton in names or ((who.name_key, who.skeleton),):
                self._load_name(name_key, skeleton)

    def load_for_ruling(self, scope: Scope, entry: Ruling) -> None:
        """Load the rows that ``entry`` is about, and those of its author."""
        self.load_standing(scope, entry.who)
        if self.has_names:
            self._load_name(entry.who.name_key, "")
        target = entry.whom if isinstance(entry, GrantEntry | Kick | Restrict) else Target()
        called = entry if isinstance(entry, Issue | Invite) else target
        self._load_name(called.name_key, called.skeleton)
        if isinstance(entry, SignIn):
            self._load_name(entry.who.name_key, entry.who.skeleton)
            self._load_called(entry.who.identity)
        if isinstance(entry, Issue):
            self._load_called(entry.identity)
        if isinstance(entry, Issue | SignIn | Revoke):
            self._load_token(entry.id)
        one = whom(scope, target)
        holder = self.server.names.get(called.name_key)
        for identity in (one.identity if one else b"", holder.identity if holder else b""):
            self._load_grants(scope, identity)
        if isinstance(entry, Lift):
            for identity in restricted(scope, entry):
                self._load_grants(scope, identity)
        if isinstance(entry, DeleteMessages) and isinstance(scope, Room):
            self._load_authors(scope)
        if isinstance(entry, Invite | Uninvite):
            self._load_invitation(entry.id)
        if isinstance(entry, Uninvite):
            for identity in grants_via(self._db, scope.key, entry.id):
                self._load_grants(scope, identity)
        if isinstance(entry, Admit):
            self._load_for_admission(scope, entry)

    def _load_for_admission(self, scope: Scope, entry: Admit) -> None:
        who, one = entry.who, self._load_invitation(entry.invitation) if entry.invitation else None
        names = [(who.name_key, who.skeleton)]
        self._load_called(who.identity)
        if one is not None:
            names.append((one.name_key, one.skeleton))
            self._load_grants(scope, one.inviter)
            if one.token:
                self._load_token(one.token)
        for name_key, skeleton in names:
            self._load_name(name_key, skeleton)

    def load_for_deletion(self, room: Room, who: Principal) -> None:
        """Load the rows that decide whether ``who`` may delete the message that is loaded."""
        if any(one.author != who.identity for one in room.targets.values()):
            self.load_standing(room, who)
            self._load_authors(room)

    def _load_authors(self, room: Room) -> None:
        for one in room.targets.values():
            self._load_grants(room, one.author)

    def load_for_all(self, room: Room) -> None:
        """Load the rows that decide about all participants of ``room``."""
        for participant in room.participants.values():
            if participant.trust >= Trust.KEY:
                self._load_grants(room, participant.identity)

    def note(self) -> None:
        """A ruling was applied."""
        # Names that nobody has are remembered, too.
        self.has_names = self.has_names or any(self.server.names.values())

    def drop(self) -> None:
        """Drop rows from memory that can be loaded again."""
        self.remembered = 0
        for rows in self._loaded():
            rows.clear()

    def load_standing(self, scope: Scope, who: Principal) -> None:
        """Load the rows that decide about ``who`` in ``scope``, also if nobody has made rules there."""
        server = self.server
        if who.trust >= Trust.KEY:
            self._load_grants(scope, who.identity)
        if who.token:
            self._load_token(who.token)
        server.knows = is_known(self._db, who, server.access, server.grants.get(who.identity))

    def _load_grants(self, scope: Scope, identity: bytes) -> None:
        if not identity:
            return
        for one in (scope, self.server):
            if identity not in one.grants:
                one.grants[identity] = grant_of(self._db, one.key, identity)
                self.remembered += 1

    def _load_token(self, token_id: str) -> None:
        if token_id not in self.server.tokens:
            self.server.tokens[token_id] = token_of_id(self._db, token_id)
            self.remembered += 1

    def _load_invitation(self, invitation: str) -> Invitation | None:
        found = self.server.invitations
        if invitation not in found:
            found[invitation] = invitation_of_id(self._db, invitation)
            self.remembered += 1
        return found[invitation]

    def _load_name(self, name_key: str, skeleton: str) -> None:
        server = self.server
        if name_key and name_key not in server.names:
            server.names[name_key] = holder_of(self._db, name_key)
            self.remembered += 1
        if skeleton and skeleton not in server.alike:
            server.alike[skeleton] = holders_like(self._db, skeleton)
            self.remembered += 1

    def _load_called(self, identity: bytes) -> None:
        if identity not in self.server.called:
            holder = named(self._db, identity)
            self.server.called[identity] = holder if holder.name else None
            self.remembered += 1

    def _loaded(self) -> tuple[dict[Any, Any], ...]:
        server = self.server
        return (
            server.grants, server.tokens, server.names, server.alike, server.called, server.invitations,
            server.decided,
        )  # fmt: skip
