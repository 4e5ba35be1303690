"""The search index: a database of its own, derived from the store, which may be deleted at any time.

Texts are copied from one database into the other by SQLite alone, many at a
time: no Python runs for a message in ASCII, so the event loop keeps the
interpreter. Those beyond ASCII are folded in Python, a step's at once.
"""

from __future__ import annotations

import json
import sqlite3
import time
import unicodedata
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import msgspec

from chatty.server.platform.store.data_directory import is_ours, read_only_uri
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.schema import KINDS, ROOM_BITS
from chatty.server.platform.store.search.query import PREFIXES, who
from chatty.server.platform.store.search.text import TOKENIZE, fold
from chatty.server.platform.store.write_ahead_log import BUSY_MS, LONG_BYTES

INDEX: Final = "search.db"
"""The index's name within a data directory."""

CHUNK: Final = 500
"""Events that one transaction adds, or rows that it removes. A message may have to wait for it, for some 2 ms."""
MERGE_PAGES: Final = 256
"""Pages of 4 KiB that one step of an erasure writes."""
ERASE_SHARE: Final = 30
"""An erasure rewrites the whole index, so the next one has to wait, for this multiple of the time that it took."""
FOLDED_AT_ONCE: Final = 4_096
"""Characters that are folded before other threads may run, which takes less than 1 ms."""
NAMES: Final = 10_000
"""Names of participants whose form for comparing is remembered."""

_MARK: Final = int.from_bytes(b"Chts")
_VERSION: Final = 3 << 16 | int(unicodedata.unidata_version.replace(".", ""))
"""The index's schema, and the version of Unicode by which texts are folded. If either changes, a new index is built."""
_SHAPE: Final = f"""
    CREATE VIRTUAL TABLE messages USING fts5(
        who,                                        -- the participant's name for comparison, in hexadecimal: one word
        text,                                       -- folded, where it is not ASCII alone
        prefix = '{" ".join(map(str, range(1, PREFIXES + 1)))}', columnsize = 0, tokenize = '{TOKENIZE}'
    );                                              -- a row's rowid is its event's key
    CREATE TABLE positions (
        room  INTEGER PRIMARY KEY,
        epoch TEXT NOT NULL,
        first INTEGER NOT NULL,                     -- the oldest event that is kept
        seq   INTEGER NOT NULL                      -- the newest event that is in the index
    );
    CREATE TABLE notes (
        erase INTEGER NOT NULL,                     -- whether something was taken out whose words are still in the file
        boot  TEXT NOT NULL                         -- the machine's start since which it is written; empty: it is whole
    );
    INSERT INTO notes VALUES (0, '');
    PRAGMA application_id = {_MARK};
"""  # noqa: S608 - only constants
_SCRATCH: Final = """
    CREATE TEMP TABLE fresh (key INTEGER PRIMARY KEY, kind INTEGER, name TEXT, text TEXT, of INTEGER);
    CREATE TEMP TABLE changed (key INTEGER PRIMARY KEY);
    CREATE TEMP TABLE reached (room INTEGER PRIMARY KEY, epoch TEXT, first INTEGER, seq INTEGER);
    CREATE TEMP TABLE names (name TEXT PRIMARY KEY, who TEXT) WITHOUT ROWID;
"""
_decode_texts: Final = msgspec.json.Decoder(list[tuple[int, str]]).decode
_SEQS: Final = (1 << ROOM_BITS) - 1
_MESSAGE: Final = KINDS["message"]
_ALTERED: Final = f"{KINDS['message_edited']}, {KINDS['message_deleted']}"

_COPY: Final = """
    INSERT INTO temp.fresh
    SELECT key, kind, json_extract(body, '$.participant'), json_extract(body, '$.text'), json_extract(body, '$.of')
    FROM (
        SELECT e.key, e.kind, CAST(e.body AS TEXT) AS body
        FROM json_each(?) AS touched
        CROSS JOIN chat.rooms AS r ON r.id = touched.value
        LEFT JOIN main.positions AS p ON p.room = r.key
        CROSS JOIN chat.events AS e
            ON e.key > (r.key << 32 | coalesce(p.seq, 0)) AND e.key < (r.key + 1) << 32
        LIMIT ?
    )"""
_REACHED: Final = f"""
    INSERT INTO temp.reached SELECT r.key, r.epoch, r.first, max(f.key) & {_SEQS}
    FROM temp.fresh AS f JOIN chat.rooms AS r ON r.key = f.key >> {ROOM_BITS} GROUP BY r.key"""  # noqa: S608
_CHANGED: Final = f"""
    INSERT INTO temp.changed SELECT DISTINCT key >> {ROOM_BITS} << {ROOM_BITS} | of
    FROM temp.fresh WHERE kind IN ({_ALTERED})"""  # noqa: S608
_NOW: Final = f"""
    INSERT OR REPLACE INTO temp.fresh
    SELECT key, kind, json_extract(CAST(body AS TEXT), '$.participant'), json_extract(CAST(body AS TEXT), '$.text'), 0
    FROM chat.events WHERE kind = {_MESSAGE} AND key IN (SELECT key FROM temp.changed)"""  # noqa: S608
# As one row: SQLite's steps are what costs.
_BEYOND_ASCII: Final = f"""
    SELECT json_group_array(json_array(key, text)) FROM temp.fresh
    WHERE kind = {_MESSAGE} AND length(text) <> length(CAST(text AS BLOB))"""  # noqa: S608
_FOLDED: Final = """
    UPDATE temp.fresh SET text = json_extract(folded.value, '$[1]')
    FROM json_each(?) AS folded WHERE fresh.key = json_extract(folded.value, '$[0]')"""
_LAST: Final = """coalesce(
    (SELECT max(e.key) FROM chat.events AS e WHERE e.key > r.key << 32 AND e.key < (r.key + 1) << 32) - (r.key << 32),
    r.first - 1)"""
_AHEAD: Final = f"""SELECT EXISTS (
    SELECT 1 FROM main.positions AS p JOIN chat.rooms AS r ON r.key = p.room WHERE r.epoch = p.epoch AND {_LAST} < p.seq
)"""  # noqa: S608


def remove_index(data: Path) -> None:
    """Remove the index from the directory ``data``. A server makes a new one."""
    for ending in ("", "-wal", "-shm"):
        (data / f"{INDEX}{ending}").unlink(missing_ok=True)


def is_ahead(index: Path, database: Path) -> bool:
    """Whether the index knows events that the store doesn't have, because an older database was put in its place.

    False where the index can't tell. Raises StoreError where its file is another program's.
    """
    if not index.exists():
        return False
    try:
        with closing(sqlite3.connect(read_only_uri(index), uri=True)) as db:
            if not is_ours(db, _MARK, {"messages", "positions", "notes"}):
                raise StoreError(
                    f"{index} is another program's, not chatty's",
                    "choose another --data directory, or move that file away",
                )
            db.execute("ATTACH ? AS chat", (read_only_uri(database),))
            return bool(db.execute(_AHEAD).fetchone()[0])  # it reads the index first, so it can't miss anything
    except sqlite3.Error:
        return False


class Index:
    """The indexing thread's connection. Every method may raise sqlite3.Error, and has changed nothing then."""

    def __init__(self, path: Path, database: Path, boot: str) -> None:
        """``path`` is the index's file, ``database`` the store's, which is open; ``boot`` names the machine's start.

        The index is not synced while it is written, because that would hold up the store's own syncs. So an index
        that was not sealed before the machine went down is refused. Raises sqlite3.Error.
        """
        self._db = sqlite3.connect(
            f"{path.resolve().as_uri()}", uri=True, isolation_level=None, check_same_thread=False
        )
        self._path = path
        self._merging = self._again = False
        self._erase_after = 0.0
        self._began = 0.0
        try:
            self._open(database, boot)
        except BaseException:
            self._db.close()
            raise

    def _open(self, database: Path, boot: str) -> None:
        db = self._db
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA journal_size_limit = {LONG_BYTES}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError(f"the index is of version {version}, and this chatty makes {_VERSION}")
            db.executescript(f"BEGIN IMMEDIATE; {_SHAPE} PRAGMA user_version = {_VERSION}; COMMIT;")
        db.execute("ATTACH ? AS chat", (f"{database.resolve().as_uri()}?mode=ro",))
        db.executescript(_SCRATCH)
        erase, written_since = db.execute("SELECT erase, boot FROM notes").fetchone()
        if written_since not in ("", boot):
            raise sqlite3.DatabaseError("the machine went down while the index was written")
        self._erasing = bool(erase)
        self._note(boot)
        db.execute("PRAGMA synchronous = OFF")

    def seal(self) -> None:
        """Sync everything to the disk, so that the index can be used again even if the machine goes down."""
        (boot,) = self._db.execute("SELECT boot FROM notes").fetchone()
        self._db.execute("PRAGMA synchronous = FULL")
        self._note(boot)  # a checkpoint that has nothing to move syncs nothing
        self._note("")

    def _note(self, boot: str) -> None:
        self._db.execute("UPDATE notes SET boot = ?", (boot,))
        self._db.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()

    def shorten_wal(self) -> None:
        """Make the index's WAL short again, if a long reader has made it long and is gone. Call it in quiet moments."""
        wal = self._path.with_name(f"{self._path.name}-wal")
        if wal.exists() and wal.stat().st_size > LONG_BYTES:
            self._db.execute("PRAGMA busy_timeout = 0")
            self._db.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def close(self) -> None:
        """Close the index, and move its WAL into it."""
        with suppress(sqlite3.Error):
            self._db.execute("SELECT 1")  # takes an interrupt that came too late, and would end the checkpoint
        self._db.close()

    def interrupt(self) -> None:
        """Interrupt what another thread is doing with the index, which raises there."""
        self._db.interrupt()

    def positions(self) -> dict[int, int]:
        """The number of the newest event that is indexed, by the rooms' keys."""
        return dict(self._db.execute("SELECT room, seq FROM positions").fetchall())

    def behind(self) -> dict[str, int]:
        """The ids of the rooms with events that are not indexed yet, and how many numbers they are behind."""
        rows = self._db.execute(
            "SELECT id, last - seq FROM (SELECT r.id AS id, r.key AS key,"  # noqa: S608
            f" {_LAST} AS last, max(coalesce(p.seq, 0), r.first - 1) AS seq"
            " FROM chat.rooms AS r LEFT JOIN positions AS p ON p.room = r.key) WHERE last > seq ORDER BY key"
        )
        return dict(rows.fetchall())

    def take_in(self, room_ids: Iterable[str]) -> tuple[dict[int, int], bool]:
        """Index the next events of these rooms. Gives how far rooms are indexed now, and whether there is more."""
        db = self._db
        for table in ("fresh", "changed", "reached"):
            db.execute(f"DELETE FROM temp.{table}")  # noqa: S608 - only constants
        # A short transaction of its own, because while it reads, the store's write-ahead log can't be overwritten.
        with _Transaction(db):
            taken = db.execute(_COPY, (json.dumps(list(room_ids)), CHUNK)).rowcount
            db.execute(_REACHED)
            db.execute(_CHANGED)
            db.execute(_NOW)
        if not taken:
            return {}, False
        self._learn_names()
        self._fold_texts()
        with _Transaction(db):
            gone = db.execute("DELETE FROM messages WHERE rowid IN (SELECT key FROM temp.changed)").rowcount
            db.execute(
                "INSERT INTO messages (rowid, who, text) SELECT key, who, text FROM temp.fresh JOIN temp.names USING"
                " (name) WHERE kind = ? AND text <> '' ORDER BY key",
                (_MESSAGE,),
            )
            # Events that were forgotten since then are removed by the sweep, which compares ``first``.
            db.execute(
                "INSERT INTO positions SELECT * FROM temp.reached WHERE true"
                " ON CONFLICT (room) DO UPDATE SET seq = excluded.seq"
            )
            if gone:
                self._note_erasure()
        return dict(db.execute("SELECT room, seq FROM temp.reached").fetchall()), taken == CHUNK

    def _learn_names(self) -> None:
        if self._db.execute("SELECT count(*) FROM temp.names").fetchone()[0] > NAMES:
            self._db.execute("DELETE FROM temp.names")
        new = self._db.execute(
            "SELECT DISTINCT name FROM temp.fresh WHERE kind = ? AND name NOT IN (SELECT name FROM temp.names)",
            (_MESSAGE,),
        ).fetchall()
        self._db.executemany("INSERT INTO temp.names VALUES (?, ?)", [(name, who(name)) for (name,) in new])

    def _fold_texts(self) -> None:
        texts = _decode_texts(self._db.execute(_BEYOND_ASCII).fetchone()[0])
        folded, size = [], 0
        for key, text in texts:
            folded.append((key, fold(text)))
            size += len(text)
            if size > FOLDED_AT_ONCE:
                size = 0
                time.sleep(0)  # let the event loop run
        if folded:
            self._db.execute(_FOLDED, (msgspec.json.encode(folded).decode(),))

    def sweep(self) -> int | None:
        """Remove some rows that the store no longer has. Gives the key of their room, or None if there are none."""
        stale = self._db.execute(
            f"SELECT p.room, p.first, r.first, r.key IS NULL OR r.epoch <> p.epoch OR {_LAST} < p.seq"  # noqa: S608
            " FROM positions AS p LEFT JOIN chat.rooms AS r ON r.key = p.room"
            f" WHERE r.key IS NULL OR r.first > p.first OR r.epoch <> p.epoch OR {_LAST} < p.seq LIMIT 1"
        ).fetchone()
        if stale is None:
            return None
        room, first, kept_from, whole = stale
        low = room << ROOM_BITS
        high = low + (_SEQS if whole else kept_from)
        with _Transaction(self._db):
            gone = self._db.execute(
                "DELETE FROM messages WHERE rowid IN"
                " (SELECT rowid FROM messages WHERE rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?)",
                (low + (0 if whole else first), high, CHUNK),
            ).rowcount
            if gone < CHUNK and whole:
                self._db.execute("DELETE FROM positions WHERE room = ?", (room,))
            elif gone < CHUNK:
                self._db.execute("UPDATE positions SET first = ? WHERE room = ?", (kept_from, room))
            if gone:
                self._note_erasure()
        return int(room)

    def _note_erasure(self) -> None:
        self._db.execute("UPDATE notes SET erase = 1")
        self._erasing = self._again = True

    def erase(self) -> bool:
        """Take a step towards erasing removed rows from the file; whether there are more steps to take.

        FTS5 only notes that a row is gone; its words leave the file when all
        of the index has been merged into one.
        """
        if not self._erasing or time.monotonic() < self._erase_after:
            return False
        db, before = self._db, self._db.total_changes
        pages = MERGE_PAGES
        if not self._merging:
            self._began, self._merging, self._again, pages = time.monotonic(), True, False, -MERGE_PAGES
        db.execute("INSERT INTO messages (messages, rank) VALUES ('merge', ?)", (pages,))
        if pages < 0 or db.total_changes - before >= 2:  # FTS5's documented sign that something was merged
            return True
        (busy, _, _) = db.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            # Rows that were removed meanwhile are left to the next erasure. Otherwise this one might never end.
            db.execute("UPDATE notes SET erase = ?", (self._again,))
            self._erasing, self._merging = self._again, False
        now = time.monotonic()
        self._erase_after = now + (now - self._began) * ERASE_SHARE
        return False


class _Transaction:
    """A transaction as a context manager."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self._db.execute("COMMIT")
        elif self._db.in_transaction:
            self._db.execute("ROLLBACK")
