"""What a server of an earlier version left behind when it was killed, as SQL: its database and its search index.

``schema_3`` was written by version 0.1.0. A later version must open it, and find in it all that was acknowledged.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from chatty.server.platform.store.schema import MIGRATIONS

_DATA: Final = Path(__file__).resolve().parents[1] / "data"


class OldRoom(NamedTuple):
    """A room of the old data, with the token that closes it."""

    id: str
    owner_token: str


WORK: Final = OldRoom("3Mj1yAy1uQnYyGqxMHnhVUFerPX", "owner_HjjoLV_2wrYjiRFagGHEQBrP7EgxFbpq9yTccpNF6h4")
"""Everything that may happen in a room has happened here; Ada and Gast were connected to the end."""
OVER: Final = OldRoom("3Mj1y8IV7kDwlUzTkQFoJL9gArT", "owner_W33fozl699g9zcobU8KQY82KTUJ4xoBcSvAZS_GkY_4")
"""It was closed."""
KEPT: Final = OldRoom("3Mj1yC8AbfNiYRGpJry59k8MixS", "owner_HHPXxzbDU-Xa3w0yjjr1q9FQj2z2qOYJbRXXl_rM8IM")
"""Retention has forgotten the first 10 of its 40 messages."""
LATE: Final = OldRoom("3Mj1yCa2ijqQtSf7wA3yUgjdg0d", "owner_dcDpMlNuRZkFQs5CAIzRrcGS6aa5DsrxEeqOFB0xSvM")
"""The clock was a century ahead for the second of its four messages, and its time has stood still since."""
MADE_AHEAD: Final = OldRoom("3Mj1y9FqzCnZfYy3tALY5ZahCnb", "owner_RszvDARKzaQSgiOexDYjFqgsR_QZvLRN_B1G6jgNnrM")
"""It was created while the clock was a century ahead."""
CLOSED_AHEAD: Final = OldRoom("3Mj1yCGrtKF41fcUOFCPF3ZJNUc", "owner_bBRETBUg0fukanWDc80KBvN89lH369_hU9JQtbaJghA")
"""It was also closed then."""

ADAS_KEY: Final = "a" * 43
BOBS_KEY: Final = "b" * 43
SCRIPTS_KEY: Final = "s" * 43
SCRIPTS_PRODUCER: Final = "0ujtsYcgvSTl8PAuAdqWYSMnLOv"
"""It has sent three lines to WORK, as ``Script``."""


def lay_down(directory: Path, version: str = "schema_3") -> Path:
    """Make ``directory`` the data directory that the old server left; gives it back."""
    directory.mkdir(parents=True, exist_ok=True)
    for script in sorted((_DATA / version).glob("*.sql")):
        with closing(sqlite3.connect(directory / f"{script.stem}.db")) as db:
            db.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {script.read_text('utf-8')} COMMIT;")
    return directory


_UNDONE: Final = {
    2: "DROP TABLE wordings; DROP TABLE reactions;",
    3: "DROP TABLE probes; PRAGMA application_id = 0;",
    4: "ALTER TABLE producers DROP COLUMN digest; ALTER TABLE producers DROP COLUMN before;",
    5: "".join(f"DROP TABLE {table};" for table in ("tokens", "names", "grants", "policies", "restrictions", "audit")),
    6: "DROP INDEX grants_via; ALTER TABLE grants DROP COLUMN via; ALTER TABLE policies DROP COLUMN slow;"
    "ALTER TABLE policies DROP COLUMN password; DROP TABLE invitations;"
    "DROP TABLE spoke; DROP TABLE implicated; DROP TABLE purged;",
    7: "DROP INDEX names_like; ALTER TABLE names DROP COLUMN skeleton; ALTER TABLE participants DROP COLUMN skeleton;"
    "ALTER TABLE participants DROP COLUMN verified;"
    "ALTER TABLE invitations DROP COLUMN skeleton;DELETE FROM restrictions WHERE of = 3;",
    8: "DROP TABLE log; DROP TABLE nodes;",
}
"""What takes each migration back."""


def take_back(database: Path, *, to: int) -> None:
    """Give a database the shape of an earlier version."""
    newest = len(MIGRATIONS)
    assert max(_UNDONE) == newest, "a migration has no way back here"
    with closing(sqlite3.connect(database)) as db:
        db.executescript("".join(_UNDONE[step] for step in range(newest, to, -1)) + f"PRAGMA user_version = {to};")
