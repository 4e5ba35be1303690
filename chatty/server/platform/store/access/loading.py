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
    invitation_of_id,
    is_known,
    name_of,
    token_of_id,
)


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

    def load_for(self, scope: Scope, who: Principal, at: int, *name_keys: str) -> None:
        """Load the rows that decide about ``who`` in ``scope``, and the holders of its name, or of ``name_keys``."""
        if scope.access is not OPEN or self.server.access is not OPEN or who.token:
            known = remembered(scope, who, at)
            # Somebody without any right is told what the server knows of it, which isn't remembered.
            if known is None or not known.rights:
                self.load_standing(scope, who)
                remember(scope, who, at)
                self.remembered += known is None
        if self.has_names:
            for key in name_keys or (who.name_key,):
                self._load_name(key)

    def load_for_ruling(self, scope: Scope, entry: Ruling) -> None:
        """Load the rows that ``entry`` is about, and those of its author."""
        self.load_standing(scope, entry.who)
        target = entry.whom if isinstance(entry, GrantEntry | Kick | Restrict) else Target()
        name_key = entry.name_key if isinstance(entry, Issue | Invite) else target.name_key
        if name_key:
            self._load_name(name_key)
        if isinstance(entry, SignIn):
            self._load_name(entry.who.name_key)
            self._load_called(entry.who.identity)
        if isinstance(entry, Issue):
            self._load_called(entry.identity)
        if isinstance(entry, Issue | SignIn | Revoke):
            self._load_token(entry.id)
        one = whom(scope, target)
        holder = self.server.names.get(name_key)
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
        names = {who.name_key, name_of(self._db, who.identity)[1]}
        if one is not None:
            names.add(one.name_key)
            self._load_grants(scope, one.inviter)
            if one.token:
                self._load_token(one.token)
        for name_key in sorted(filter(None, names)):
            self._load_name(name_key)

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
        self.has_names = self.has_names or bool(self.server.names)

    def drop(self) -> None:
        """Drop rows from memory that can be loaded again."""
        self.remembered = 0
        server = self.server
        for rows in (server.grants, server.tokens, server.names, server.called, server.invitations, server.decided):
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

    def _load_name(self, name_key: str) -> None:
        if name_key not in self.server.names:
            self.server.names[name_key] = holder_of(self._db, name_key)
            self.remembered += 1

    def _load_called(self, identity: bytes) -> None:
        if identity not in self.server.called:
            name, name_key = name_of(self._db, identity)
            self.server.called[identity] = Principal(identity, Trust.VERIFIED, name, name_key) if name else None
            self.remembered += 1
