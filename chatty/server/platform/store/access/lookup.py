"""Looking up the rows that somebody's rights follow from, for the writer as well as for readers."""

from __future__ import annotations

import sqlite3
from typing import Final

from chatty.server.business.access import Standing, shows_owner
from chatty.server.business.rights import (
    READ,
    SERVER,
    Access,
    Grant,
    Invitation,
    Of,
    Principal,
    Restriction,
    Token,
    Trust,
    canonical,
)

SERVER_KEY: Final = 0
"""The server scope's key, in the place of a room's."""

MOST_RULES: Final = 10_000
"""Scopes whose rules a thread keeps."""

_TOKEN: Final = "SELECT id, identity, cap, room, expires_at, revoked_at FROM tokens WHERE"

_NAME: Final = "SELECT identity, name, name_key, skeleton FROM names WHERE"


def access_of(db: sqlite3.Connection, key: int) -> Access:
    """A scope's rules."""
    columns = "everyone, locked, topic, less, slow, password"
    policy = db.execute(f"SELECT {columns} FROM policies WHERE room = ?", (key,)).fetchone()  # noqa: S608 - our own
    restrictions = tuple(
        Restriction(one, Of(of), value, rights, until, name)
        for one, of, value, rights, until, name in db.execute(
            "SELECT id, of, value, rights, until, name FROM restrictions WHERE room = ? ORDER BY at, id, of, value",
            (key,),
        ).fetchall()
    )
    if policy is None:
        return canonical(Access(restrictions=restrictions))
    everyone, locked, topic, less, slow, password = policy
    return canonical(Access(everyone, bool(locked), topic, bool(less), restrictions, slow, password))


def grant_of(db: sqlite3.Connection, key: int, identity: bytes) -> Grant | None:
    """The role that an identity was given in a scope."""
    row = db.execute("SELECT role, until, via FROM grants WHERE room = ? AND identity = ?", (key, identity)).fetchone()
    return Grant(*row) if row else None


def grants_via(db: sqlite3.Connection, key: int, via: str) -> list[bytes]:
    """The identities that an invitation let into a scope, or its password."""
    rows = db.execute("SELECT identity FROM grants WHERE via = ? AND via <> '' AND room = ?", (via, key))
    return [identity for (identity,) in rows.fetchall()]


def invitation_of_id(db: sqlite3.Connection, invitation: str) -> Invitation | None:
    """The invitation with this public id."""
    columns = "id, room, role, uses, until, inviter, token, by, name, name_key, skeleton"
    row = db.execute(f"SELECT {columns} FROM invitations WHERE id = ?", (invitation,)).fetchone()  # noqa: S608
    return Invitation(*row) if row else None


def invitation_of_hash(db: sqlite3.Connection, hashed: bytes) -> str:
    """The public id of the invitation whose secret has this hash; empty if there is none."""
    row = db.execute("SELECT id FROM invitations WHERE hash = ?", (hashed,)).fetchone()
    return row[0] if row else ""


def _granted(db: sqlite3.Connection, key: int, identity: bytes) -> dict[int, Grant]:
    """The roles that an identity was given in a scope and on the server, in one step if there are none."""
    sql = "SELECT room, role, until, via FROM grants WHERE room IN (?, ?) AND identity = ?"
    return {room: Grant(*row) for room, *row in db.execute(sql, (key, SERVER_KEY, identity)).fetchall()}


def is_known(db: sqlite3.Connection, who: Principal, server_rules: Access, in_server: Grant | None) -> bool:
    """Whether some row speaks for ``who`` in any scope; where the server lets everybody in, it doesn't matter."""
    if who.token or server_rules.everyone & READ:
        return True
    if who.trust < Trust.KEY:  # anybody may show such an identity, so nothing speaks for it, whatever is in memory
        return False
    granted = "SELECT 1 FROM grants WHERE identity = ? LIMIT 1"
    return in_server is not None or db.execute(granted, (who.identity,)).fetchone() is not None


def token_of_id(db: sqlite3.Connection, token_id: str) -> Token | None:
    """The token with this public id."""
    row = db.execute(f"{_TOKEN} id = ?", (token_id,)).fetchone()
    return Token(*row) if row else None


def token_of_hash(db: sqlite3.Connection, hashed: bytes) -> Token | None:
    """The token whose secret has this hash."""
    row = db.execute(f"{_TOKEN} hash = ?", (hashed,)).fetchone()
    return Token(*row) if row else None


def holder_of(db: sqlite3.Connection, name_key: str) -> Principal | None:
    """The identity whose name this is in every room, if it is reserved."""
    row = db.execute(f"{_NAME} name_key = ?", (name_key,)).fetchone()
    return _holder(*row) if row else None


def holders_like(db: sqlite3.Connection, skeleton: str) -> tuple[Principal, ...]:
    """The identities whose reserved names have this skeleton: one at most, but for those from before there were any."""
    rows = db.execute(f"{_NAME} skeleton = ? ORDER BY name_key", (skeleton,)).fetchall()
    return tuple(_holder(*row) for row in rows)


def named(db: sqlite3.Connection, identity: bytes) -> Principal:
    """An identity under its reserved name; without one if it has none."""
    row = db.execute(f"{_NAME} identity = ?", (identity,)).fetchone()
    return _holder(*row) if row else Principal(identity, Trust.VERIFIED)


def _holder(identity: bytes, name: str, name_key: str, skeleton: str) -> Principal:
    return Principal(identity, Trust.VERIFIED, name, name_key, skeleton=skeleton)


def has_names(db: sqlite3.Connection) -> bool:
    """Whether any name is reserved."""
    return db.execute("SELECT 1 FROM names LIMIT 1").fetchone() is not None


def has_ended_rights(db: sqlite3.Connection, by: int) -> bool:
    """Whether there are rights that ended at or before ``by``."""
    ends = [("tokens", "expires_at"), ("tokens", "revoked_at")]
    ends += [(table, "until") for table in ("grants", "restrictions", "invitations")]
    return any(
        db.execute(f"SELECT 1 FROM {table} WHERE {end} > 0 AND {end} <= ? LIMIT 1", (by,)).fetchone()  # noqa: S608
        for table, end in ends
    )


def rulings(db: sqlite3.Connection) -> int:
    """The number of the last ruling: as long as it is the same, so are all rules."""
    (last,) = db.execute("SELECT max(n) FROM audit").fetchone()
    return last or 0


class RulesCache:
    """The rules of scopes as one thread read them last. They are read again after every ruling."""

    def __init__(self) -> None:
        self.rulings = -1
        """The last ruling when they were read."""
        self._rules: dict[str, Access] = {}

    def standing(self, db: sqlite3.Connection, key: int, scope: str, owner: bytes, who: Principal) -> Standing:
        """The standing of ``who`` in a scope, within one transaction."""
        if (last := rulings(db)) != self.rulings or len(self._rules) > MOST_RULES:
            self.rulings, self._rules = last, {}
        rules, server_rules = self._of(db, scope, key), self._of(db, SERVER, SERVER_KEY)
        token = token_of_id(db, who.token) if who.token else None
        granted = _granted(db, key, who.identity) if who.trust >= Trust.KEY else {}
        in_scope, in_server = granted.get(key), granted.get(SERVER_KEY)
        knows = is_known(db, who, server_rules, in_server)
        owns = shows_owner(owner, who)
        return Standing(who, scope, rules, server_rules, in_scope, in_server, token, owns, knows)

    def _of(self, db: sqlite3.Connection, scope: str, key: int) -> Access:
        # By the id, so that a room that isn't there is looked up as often as one that is.
        if scope not in self._rules:
            self._rules[scope] = access_of(db, key)
        return self._rules[scope]
