"""The same entries make the same database, a failure changes nothing, and damage is reported."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import tempfile
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatty.client.identity import new_producer
from chatty.events import Message
from chatty.protocol import MESSAGE_BYTES
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CreateRoom,
    Disconnect,
    Entry,
    Forget,
    Post,
    Probe,
    PurgeRoom,
    Rejection,
    TrimRoom,
)
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import Trust
from chatty.server.platform.store import doctor
from chatty.server.platform.store.applied import StoredEvent
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.errors import StoreError, Unavailable
from chatty.server.platform.store.schema import MARK, MIGRATIONS
from tests.server.entries import OWNER, texts
from tests.server.principals import owning, speaker
from tests.support.old_data import take_back

ROOM = "a-room"
AT = 1_700_000_000_000
NOBODY = b"n" * 16
TABLES = ("rooms", "events", "participants", "producers", "receipts")


def opened(path: Path) -> Store:
    """A store that takes no error for granted."""
    errors: list[BaseException] = []

    def failed(error: BaseException) -> None:
        errors.append(error)
        raise error

    store = Store(path, on_error=failed)
    store.open()
    return store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = opened(path)
    yield store
    with contextlib.suppress(StoreError):
        store.close()


def rows(path: Path) -> dict[str, list[Any]]:
    """All that a database holds."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}  # noqa: S608


def creation(room: str = ROOM, at: int = AT) -> CreateRoom:
    return CreateRoom(room, at, "A room", "", "epoch", OWNER)


def post(text: str, *, room: str = ROOM, at: int = AT, n: int = 0, key: str = "") -> Post:
    producer = "producer" if n else ""
    return Post(room, at, speaker("Ada", NOBODY), text, producer, n, key, text.encode()[:16])


def connect(connection: str, *, resumable: bool = True, name: str = "Eve") -> Connect:
    return Connect(ROOM, AT, connection, speaker(name, name.encode() * 4, Trust.KEY if resumable else Trust.NONE))


def texts_in(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [text for (text,) in db.execute("SELECT json_extract(body, '$.text') FROM events ORDER BY key")]


def run(
    path: Path, history: list[Entry], cuts: set[int], reopen: bool
) -> tuple[list[Outcome], dict[str, list[StoredEvent]], list[Any]]:
    """The results of ``history`` if a batch ends at each of ``cuts``."""
    store = opened(path)
    outcomes: list[Outcome] = []
    delivered: dict[str, list[StoredEvent]] = {}
    away: list[Any] = []
    for begin, end in pairwise([0, *sorted(cuts), len(history)]):
        applied = store.apply(history[begin:end])
        outcomes += applied.outcomes
        away += applied.away
        for room, events in applied.events.items():
            delivered.setdefault(room, []).extend(events)
        if reopen:
            store.close()
            store = opened(path)
    store.close()
    return outcomes, delivered, away


# --- determinism, where a generator seldom gets; the property itself is in test_determinism.py ---------------


def as_ada(producer: str = "", n: int = 0, key: str = "", digest: bytes = b"") -> Post:
    return Post(ROOM, AT, speaker("Ada", NOBODY), "text", producer, n, key, digest)


@pytest.mark.parametrize(
    "history",
    [
        [as_ada(key="key", digest=b"1"), as_ada("producer", 1, "key", b"2")],
        [as_ada("producer", 1, "key", b"1"), as_ada(key="key", digest=b"2")],
        [as_ada(key="key", digest=b"1"), Forget("", AT, AT, AT), as_ada(key="key", digest=b"1")],
        [as_ada(key="key", digest=b"1"), Forget("", AT, AT, AT + 1), as_ada(key="key", digest=b"2")],
        [as_ada("producer", 1), Forget("", AT, AT + 1, AT), as_ada("producer", 1)],
        [connect("node/1/1", name="Zoe"), connect("node/1/1", name="Eve"), Disconnect(ROOM, AT, "node/1/1", True)],
        [connect("node/1/1"), CloseRoom(ROOM, AT, owning(OWNER)), PurgeRoom(ROOM, AT, AT), creation(), as_ada()],
    ],
    ids=["key, then number", "number, then key", "key kept", "key forgotten", "producer forgotten",
         "connection named twice", "room made again"],
)  # fmt: skip
def test_state_that_is_still_in_memory_makes_no_difference(tmp_path: Path, history: list[Entry]) -> None:
    history = [creation(), *history]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(whole, history, set(), False) == run(parts, history, set(range(1, len(history))), True)
    assert rows(whole) == rows(parts)


# --- what fails ---------------------------------------------------------------------------------------------


def test_a_full_disk_refuses_the_batch_keeps_the_data_and_is_over_when_there_is_space(store: Store, path: Path) -> None:
    store.apply([creation(), post("before", n=1), connect("node/1/1")])
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    kept = rows(path)

    for _ in range(3):
        with pytest.raises(Unavailable):
            store.apply([creation("another"), *(post("x" * 8_000, n=n) for n in range(2, 10))])
        assert rows(path) == kept

    store._db.execute("PRAGMA max_page_count = 1000000")
    applied = store.apply([post("after", n=2), creation("another"), post("there", room="another")])
    events = [event for outcome in applied.outcomes if isinstance(outcome, tuple) for event in outcome]
    assert [(type(m), m.seq) for m in events if isinstance(m, Message)] == [(Message, 3), (Message, 1)]
    store.close()
    assert texts_in(path) == ["before", None, "after", "there"]


def test_a_probe_fails_where_the_largest_message_has_no_place(store: Store, path: Path) -> None:
    store.apply([creation(), Probe("", AT)])
    wal = path.with_name(f"{path.name}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        with pytest.raises(Unavailable):
            while True:
                store.apply([post("x" * MESSAGE_BYTES)])
        with pytest.raises(Unavailable):
            store.apply([Probe("", AT)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.apply([Probe("", AT)])


def test_probes_alone_do_not_make_the_files_grow(store: Store, path: Path) -> None:
    sizes = []
    for _ in range(1_000):
        store.apply([Probe("", AT)])
        store.checkpoint(quiet=True)
        sizes.append(sum(file.stat().st_size for file in path.parent.iterdir()))
    assert sizes[-1] == sizes[500]


def test_a_disk_without_place_for_a_checkpoint_stops_nothing(store: Store, path: Path) -> None:
    store.apply([creation()])
    for _ in range(300):
        store.apply([post("x" * 12_000)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        store.checkpoint(quiet=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(store.apply([post("still there")]).outcomes[0], tuple)
    store.checkpoint(quiet=True)
    assert path.stat().st_size > 300 * 12_000


def test_numbers_that_are_refused_leave_nothing_in_memory(store: Store) -> None:
    store.apply([creation()])

    def refuse(count: int) -> int:
        for at in range(0, count, 1_000):
            refused = store.apply([as_ada(new_producer(), n=9) for _ in range(at, at + 1_000)]).outcomes
            assert {outcome.code for outcome in refused if isinstance(outcome, Rejection)} == {"out_of_order"}
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = refuse(11_000)
        assert refuse(11_000) < before + 1_000_000
    finally:
        tracemalloc.stop()


def test_a_rule_that_fails_refuses_its_entry_and_no_other(path: Path) -> None:
    errors: list[BaseException] = []
    store = Store(path, on_error=errors.append)
    store.open()
    broken = CloseRoom(ROOM, AT, owning("no bytes"))  # type: ignore[arg-type]
    senseless = replace(post("about what?"), reply_to="no number")  # the answered message can't even be looked up
    applied = store.apply([creation(), post("one"), broken, senseless, post("two")])
    store.close()
    assert applied.outcomes[2:4] == [Rejection("internal")] * 2
    assert len(errors) == 2
    assert texts_in(path) == ["one", "two"]


def test_purging_a_room_that_is_not_there_is_refused(store: Store) -> None:
    assert store.apply([PurgeRoom("unknown", AT, AT)]).outcomes == [Rejection("room_not_found")]


def test_a_time_survives_that_all_of_its_events_are_forgotten(path: Path) -> None:
    store = opened(path)
    store.apply([creation(), post("late", at=AT + 5_000)])
    store.apply([TrimRoom(ROOM, AT, 2)])
    store.close()
    store = opened(path)
    outcome = store.apply([post("by a clock that is behind", at=AT)]).outcomes[0]
    store.close()
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], Message)
    assert (outcome[0].seq, outcome[0].at) == (2, "2023-11-14T22:13:25.000Z")


# --- texts --------------------------------------------------------------------------------------------------


@given(st.lists(texts, min_size=1, max_size=10))
@settings(max_examples=20, deadline=None)
@example(["a\0b", "\0", "\x1f\x7f", '{"text":"\\u0000"}', "\U0010ffff\ufffe", "\u2028\u2029", "\r\n"])
def test_every_text_survives_as_it_was(said: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "db"
        store = opened(path)
        applied = store.apply([creation(), *map(post, said)])
        store.close()
        assert [event.text for _, _, event in applied.events[ROOM] if isinstance(event, Message)] == said
        with contextlib.closing(sqlite3.connect(path)) as db:
            bodies = [body for (body,) in db.execute("SELECT body FROM events ORDER BY key")]
        assert bodies == [body for _, body, _ in applied.events[ROOM]]


# --- opening ------------------------------------------------------------------------------------------------


def test_a_new_database_has_this_versions_shape_and_syncs_every_commit(store: Store) -> None:
    assert store._db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA fullfsync").fetchone() == (1,)


def test_opening_again_migrates_nothing_and_keeps_everything(path: Path) -> None:
    run(path, [creation(), post("kept"), connect("node/1/1")], set(), False)
    before = rows(path)
    opened(path).close()
    assert rows(path) == before


def test_data_of_a_newer_version_is_refused_and_left_as_it_is(path: Path) -> None:
    run(path, [creation(), post("kept")], set(), False)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="schema") as refused:
        opened(path)
    assert "newer chatty" in refused.value.hint
    assert texts_in(path) == ["kept"]


def test_a_database_from_before_there_were_marks_is_taken_on(path: Path) -> None:
    run(path, [creation(), post("kept")], set(), False)
    take_back(path, to=2)
    run(path, [post("after")], set(), True)
    assert texts_in(path) == ["kept", "after"]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (MARK,)


@pytest.mark.parametrize("version", [-1, 0, 1, 2, 99])
@pytest.mark.parametrize("name", [DATABASE, "search.db"])
def test_another_programs_database_is_refused_and_left_as_it_is(path: Path, name: str, version: int) -> None:
    with contextlib.closing(sqlite3.connect(path.with_name(name))) as db:
        db.executescript(f"CREATE TABLE rooms (name); PRAGMA user_version = {version}")
    before = path.with_name(name).read_bytes()
    with pytest.raises(StoreError, match="another program's") as refused:
        opened(path)
    assert "--data" in refused.value.hint
    assert path.with_name(name).read_bytes() == before
    assert not path.with_name(f"{name}-wal").exists()


def filled(path: Path) -> int:
    """A database of some pages; its size."""
    run(path, [creation(), *(post("x" * 3_000) for _ in range(100))], set(), False)
    return path.stat().st_size


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused_with_advice(path: Path, share: float) -> None:
    size = filled(path)
    with path.open("r+b") as file:
        file.truncate(int(size * share))
    with pytest.raises(StoreError, match="damaged") as refused:
        opened(path)
    assert "doctor" in refused.value.hint
    assert "backup" in refused.value.hint
    assert doctor.check(path.parent)


@pytest.mark.parametrize("offset", [0, 4096 + 8, 3 * 4096])
def test_an_overwritten_file_is_refused_with_advice(path: Path, offset: int) -> None:
    filled(path)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xde\xad\xbe\xef" * 1024)
    with pytest.raises(StoreError) as refused:
        opened(path)
    assert "doctor" in refused.value.hint
    assert doctor.check(path.parent)


def test_the_full_check_finds_damage_that_the_start_does_not_look_for(path: Path) -> None:
    filled(path)
    content = path.read_bytes()
    in_index = [at for at in range(len(content)) if content.startswith(b"a-room", at)][-1]
    with path.open("r+b") as file:
        file.seek(in_index)
        file.write(b"b-room")
    opened(path).close()
    assert any("missing from index" in found for found in doctor.check(path.parent))


def test_a_sound_database_has_nothing_wrong_also_while_it_is_open(store: Store, path: Path) -> None:
    store.apply([creation(), post("one")])
    assert doctor.check(path.parent) == []


def test_the_doctor_reports_a_database_that_is_missing(tmp_path: Path) -> None:
    (found,) = doctor.check(tmp_path)
    assert DATABASE in found
