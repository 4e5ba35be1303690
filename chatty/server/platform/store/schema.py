"""The database schema as numbered migrations. A migration that was released is never edited."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec
from msgspec import Struct

from chatty.server.platform.store.data_directory import is_ours
from chatty.server.platform.store.errors import StoreError
from chatty.skeletons import skeleton

MARK: Final = int.from_bytes(b"Chty")
"""The ``application_id`` that marks a database as chatty's."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE rooms (
        key        INTEGER PRIMARY KEY AUTOINCREMENT, -- allocated here and never again, part of every event's key
        id         TEXT NOT NULL UNIQUE,            -- a KSUID: who knows it may enter
        name       TEXT NOT NULL,
        topic      TEXT NOT NULL,
        epoch      TEXT NOT NULL,
        owner      BLOB NOT NULL,                   -- SHA-256 of the owner token
        created_at INTEGER NOT NULL,                -- milliseconds since 1970, as are all times here; 0: never
        expires_at INTEGER NOT NULL,
        closed_at  INTEGER NOT NULL,
        first      INTEGER NOT NULL,                -- the oldest event that is kept
        trimmed_at TEXT NOT NULL                    -- the newest event's time when events were last forgotten
    );
    CREATE TABLE events (
        key    INTEGER PRIMARY KEY,                 -- room << 32 | seq: one room's events lie side by side
        kind   INTEGER NOT NULL,                    -- see KINDS
        author BLOB,                                -- the identity that said it
        body   BLOB NOT NULL                        -- the event as it is sent
    );
    CREATE TABLE participants (
        room        INTEGER NOT NULL,
        name_key    TEXT NOT NULL,
        name        TEXT NOT NULL,
        identity    BLOB NOT NULL,
        returns     INTEGER NOT NULL,
        away        INTEGER NOT NULL,
        connections TEXT NOT NULL,                  -- JSON list, sorted
        PRIMARY KEY (room, name_key)
    ) WITHOUT ROWID;
    CREATE TABLE producers (
        room     INTEGER NOT NULL,
        identity BLOB NOT NULL,
        producer TEXT NOT NULL,
        n        INTEGER NOT NULL,
        at       INTEGER NOT NULL,
        PRIMARY KEY (room, identity, producer)
    ) WITHOUT ROWID;
    CREATE TABLE receipts (
        room     INTEGER NOT NULL,
        identity BLOB NOT NULL,
        key      TEXT NOT NULL,
        digest   BLOB NOT NULL,
        seq      INTEGER NOT NULL,
        at       INTEGER NOT NULL,
        PRIMARY KEY (room, identity, key)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE wordings (
        message INTEGER PRIMARY KEY,                -- an event's key
        event   INTEGER NOT NULL                    -- that of its last edit: those before it have no text any more
    );
    CREATE TABLE reactions (
        message  INTEGER NOT NULL,                  -- an event's key
        identity BLOB NOT NULL,
        reaction TEXT NOT NULL,
        PRIMARY KEY (message, identity, reaction)
    ) WITHOUT ROWID;
    """,
    f"""
    PRAGMA application_id = {MARK};
    CREATE TABLE probes (
        key  INTEGER PRIMARY KEY,
        body BLOB NOT NULL                          -- as large as a message may be: whether there is place for one
    );
    """,
    """
    ALTER TABLE producers ADD COLUMN digest BLOB NOT NULL DEFAULT x''; -- of all up to n, see digests.py; empty: unknown
    ALTER TABLE producers ADD COLUMN before BLOB NOT NULL DEFAULT x''; -- the same, up to n - 1
    """,
    """
    CREATE TABLE tokens (
        id         TEXT PRIMARY KEY,                -- public: people name a token by it
        hash       BLOB NOT NULL UNIQUE,            -- SHA-256 of the secret, which is kept nowhere
        identity   BLOB NOT NULL,
        cap        INTEGER NOT NULL,                -- a set of rights, see rights.py, as are all of them here
        room       TEXT NOT NULL,                   -- the only room's id in which it counts; empty: everywhere
        expires_at INTEGER NOT NULL,
        revoked_at INTEGER NOT NULL,
        label      TEXT NOT NULL,
        by         TEXT NOT NULL,
        at         INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tokens_of ON tokens (identity);
    CREATE INDEX tokens_in ON tokens (room) WHERE room <> '';
    CREATE INDEX tokens_expire ON tokens (expires_at) WHERE expires_at > 0;
    CREATE INDEX tokens_revoked ON tokens (revoked_at) WHERE revoked_at > 0;
    CREATE TABLE names (
        name_key TEXT PRIMARY KEY,
        name     TEXT NOT NULL,
        identity BLOB NOT NULL UNIQUE               -- the only one that may be called so, in any room
    ) WITHOUT ROWID;
    CREATE TABLE grants (
        room     INTEGER NOT NULL,                  -- a room's key, or 0 for the server, as in the tables below
        identity BLOB NOT NULL,
        role     INTEGER NOT NULL,
        until    INTEGER NOT NULL,
        name     TEXT NOT NULL,
        by       TEXT NOT NULL,
        PRIMARY KEY (room, identity)
    ) WITHOUT ROWID;
    CREATE INDEX grants_of ON grants (identity);
    CREATE INDEX grants_until ON grants (until) WHERE until > 0;
    CREATE TABLE policies (
        room     INTEGER PRIMARY KEY,
        everyone INTEGER NOT NULL,
        locked   INTEGER NOT NULL,
        topic    INTEGER NOT NULL,                  -- the role that sets it
        less     INTEGER NOT NULL                   -- somebody was granted less than everyone
    );
    CREATE TABLE restrictions (
        room   INTEGER NOT NULL,
        id     TEXT NOT NULL,
        of     INTEGER NOT NULL,                    -- 0 an identity, 1 a name's key, 2 an address
        value  BLOB NOT NULL,
        rights INTEGER NOT NULL,
        until  INTEGER NOT NULL,
        name   TEXT NOT NULL,
        by     TEXT NOT NULL,
        at     INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (room, id, of, value)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        n      INTEGER PRIMARY KEY AUTOINCREMENT,
        room   INTEGER NOT NULL,
        at     INTEGER NOT NULL,
        by     TEXT NOT NULL,
        what   TEXT NOT NULL,
        whom   TEXT NOT NULL,
        until  INTEGER NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE INDEX audit_of ON audit (room);
    """,
    """
    ALTER TABLE policies ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;     -- milliseconds between two messages of one
    ALTER TABLE policies ADD COLUMN password TEXT NOT NULL DEFAULT '';   -- Argon2's string of the one that admits
    ALTER TABLE grants ADD COLUMN via TEXT NOT NULL DEFAULT '';          -- an invitation's id, or 'password'
    CREATE INDEX grants_via ON grants (via) WHERE via <> '';
    CREATE TABLE invitations (
        id       TEXT PRIMARY KEY,                  -- public
        hash     BLOB NOT NULL UNIQUE,              -- SHA-256 of the secret
        room     TEXT NOT NULL,                     -- the room's id; empty: the server
        role     INTEGER NOT NULL,
        uses     INTEGER NOT NULL,                  -- that are left
        until    INTEGER NOT NULL,
        inviter  BLOB NOT NULL,                     -- without whose rights it is worth nothing; empty: the operator
        token    TEXT NOT NULL,                     -- of the inviter, if it showed one
        by       TEXT NOT NULL,
        name     TEXT NOT NULL,                     -- that is reserved for the one who accepts it; empty: none
        name_key TEXT NOT NULL,
        at       INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX invitations_of ON invitations (room, at);
    CREATE INDEX invitations_until ON invitations (until) WHERE until > 0;
    CREATE TABLE spoke (
        room       INTEGER NOT NULL,
        speaker    BLOB NOT NULL,                   -- an identity, or an address for all without a key
        at         INTEGER NOT NULL,                -- of the last message while the room was slow
        changed_at INTEGER NOT NULL,                -- of the last edit, reaction and the like
        PRIMARY KEY (room, speaker)
    ) WITHOUT ROWID;
    CREATE TABLE purged (
        id  TEXT PRIMARY KEY,                       -- of a room that is forgotten, and had an audit log
        key INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE implicated (
        room        INTEGER NOT NULL,
        restriction TEXT NOT NULL,                  -- by which the messages of these can be found
        identity    BLOB NOT NULL,
        name        TEXT NOT NULL,                  -- under which alone; empty: under any
        PRIMARY KEY (room, restriction, identity, name)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE names ADD COLUMN skeleton TEXT NOT NULL DEFAULT '';        -- what the name looks like, see skeletons.py
    ALTER TABLE participants ADD COLUMN skeleton TEXT NOT NULL DEFAULT '';
    ALTER TABLE participants ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;   -- the name is its own in every room
    ALTER TABLE invitations ADD COLUMN skeleton TEXT NOT NULL DEFAULT '';
    UPDATE names SET skeleton = skeleton(name);
    UPDATE invitations SET skeleton = skeleton(name);
    UPDATE participants SET skeleton = skeleton(name), verified = returns >= 2 AND EXISTS (
        SELECT 1 FROM names WHERE names.name_key = participants.name_key AND names.identity = participants.identity
    );
    CREATE INDEX names_like ON names (skeleton);
    INSERT INTO restrictions                                               -- of 3: all names that look like that one
        SELECT room, id, 3, skeleton(name), rights, until, name, by, at, reason FROM restrictions WHERE of = 1;
    """,
    """
    CREATE TABLE log (                              -- that of several nodes; without one, there is no row
        key        INTEGER PRIMARY KEY,             -- 0
        generation TEXT NOT NULL,                   -- which log it is
        position   INTEGER NOT NULL,                -- its last message that is applied
        chain      BLOB NOT NULL,                   -- a hash over everything that was accepted up to there
        level      INTEGER NOT NULL                 -- see nodes.py
    );
    CREATE TABLE nodes (
        node        TEXT PRIMARY KEY,
        incarnation TEXT NOT NULL,
        n           INTEGER NOT NULL,               -- its last envelope that took effect
        ended       INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)

KINDS: Final[dict[str, int]] = {
    "message": 0, "participant_joined": 1, "participant_left": 2, "room_closed": 3, "message_edited": 4,
    "message_deleted": 5, "reaction": 6, "topic_changed": 7, "participant_renamed": 8,
    "moderated": 9,
}  # fmt: skip
"""The store's number for each type of event."""

ROOM_BITS: Final = 32
"""An event's key is its room's key, shifted by this many bits, and its seq."""


class Timed(Struct):
    """The fields that every event's JSON has."""

    seq: int
    at: str


decode_time: Final = msgspec.json.Decoder(Timed).decode


def version(db: sqlite3.Connection) -> int:
    """A database's schema version, 0 if it is new. Raises StoreError for a newer version, or another program's file."""
    if not is_ours(db, MARK, {"rooms", "events", "participants", "producers", "receipts"}):
        raise StoreError(
            "the database is another program's, not chatty's", "choose another --data directory, or move that file away"
        )
    (have,) = db.execute("PRAGMA user_version").fetchone()
    if not 0 <= have <= len(MIGRATIONS):
        raise StoreError(
            f"the data is of schema {have}, and this chatty knows {len(MIGRATIONS)}",
            "start the newer chatty that wrote it, or another --data directory",
        )
    return int(have)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a database to the current schema. Raises StoreError as `version` does."""
    db.create_function("skeleton", 1, skeleton, deterministic=True)
    for number, script in enumerate(MIGRATIONS[(have := version(db)) :], have + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


def begin_epochs(db: sqlite3.Connection) -> int:
    """Give every room a new epoch, so that a client that resumes gets a gap: it may have seen other events under these
    numbers, or under those that are given out next. Gives how many rooms there are.
    """
    return db.execute("UPDATE rooms SET epoch = lower(hex(randomblob(8)))").rowcount
