"""Loading a room's working state, and what an entry needs of its messages, producers and keys."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from chatty.digests import NOTHING_SAID, UNKNOWN
from chatty.events import Message
from chatty.server.business.entries import Change, Post
from chatty.server.business.facts import Produced, Spoke
from chatty.server.business.moderation.slow import speaker
from chatty.server.business.rights import Principal, Trust
from chatty.server.business.state import Participant, Room, Server, TargetMessage
from chatty.server.platform.store.access.lookup import access_of
from chatty.server.platform.store.schema import ROOM_BITS, decode_time

NOWHERE: Final = -1
"""The key of a room that isn't there. No row has it."""

_decode_connections = msgspec.json.Decoder(list[str]).decode
_decode_message = msgspec.json.Decoder(Message).decode


def load_room(db: sqlite3.Connection, room_id: str, server: Server) -> Room:
    """The room with this id, which lies in ``server``; one that doesn't exist if there is none."""
    row = db.execute(
        "SELECT key, id, name, topic, epoch, owner, created_at, expires_at, closed_at, first, trimmed_at"
        " FROM rooms WHERE id = ?",
        (room_id,),
    ).fetchone()
    if row is None:
        return Room(NOWHERE, room_id, server=server)
    room = Room(*row[:9])
    room.server, room.access = server, access_of(db, room.key)
    room.exists, room.first, room.last = True, row[9], row[9] - 1
    room.at = room.trimmed_at = row[10]
    # The newest event shows how far the room has got. If all events are forgotten, the room's own row does.
    newest = db.execute(
        "SELECT body FROM events WHERE key > ? AND key < ? ORDER BY key DESC LIMIT 1",
        (room.key << ROOM_BITS, (room.key + 1) << ROOM_BITS),
    ).fetchone()
    if newest is not None:
        event = decode_time(newest[0])
        room.last, room.at = event.seq, event.at
    rows = db.execute(
        "SELECT name_key, name, identity, returns, away, connections, skeleton, verified FROM participants"
        " WHERE room = ?",
        (room.key,),
    )
    for name_key, name, identity, trust, away, connections, skeleton, verified in rows:
        found = set(_decode_connections(connections))
        room.admit(name_key, Participant(name, identity, Trust(trust), found, away, skeleton, bool(verified)))
        room.connections.update(dict.fromkeys(found, name_key))
    return room


def load_target(db: sqlite3.Connection, room: Room, of: int, identity: bytes) -> None:
    """Load the message ``of`` as it is now, with the reactions of ``identity``."""
    key = room.key << ROOM_BITS | of
    row = db.execute("SELECT author, body FROM events WHERE key = ? AND kind = 0", (key,)).fetchone()
    if row:
        mine = db.execute(
            "SELECT reaction FROM reactions WHERE message = ? AND identity = ?", (key, identity)
        ).fetchall()  # fmt: skip
        room.targets[of] = TargetMessage(_decode_message(row[1]), row[0], frozenset(reaction for (reaction,) in mine))


def load_producer(db: sqlite3.Connection, room: Room, entry: Post | Change) -> int:
    """Load the producer of ``entry``. Gives how many rows are in memory now that were not."""
    key = (entry.who.identity, entry.producer)
    if key in room.producers:
        return 0
    row = db.execute(
        "SELECT n, at, digest, before FROM producers WHERE room = ? AND identity = ? AND producer = ?",
        (room.key, *key),
    ).fetchone()
    room.producers[key] = Produced(*key, *(row or (0, 0, NOTHING_SAID, UNKNOWN)))
    return 1


def load_spoke(db: sqlite3.Connection, room: Room, who: Principal) -> int:
    """Load when ``who`` last spoke in a slow room. Gives the same as `load_producer`."""
    key = speaker(who)
    if key in room.spoke:
        return 0
    row = db.execute("SELECT at, changed_at FROM spoke WHERE room = ? AND speaker = ?", (room.key, key)).fetchone()
    room.spoke[key] = Spoke(key, *(row or (0, 0)))
    return 1


def load_idempotency_key(db: sqlite3.Connection, room: Room, entry: Post) -> int:
    """Load the message for which the idempotency key of ``entry`` was used. Gives the same as `load_producer`."""
    key = (entry.who.identity, entry.idempotency_key)
    if key in room.idempotency_keys:
        return 0
    row = db.execute(
        "SELECT digest, seq FROM receipts WHERE room = ? AND identity = ? AND key = ?", (room.key, *key)
    ).fetchone()
    if row:
        room.idempotency_keys[key] = (row[0], row[1])
    return bool(row)
