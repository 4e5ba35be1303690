"""What a restored backup must not revive: tokens, roles and invitations that were taken away since it was made.

Rights are only ever taken away here, never given: a backup is often restored because
the present data can't be trusted in full. Rules for everybody, bans and mutes come from
the present data as they are, and so does what its audit log has more.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chatty.server.platform.store.data_directory import read_only_uri
from chatty.server.platform.store.errors import StoreError, may_retry
from chatty.server.platform.store.schema import version

Tokens = Literal["keep", "revoke"]
"""How tokens and invitations of a backup are to be treated: all as they are there, or all as revoked."""

_CARRY_OVER: Final = """
    CREATE TEMP TABLE scopes (present INTEGER PRIMARY KEY, restored INTEGER NOT NULL); -- a room may have two keys
    INSERT INTO temp.scopes VALUES (0, 0);
    INSERT INTO scopes SELECT p.key, r.key FROM present.rooms p JOIN main.rooms r USING (id);

    UPDATE tokens SET revoked_at = present.revoked_at FROM present.tokens AS present
        WHERE present.id = tokens.id AND present.revoked_at > 0 AND tokens.revoked_at = 0;
    UPDATE tokens SET revoked_at = gone.at FROM present.audit AS gone -- its row is forgotten a week later
        WHERE gone.what = 'revoked token ' || tokens.id AND tokens.revoked_at = 0;

    UPDATE grants SET role = present.role, until = present.until, name = present.name, by = present.by,
            via = present.via
        FROM present.grants AS present JOIN scopes ON scopes.present = present.room
        WHERE scopes.restored = grants.room AND present.identity = grants.identity
            AND (grants.role = present.role OR grants.role & ~present.role);
    UPDATE grants SET until = present.until -- somebody has got more since, but not for as long
        FROM present.grants AS present JOIN scopes ON scopes.present = present.room
        WHERE scopes.restored = grants.room AND present.identity = grants.identity AND grants.role <> present.role
            AND present.until > 0 AND (grants.until = 0 OR present.until < grants.until);
    DELETE FROM grants WHERE EXISTS (SELECT 1 FROM scopes WHERE restored = grants.room) AND NOT EXISTS (
        SELECT 1 FROM present.grants AS present JOIN scopes ON scopes.present = present.room
        WHERE scopes.restored = grants.room AND present.identity = grants.identity);
    INSERT INTO grants (room, identity, role, until, name, by, via) -- somebody has less than everybody there
        SELECT restored, identity, role, until, name, by, via
        FROM present.grants AS present JOIN scopes ON scopes.present = present.room
        WHERE coalesce((SELECT everyone FROM present.policies AS p WHERE p.room = present.room), 3) & ~role
            AND NOT EXISTS (SELECT 1 FROM grants WHERE room = restored AND identity = present.identity);

    DELETE FROM invitations WHERE (room = '' OR room IN (SELECT id FROM present.rooms))
        AND id NOT IN (SELECT id FROM present.invitations);
    UPDATE invitations SET uses = present.uses FROM present.invitations AS present
        WHERE present.id = invitations.id AND present.uses < invitations.uses;

    DELETE FROM policies WHERE room IN (SELECT restored FROM scopes);
    INSERT INTO policies (room, everyone, locked, topic, less, slow, password)
        SELECT restored, everyone, locked, topic, less, slow, password
        FROM present.policies AS p JOIN scopes ON scopes.present = p.room;
    DELETE FROM restrictions WHERE room IN (SELECT restored FROM scopes);
    INSERT INTO restrictions (room, id, of, value, rights, until, name, by, at, reason)
        SELECT restored, id, of, value, rights, until, name, by, at, reason
        FROM present.restrictions AS r JOIN scopes ON scopes.present = r.room;
    DELETE FROM implicated WHERE room IN (SELECT restored FROM scopes);
    INSERT INTO implicated (room, restriction, identity, name)
        SELECT scopes.restored, restriction, identity, name
        FROM present.implicated AS i JOIN scopes ON scopes.present = i.room;

    INSERT INTO audit (n, room, at, by, what, whom, until, reason)
        SELECT n, restored, at, by, what, whom, until, reason
        FROM present.audit AS a JOIN scopes ON scopes.present = a.room
        WHERE n > (SELECT coalesce(max(n), 0) FROM main.audit);
"""
_REVOKE_ALL: Final = """
    UPDATE tokens SET revoked_at = :at WHERE revoked_at = 0;
    DELETE FROM invitations;
"""
_AUDIT: Final = """
    INSERT INTO audit (room, at, by, what, whom, until, reason)
        VALUES (0, :at, 'the operator', 'restored a backup', '', 0, '');
"""
_COUNTS: Final = "revoked_at = 0 AND (expires_at = 0 OR expires_at > :at)"


class Carried(NamedTuple):
    """The tokens and invitations that count after a restore, and how many of them did not before, or may not have."""

    valid: int
    again: int


class Undecided(StoreError):
    """It has to be said whether the tokens of a backup count."""


def carry_over(
    db: sqlite3.Connection, present: Path | None, at: int, tokens: Tokens | None, unknown: str = ""
) -> Carried:
    """Take from the restored database ``db`` the rights that somebody lost since, as ``present`` has it.

    ``present`` is the database that is replaced, if there is one; ``at`` is the time, in milliseconds since 1970.
    ``unknown`` is a reason why ``present`` can't tell.
    Raises Undecided if ``tokens`` would have to be guessed, because ``present`` can't tell.
    """
    before = _count(db, at)
    if tokens != "keep":
        unknown = unknown or _take_from(db, present, at)
    if unknown and before and tokens is None:
        raise Undecided(
            f"nobody can tell which of the {before} tokens and invitations in the backup were revoked since: {unknown}",
            "say --tokens revoke, and issue new ones; or --tokens keep, if none was revoked",
        )
    if tokens == "revoke":
        _in_one_step(db, _REVOKE_ALL, at)
    again = _count(db, at) if unknown or tokens == "keep" else _count_again(db, at)
    _in_one_step(db, _AUDIT, at)
    return Carried(_count(db, at), again)


def _take_from(db: sqlite3.Connection, present: Path | None, at: int) -> str:
    """Take away what ``present`` has taken away. Gives the reason if it can't tell."""
    if present is None:
        return "there is no present data"
    try:
        db.execute("ATTACH ? AS present", (read_only_uri(present),))
        (has,) = db.execute("PRAGMA present.user_version").fetchone()
        if has != version(db):
            return "the present data is of another version of chatty"
        _in_one_step(db, _CARRY_OVER, at)
    except sqlite3.Error as error:
        if may_retry(error):
            raise
        return f"the present data can't be read ({error})"
    return ""


def _in_one_step(db: sqlite3.Connection, script: str, at: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in script.split(";"):
            db.execute(statement, {"at": at} if ":at" in statement else {})
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _count(db: sqlite3.Connection, at: int) -> int:
    # Both texts are our own.
    sql = f"SELECT (SELECT count(*) FROM tokens WHERE {_COUNTS}) + (SELECT count(*) FROM invitations WHERE uses > 0)"  # noqa: S608
    (count,) = db.execute(sql, {"at": at}).fetchone()
    return int(count)


def _count_again(db: sqlite3.Connection, at: int) -> int:
    """The tokens that count in ``db``, and not in the present data."""
    sql = f"SELECT count(*) FROM tokens WHERE {_COUNTS} AND id NOT IN (SELECT id FROM present.tokens WHERE {_COUNTS})"  # noqa: S608 - as above
    (again,) = db.execute(sql, {"at": at}).fetchone()
    return int(again)
