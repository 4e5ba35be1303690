"""Finding the messages that somebody wrote, a part of a room's log at a time, the newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from chatty.server.business.whom import ANONYMOUS_IDENTITY
from chatty.server.platform.store.schema import ROOM_BITS

PART: Final = 10_000
"""Events that are looked through in one step, so that the reader's transaction stays short."""


class Authors(NamedTuple):
    """Those whose messages are looked for: by ``identities``, as ``nameless`` (the names of those who showed no key),
    and by ``names``, whichever identity used them.
    """

    identities: frozenset[bytes] = frozenset()
    nameless: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, authors: Iterable[tuple[bytes, str]]) -> Self:
        """Authors as a restriction notes them. Without an identity, the name alone counts."""
        identities, nameless, names = set(), set(), set()
        for identity, name in authors:
            if not identity:
                names.add(name)
            elif identity == ANONYMOUS_IDENTITY:
                nameless.add(name)
            else:
                identities.add(identity)
        return cls(frozenset(identities), frozenset(nameless), frozenset(names))


class Found(NamedTuple):
    """The numbers of messages, the newest first. ``before``: there may be more before that one; None: there are not."""

    numbers: list[int]
    before: int | None


def messages_by(
    db: sqlite3.Connection, room_key: int, authors: Authors, mine: bytes, after: int, before: int, most: int
) -> list[int]:
    """The newest ``most`` messages of ``authors`` with ``after`` < number < ``before``, but none by ``mine``."""
    low = room_key << ROOM_BITS
    marks = [",".join("?" * len(some)) for some in authors]
    name = "json_extract(CAST(body AS TEXT), '$.participant')"
    sql = (
        "SELECT key - ? FROM events WHERE key > ? AND key < ? AND kind = 0 AND author <> ? AND"  # noqa: S608 - our own
        f" (author IN ({marks[0]}) OR (author = ? AND {name} IN ({marks[1]})) OR {name} IN ({marks[2]}))"
        " AND json_extract(CAST(body AS TEXT), '$.deleted') IS NULL ORDER BY key DESC LIMIT ?"
    )
    which = (*sorted(authors.identities), ANONYMOUS_IDENTITY, *sorted(authors.nameless), *sorted(authors.names))
    values = (low, low + after, low + before, mine or b"-", *which, most)
    return [number for (number,) in db.execute(sql, values).fetchall()]


def implicated(db: sqlite3.Connection, room_key: int, restriction: str) -> Authors | None:
    """The authors by whose messages a restriction came about; None if there is no such restriction."""
    scopes = "room IN (?, 0)"  # also one of the whole server
    there = f"SELECT 1 FROM restrictions WHERE {scopes} AND id = ? LIMIT 1"  # noqa: S608 - our own
    if db.execute(there, (room_key, restriction)).fetchone() is None:
        return None
    sql = f"SELECT identity, name FROM implicated WHERE {scopes} AND restriction = ?"  # noqa: S608 - as above
    return Authors.of(db.execute(sql, (room_key, restriction)).fetchall())
