"""Facts about rights become rows. They are rare, so each is written at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from chatty.server.business.facts import (
    Audited,
    Granted,
    Implicated,
    Invited,
    Issued,
    Lifted,
    PolicySet,
    Reserved,
    Restricted,
    Revoked,
    Uninvited,
    Used,
)


def _issued(db: sqlite3.Connection, key: int, fact: Issued) -> None:
    token = fact.token
    row = (token.id, fact.hash, token.identity, token.cap, token.room, token.expires_at, token.revoked_at)
    db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, fact.label, fact.by, fact.at))


def _revoked(db: sqlite3.Connection, key: int, fact: Revoked) -> None:
    db.execute("UPDATE tokens SET revoked_at = ? WHERE id = ?", (fact.at, fact.id))


def _reserved(db: sqlite3.Connection, key: int, fact: Reserved) -> None:
    db.execute("INSERT INTO names VALUES (?, ?, ?, ?)", (fact.name_key, fact.name, fact.identity, fact.skeleton))


def _granted(db: sqlite3.Connection, key: int, fact: Granted) -> None:
    if not fact.role:
        db.execute("DELETE FROM grants WHERE room = ? AND identity = ?", (key, fact.identity))
        return
    db.execute(
        "INSERT OR REPLACE INTO grants (room, identity, role, until, name, by, via) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, fact.identity, fact.role, fact.until, fact.name, fact.by, fact.via),
    )


def _policy_set(db: sqlite3.Connection, key: int, fact: PolicySet) -> None:
    db.execute(
        "INSERT OR REPLACE INTO policies VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, fact.everyone, fact.locked, fact.topic, fact.less, fact.slow, fact.password),
    )


def _restricted(db: sqlite3.Connection, key: int, fact: Restricted) -> None:
    one = fact.restriction
    db.execute(
        "INSERT INTO restrictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (key, one.id, one.of, one.value, one.rights, one.until, one.name, fact.by, fact.at, fact.reason),
    )


def _implicated(db: sqlite3.Connection, key: int, fact: Implicated) -> None:
    rows = [(key, fact.id, *author) for author in fact.authors]
    db.executemany("INSERT OR IGNORE INTO implicated VALUES (?, ?, ?, ?)", rows)


def _lifted(db: sqlite3.Connection, key: int, fact: Lifted) -> None:
    db.execute("DELETE FROM restrictions WHERE room = ? AND id = ?", (key, fact.id))
    db.execute("DELETE FROM implicated WHERE room = ? AND restriction = ?", (key, fact.id))


def _invited(db: sqlite3.Connection, key: int, fact: Invited) -> None:
    one = fact.invitation
    row = (one.id, fact.hash, one.room, one.role, one.uses, one.until, one.inviter, one.token, one.by)
    db.execute(
        "INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, one.name, one.name_key, fact.at, one.skeleton),
    )


def _used(db: sqlite3.Connection, key: int, fact: Used) -> None:
    db.execute("UPDATE invitations SET uses = ? WHERE id = ?", (fact.left, fact.id))


def _uninvited(db: sqlite3.Connection, key: int, fact: Uninvited) -> None:
    db.execute("DELETE FROM invitations WHERE id = ?", (fact.id,))


def _audited(db: sqlite3.Connection, key: int, fact: Audited) -> None:
    db.execute(
        "INSERT INTO audit (room, at, by, what, whom, until, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, fact.at, fact.by, fact.what, fact.whom, fact.until, fact.reason),
    )


def delete_rules(db: sqlite3.Connection, key: int, room_id: str) -> None:
    """Forget the rules of a room that is forgotten, its tokens and its invitations. The audit log stays."""
    logged = "SELECT ?, ? WHERE EXISTS (SELECT 1 FROM audit WHERE room = ?)"
    db.execute(f"INSERT OR REPLACE INTO purged {logged}", (room_id, key, key))
    for table in ("grants", "policies", "restrictions", "implicated"):
        db.execute(f"DELETE FROM {table} WHERE room = ?", (key,))  # noqa: S608 - names of our own
    for table in ("tokens", "invitations"):
        db.execute(f"DELETE FROM {table} WHERE room = ? AND room <> ''", (room_id,))  # noqa: S608 - as above


def delete_ended(db: sqlite3.Connection, by: int) -> None:
    """Forget everything that ended at or before ``by``: it is worth nothing any more."""
    for ended in ("expires_at", "revoked_at"):
        db.execute(f"DELETE FROM tokens WHERE {ended} > 0 AND {ended} <= ?", (by,))  # noqa: S608 - as above
    for table in ("grants", "restrictions", "invitations"):
        db.execute(f"DELETE FROM {table} WHERE until > 0 AND until <= ?", (by,))  # noqa: S608 - names of our own
    db.execute(
        "DELETE FROM implicated WHERE NOT EXISTS (SELECT 1 FROM restrictions"
        " WHERE restrictions.room = implicated.room AND restrictions.id = implicated.restriction)"
    )


WRITE: Final[dict[type, Callable[[sqlite3.Connection, int, Any], None]]] = {
    Issued: _issued,
    Revoked: _revoked,
    Reserved: _reserved,
    Granted: _granted,
    PolicySet: _policy_set,
    Restricted: _restricted,
    Implicated: _implicated,
    Lifted: _lifted,
    Invited: _invited,
    Used: _used,
    Uninvited: _uninvited,
    Audited: _audited,
}
"""How each fact about rights is written, for the scope with this key."""
