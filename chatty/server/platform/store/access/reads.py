"""Lists of tokens, members, restrictions and rulings, for those who may see them."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import groupby
from typing import Any, Final, Protocol, TypeVar

from chatty.access import AuditEntry, GrantedRoom, InvitationInfo, MemberInfo, RestrictionInfo, Role, TokenInfo
from chatty.events import rfc3339
from chatty.server.business.rights import NAME_OF_ROLE, OWNER, READ, Of, rights_named
from chatty.server.platform.store.access.authored import PART, Authors, Found, implicated, messages_by
from chatty.server.platform.store.access.lookup import invitation_of_hash, named

T = TypeVar("T", covariant=True)
MOST: Final = 1_000
"""Rows in a list."""

_TOKENS: Final = (
    "SELECT tokens.id, cap, room, expires_at, revoked_at, label, by, at, names.name"
    " FROM tokens LEFT JOIN names USING (identity)"
)
_TOKENS_OF: Final = f"{_TOKENS} WHERE tokens.identity = ?"


class Ask(Protocol):
    """Runs a question in a thread of the readers'."""

    def __call__(self, question: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class AccessReads:
    """Reads of what was ruled. Every method may raise StoreError."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def tokens(self, identity: bytes | None) -> list[TokenInfo]:
        """The tokens of an identity, or all of them; the newest first."""
        which, values = (_TOKENS, ()) if identity is None else (_TOKENS_OF, (identity,))
        sql = f"{which} ORDER BY at DESC, tokens.id LIMIT {MOST}"
        rows = await self._ask(lambda db: db.execute(sql, values).fetchall())
        return [_token(*row) for row in rows]

    async def valid_tokens(self, begin: str) -> list[str]:
        """The ids that begin so, of tokens that were not revoked."""
        sql = "SELECT id FROM tokens WHERE id >= ? AND id < ? AND revoked_at = 0"
        rows = await self._ask(lambda db: db.execute(sql, (begin, begin + "\U0010ffff")).fetchall())
        return [token_id for (token_id,) in rows]

    async def has_administrator(self) -> bool:
        """Whether somebody owns the server."""
        sql = "SELECT 1 FROM grants WHERE room = 0 AND role = ? LIMIT 1"
        return bool(await self._ask(lambda db: db.execute(sql, (OWNER,)).fetchone()))

    async def rooms_of(self, identity: bytes) -> list[GrantedRoom]:
        """The open rooms in which an identity was given a role, by name."""
        return await self._ask(
            lambda db: [
                GrantedRoom(room_id, name, _role(role), _when(until))
                for room_id, name, role, until in db.execute(
                    "SELECT rooms.id, rooms.name, role, until FROM grants JOIN rooms ON rooms.key = grants.room"
                    " WHERE grants.identity = ? AND role > 0 AND closed_at = 0 ORDER BY rooms.name, rooms.key LIMIT ?",
                    (identity, MOST),
                ).fetchall()
            ]
        )

    async def members(self, key: int) -> list[MemberInfo]:
        """Those who were given a role in a scope, the highest first."""
        return await self._ask(
            lambda db: [
                MemberInfo(name, identity.hex(), _role(role), by, _when(until))
                for name, identity, role, by, until in db.execute(
                    "SELECT coalesce(names.name, grants.name), grants.identity, role, by, until FROM grants"
                    " LEFT JOIN names USING (identity) WHERE room = ? ORDER BY role DESC, 1 LIMIT ?",
                    (key, MOST),
                ).fetchall()
            ]
        )

    async def restrictions(self, key: int) -> list[RestrictionInfo]:
        """The restrictions of a scope, the newest first."""
        rows = await self._ask(
            lambda db: db.execute(
                "SELECT id, rights, name, of, by, at, until, reason,"
                " (SELECT count(*) FROM implicated WHERE room = restrictions.room AND restriction = restrictions.id)"
                " FROM restrictions WHERE room = ?"
                " ORDER BY at DESC, id, of LIMIT ?",
                (key, MOST),
            ).fetchall()
        )
        return [_restriction(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]

    async def invitations(self, room_id: str, at: int) -> list[InvitationInfo]:
        """The invitations to a scope that have not ended at ``at``, the newest first; also those that are used up."""
        return await self._ask(
            lambda db: [
                InvitationInfo(one, _role(role), uses, by, rfc3339(made), _when(until), name)
                for one, role, uses, by, made, until, name in db.execute(
                    "SELECT id, role, uses, by, at, until, name FROM invitations"
                    " WHERE room = ? AND (until = 0 OR until > ?) ORDER BY at DESC, id LIMIT ?",
                    (room_id, at, MOST),
                ).fetchall()
            ]
        )

    async def invitation(self, hashed: bytes) -> str:
        """The public id of the invitation whose secret has this hash; empty if there is none."""
        return await self._ask(lambda db: invitation_of_hash(db, hashed))

    async def name_of(self, identity: bytes) -> str:
        """The name that is reserved for an identity; empty if there is none."""
        return (await self._ask(lambda db: named(db, identity))).name

    async def password(self, room_id: str) -> str:
        """What is stored for a room's password; empty if it has none, or if there is no such room."""
        # One statement, so that nobody can tell a room without a password from one that isn't there.
        sql = "SELECT password FROM policies WHERE room = (SELECT key FROM rooms WHERE id = ?)"
        row = await self._ask(lambda db: db.execute(sql, (room_id,)).fetchone())
        return row[0] if row else ""

    async def implicated(self, key: int, restriction: str) -> Authors | None:
        """Those whose messages can be deleted by a restriction of a room or of the server; None if it isn't there."""
        return await self._ask(lambda db: implicated(db, key, restriction))

    async def messages_by(
        self, key: int, authors: Authors, mine: bytes, *, after: int, before: int, most: int, most_read: int
    ) -> Found:
        """The newest ``most`` messages of ``authors`` in a room, but none by ``mine``, among ``most_read`` events."""
        found: list[int] = []
        stop = max(after, before - most_read)
        while before > stop + 1 and len(found) < most:
            low = max(stop, before - 1 - PART)
            left = most - len(found)
            part = await self._ask(partial(messages_by, room_key=key, authors=authors, mine=mine, after=low,
                                           before=before, most=left))  # fmt: skip
            found += part
            before = part[-1] if len(part) == left else low + 1
        return Found(found, before if before > after + 1 else None)

    async def audit(self, key: int, before: int, after: int | None = None) -> list[AuditEntry]:
        """The rulings in a scope with smaller numbers than ``before``, the newest first.

        With ``after``, those with larger numbers than that, the oldest first.
        """
        which, value = ("n < ? ORDER BY n DESC", before or 1 << 62) if after is None else ("n > ? ORDER BY n", after)
        sql = f"SELECT n, at, by, what, whom, until, reason FROM audit WHERE room = ? AND {which} LIMIT ?"  # noqa: S608
        rows = await self._ask(lambda db: db.execute(sql, (key, value, MOST)).fetchall())
        return [
            AuditEntry(n, rfc3339(at), by, what, whom, _when(until), reason)
            for n, at, by, what, whom, until, reason in rows
        ]

    async def purged(self, room_id: str) -> int | None:
        """The key that a room had that is forgotten but for its audit log; None if there is no such room."""
        row = await self._ask(lambda db: db.execute("SELECT key FROM purged WHERE id = ?", (room_id,)).fetchone())
        return row[0] if row else None


def _role(role: int) -> Role:
    return NAME_OF_ROLE[role]  # type: ignore[return-value]


def _when(at: int) -> str | None:
    return rfc3339(at) if at else None


def _token(
    token_id: str, cap: int, room: str, expires_at: int, revoked_at: int, label: str, by: str, at: int, name: str | None
) -> TokenInfo:
    ends = (_when(expires_at), _when(revoked_at))
    return TokenInfo(token_id, rights_named(cap), by, rfc3339(at), name, room or None, *ends, label)


def _restriction(rows: list[Any]) -> RestrictionInfo:
    one, rights, name, _, by, at, until, reason, authors = rows[0]
    # One that holds for a name holds for those that look like it: that need not be said.
    of = list(dict.fromkeys(Of(row[3]).name.lower() for row in rows if row[3] != Of.SKELETON))
    return RestrictionInfo(
        one, "ban" if rights & READ else "mute", name, of, by, rfc3339(at), _when(until), reason, authors
    )
