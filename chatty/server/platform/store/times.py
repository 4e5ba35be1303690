"""When what is stored happened: finding it by its time, and correcting the times that a wrong clock gave.

Times in a room never run backwards, so halving finds them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from chatty.events import milliseconds, rfc3339
from chatty.server.business.facts import Retimed
from chatty.server.platform.store.schema import ROOM_BITS, decode_time

_AT: Final = b'"at":"'
# An event that is damaged has no time: that is for `chatty doctor`, and no reason not to start.
_NEWEST: Final = f"""(
    SELECT CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.at') END FROM events
    WHERE key > rooms.key << {ROOM_BITS} AND key < (rooms.key + 1) << {ROOM_BITS} ORDER BY key DESC LIMIT 1
)"""  # noqa: S608 - words of our own
_AHEAD: Final = f"""
    SELECT id, key, first, trimmed_at, created_at, closed_at, coalesce({_NEWEST}, trimmed_at) AS newest FROM rooms
    WHERE created_at >= :since OR closed_at >= :since OR newest >= :since_text ORDER BY id LIMIT :most"""  # noqa: S608

_NEWEST_BEFORE: Final = f"""
    SELECT
        max(
            coalesce(max(created_at) FILTER (WHERE created_at < :before), 0),
            coalesce(max(closed_at) FILTER (WHERE closed_at < :before), 0),
            coalesce((SELECT max(at) FROM producers WHERE at < :before), 0),
            coalesce((SELECT max(at) FROM receipts WHERE at < :before), 0)
        ),
        max(newest) FILTER (WHERE newest < :before_text)
    FROM (SELECT created_at, closed_at, coalesce({_NEWEST}, trimmed_at) AS newest FROM rooms)"""  # noqa: S608


class Ahead(NamedTuple):
    """A room that has something from a certain time on, and the moments of that."""

    id: str
    key: int
    first: int
    trimmed_at: str
    created_at: int
    closed_at: int
    newest: str


class Span(NamedTuple):
    """The first and the last of several moments, in milliseconds."""

    first: int
    last: int


def last_seq(db: sqlite3.Connection, room_key: int) -> int:
    """The number of a room's newest event."""
    low = room_key << ROOM_BITS
    (newest,) = db.execute(
        "SELECT max(key) FROM events WHERE key > ? AND key < ?", (low, low + (1 << ROOM_BITS))
    ).fetchone()
    if newest:
        return int(newest) - low
    row = db.execute("SELECT first - 1 FROM rooms WHERE key = ?", (room_key,)).fetchone()
    return row[0] if row else 0


def first_since(db: sqlite3.Connection, room_key: int, low: int, at: str) -> int:
    """The number of the first event at or after ``at``, from ``low`` on."""
    high = last_seq(db, room_key) + 1
    while low < high:
        middle = (low + high) // 2
        then = _time_of(db, room_key, middle)
        if then < at:
            low = middle + 1
        else:
            high = middle
    return low


def _time_of(db: sqlite3.Connection, room_key: int, seq: int) -> str:
    """An event's time; "" where there is no such event, or it is damaged."""
    row = db.execute("SELECT body FROM events WHERE key = ?", (room_key << ROOM_BITS | seq,)).fetchone()
    try:
        return decode_time(row[0]).at if row else ""
    except msgspec.MsgspecError:
        return ""


def rooms_ahead(db: sqlite3.Connection, since: int, most: int = -1) -> list[Ahead]:
    """The rooms that have anything from ``since`` (milliseconds) on, at ``most`` so many of them."""
    asked = {"since": since, "since_text": rfc3339(since), "most": most}
    return [Ahead(*row) for row in db.execute(_AHEAD, asked).fetchall()]


def newest_before(db: sqlite3.Connection, before: int, most: int) -> int:
    """The newest moment from before ``before`` that is stored, 0 without any. Beyond, ``most`` rooms are looked at."""
    asked = {"before": before, "before_text": rfc3339(before)}
    recorded, *newest = db.execute(_NEWEST_BEFORE, asked).fetchone()
    newest += [settled_at(db, room, before) for room in rooms_ahead(db, before, most)]
    return max([int(recorded), *(milliseconds(at) for at in newest if at)])


def span_since(db: sqlite3.Connection, since: int, most: int) -> Span | None:
    """The first and the last moment from ``since`` on that at ``most`` so many rooms have; None without any."""
    moments = [moment for room in rooms_ahead(db, since, most) for moment in _moments(db, room, since)]
    return Span(min(moments), max(moments)) if moments else None


def _moments(db: sqlite3.Connection, room: Ahead, since: int) -> Iterator[int]:
    yield from (moment for moment in (room.created_at, room.closed_at) if moment >= since)
    if room.newest >= rfc3339(since):
        yield milliseconds(room.newest)
        first = _time_of(db, room.key, first_since(db, room.key, room.first, rfc3339(since)))
        yield milliseconds(first or room.newest)


def settled_at(db: sqlite3.Connection, room: Ahead, since: int) -> str:
    """The time of a room's newest event from before ``since``; "" if there is none."""
    first = first_since(db, room.key, room.first, rfc3339(since))
    before = _time_of(db, room.key, first - 1)
    return before or (room.trimmed_at if room.trimmed_at < rfc3339(since) else "")


def correct_events(db: sqlite3.Connection, room_key: int, first: int, fact: Retimed) -> int:
    """Correct the times of a room's events, of which the oldest is ``first``. Gives how many bytes were rewritten."""
    low = room_key << ROOM_BITS
    wrong = low + first_since(db, room_key, first, rfc3339(fact.since))
    db.create_function("corrected", 1, lambda body: _corrected(body, fact))
    changed = (wrong, low + (1 << ROOM_BITS))
    (size,) = db.execute("SELECT total(length(body) + 40) FROM events WHERE key >= ? AND key < ?", changed).fetchone()
    db.execute("UPDATE events SET body = corrected(body) WHERE key >= ? AND key < ?", changed)
    return int(size)


def _corrected(body: bytes, fact: Retimed) -> bytes:
    """An event as it is sent, with the right time: nothing else of it changes."""
    begin = body.find(_AT) + len(_AT)
    end = body.find(b'"', begin)
    if begin < len(_AT) or end < 0:  # it is damaged
        return body
    return body[:begin] + fact.text(body[begin:end].decode()).encode() + body[end:]


def correct_records(db: sqlite3.Connection, since: int, by: int, at: int) -> None:
    """Correct when producers and idempotency keys were last used, and when somebody last spoke in a slow room."""
    for table, column in (("producers", "at"), ("receipts", "at"), ("spoke", "at"), ("spoke", "changed_at")):
        sql = f"UPDATE {table} SET {column} = max(1, min({column} - ?, ?)) WHERE {column} >= ?"  # noqa: S608 - our own
        db.execute(sql, (by, at, since))
