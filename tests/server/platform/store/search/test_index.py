"""The search index by itself: the messages that it has, and the text that stays in its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatty.server.business.entries import CloseRoom, CreateRoom, Delete, Edit, Post, PurgeRoom, TrimRoom
from chatty.server.business.rights import Principal, Trust
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import may_retry
from chatty.server.platform.store.schema import ROOM_BITS
from chatty.server.platform.store.search.index import CHUNK, Index
from chatty.server.platform.store.search.query import MOST_ENDINGS, match, wanted
from chatty.server.platform.store.write_ahead_log import LONG_BYTES
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.principals import owning, speaker

ADA: dict[str, Any] = {"room": ROOM, "at": AT, "who": speaker("Ada", b"a" * 16)}


def opened(path: Path) -> Store:
    def fail(error: BaseException) -> None:
        raise error

    store = Store(path, on_error=fail)
    store.open()
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path / "chatty.db")) as store:
        store.apply([CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER)])
        yield store


def index_of(store: Store, boot: str = "one") -> Index:
    return Index(store.path.with_name("search.db"), store.path, boot)


@pytest.fixture
def index(store: Store) -> Iterator[Index]:
    with closing(index_of(store)) as index:
        yield index


def say(store: Store, *texts: str, room: str = ROOM, name: str = "Ada") -> None:
    store.apply([Post(room, AT, Principal(b"a" * 16, Trust.KEY, name, name.lower()), text) for text in texts])


def take_all(index: Index) -> None:
    """Until nothing is behind and nothing is to be taken out."""
    while index.sweep() is not None:
        pass
    while rooms := index.behind():
        index.take_in(rooms)


def asked(db: sqlite3.Connection, words: str) -> str:
    look_for = wanted(words, None)
    assert look_for
    return match(db, look_for)


def found(store: Store, words: str) -> list[int]:
    """The numbers of the messages that have these words, in any room."""
    with closing(sqlite3.connect(store.path.with_name("search.db"))) as db:
        rows = db.execute("SELECT rowid FROM messages WHERE messages MATCH ?", (asked(db, words) or '""',)).fetchall()
    return sorted(key & ((1 << ROOM_BITS) - 1) for (key,) in rows)


def on_disk(store: Store, text: str) -> int:
    return sum(file.read_bytes().lower().count(text.encode()) for file in store.path.parent.glob("search.db*"))


def test_new_messages_are_indexed_step_by_step_and_once_each(store: Store, index: Index) -> None:
    texts = [f"message {number} of many" for number in range(2 * CHUNK + CHUNK // 2)]
    say(store, *texts)
    assert index.behind() == {ROOM: len(texts)}
    assert index.take_in([ROOM]) == ({1: CHUNK}, True)
    assert index.take_in([ROOM]) == ({1: 2 * CHUNK}, True)
    assert index.take_in([ROOM]) == ({1: len(texts)}, False)
    assert index.take_in([ROOM]) == ({}, False)
    assert index.behind() == {}
    assert found(store, "message many") == list(range(1, len(texts) + 1))


def test_many_rooms_go_in_one_step_and_each_goes_on_where_it_was(store: Store, index: Index) -> None:
    rooms = [f"room-{number}" for number in range(5)]
    store.apply([CreateRoom(room, AT, room, "", "epoch", OWNER) for room in rooms])
    for room in rooms:
        say(store, *(["word"] * 300), room=room)
    reached: dict[int, int] = {}
    more = True
    while more:
        step, more = index.take_in(rooms)
        reached |= step
    assert sorted(reached.values()) == [300] * 5
    assert index.positions() == reached
    assert len(found(store, "word")) == 1_500


def test_after_a_restart_it_goes_on_where_it_stopped(store: Store) -> None:
    say(store, *(["before"] * (CHUNK + 1)))
    with closing(index_of(store)) as index:
        index.take_in([ROOM])
    with closing(index_of(store)) as index:
        assert index.positions() == {1: CHUNK}
        take_all(index)
        assert index.positions() == {1: CHUNK + 1}
    assert len(found(store, "before")) == CHUNK + 1


def test_a_beginning_finds_few_words_and_many_and_no_other(store: Store, index: Index) -> None:
    say(store, *(f"ending{number:03} here" for number in range(MOST_ENDINGS + 1)), "endin here", "endinh", "ending000")
    take_all(index)
    everything = list(range(1, MOST_ENDINGS + 2))
    assert found(store, "ending00") == [*range(1, 11), MOST_ENDINGS + 4]
    assert found(store, "ending") == [*everything, MOST_ENDINGS + 4]
    assert found(store, "endin here") == [*everything, MOST_ENDINGS + 2]
    assert found(store, "e h") == [*everything, MOST_ENDINGS + 2]
    assert found(store, "endinga") == []
    assert found(store, "endinga here") == []
    assert found(store, "zzz") == []


def test_a_beginning_is_asked_for_as_the_words_that_begin_with_it(store: Store, index: Index) -> None:
    say(store, "word words", "wording word", "worse other")
    take_all(index)
    with closing(sqlite3.connect(store.path.with_name("search.db"))) as db:
        assert asked(db, "Wörd oth") == 'text : ("word" OR "wording" OR "words") AND text : ("other")'


@pytest.mark.parametrize("together", [True, False])
def test_an_edited_message_is_found_by_its_current_text(store: Store, index: Index, together: bool) -> None:
    say(store, "an old wording", "another one")
    if not together:
        take_all(index)
    store.apply([Edit(**ADA, of=1, text="a new wording")])
    take_all(index)
    assert (found(store, "old"), found(store, "new"), found(store, "wording")) == ([], [1], [1])


def test_nothing_of_a_deleted_text_and_its_wordings_stays_in_the_file(store: Store, index: Index) -> None:
    say(store, *(f"message {number} of many" for number in range(3_000)))
    say(store, "confidential wording")
    take_all(index)
    store.apply([Edit(**ADA, of=3_001, text="classified wording")])
    take_all(index)
    assert on_disk(store, "classified") > 0
    store.apply([Delete(**ADA, of=3_001)])
    take_all(index)
    assert found(store, "wording") == []
    while index.erase():
        say(store, "said meanwhile")
        take_all(index)
    for word in ("confidential", "classified", "onfidential", "lassified"):
        assert on_disk(store, word) == 0, word
    assert len(found(store, "many")) == 3_000
    assert found(store, "meanwhile")


def test_text_that_was_edited_away_leaves_the_file_as_well(store: Store, index: Index) -> None:
    say(store, "confidential", "another")
    take_all(index)
    store.apply([Edit(**ADA, of=1, text="redacted")])
    take_all(index)
    assert on_disk(store, "confidential") > 0
    while index.erase():
        pass
    assert on_disk(store, "confidential") == 0
    assert (found(store, "redacted"), found(store, "another")) == ([1], [2])


def test_edits_without_end_do_not_begin_an_erasure_anew(store: Store, index: Index) -> None:
    say(store, *(f"message {number} of many" for number in range(3_000)))
    take_all(index)
    steps = 0
    while not steps or index.erase():
        store.apply([Edit(**ADA, of=1, text=f"wording{steps:03}")])
        take_all(index)
        steps += 1
        assert steps < 100
    with closing(index_of(store)) as again:  # which knows that the last wordings are still to go
        while again.erase():
            pass
        assert [n for n in range(steps) if on_disk(store, f"ording{n:03}")] == [steps - 1]


def test_an_erasure_that_was_cut_short_is_taken_up_again(store: Store) -> None:
    say(store, "confidential", *(["other"] * 10))
    with closing(index_of(store)) as index:
        take_all(index)
        store.apply([Delete(**ADA, of=1)])
        take_all(index)
        assert on_disk(store, "confidential") > 0
    with closing(index_of(store)) as index:
        while index.erase():
            pass
        assert on_disk(store, "confidential") == 0


def test_events_that_the_room_has_forgotten_leave_the_index(store: Store, index: Index) -> None:
    say(store, *(f"fleeting {number}" for number in range(1, 2 * CHUNK + 101)))
    take_all(index)
    store.apply([TrimRoom(ROOM, AT, 2 * CHUNK + 1)])
    say(store, "fleeting too")
    index.take_in([ROOM])
    take_all(index)
    assert found(store, "fleeting") == list(range(2 * CHUNK + 1, 2 * CHUNK + 102))
    store.apply([CloseRoom(ROOM, AT, owning(OWNER)), TrimRoom(ROOM, AT, 2 * CHUNK + 103), PurgeRoom(ROOM, AT, AT)])
    take_all(index)
    assert (found(store, "fleeting"), index.positions()) == ([], {})
    while index.erase():
        pass
    assert on_disk(store, "fleeting") == 0


def test_another_epoch_of_a_room_is_taken_in_anew(store: Store, index: Index) -> None:
    say(store, "of the first epoch", "also")
    take_all(index)
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(
            "UPDATE rooms SET epoch = 'other'; UPDATE events SET body = replace(CAST(body AS TEXT), 'first', 'second')"
        )
    take_all(index)
    assert (found(store, "first"), found(store, "second"), found(store, "also")) == ([], [1], [2])


def test_an_index_that_is_ahead_of_its_room_begins_anew(store: Store, index: Index) -> None:
    say(store, "kept", "lost in the restore")
    take_all(index)
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("DELETE FROM events WHERE key & 4294967295 = 2")
        db.commit()
    take_all(index)
    assert (found(store, "kept"), found(store, "lost"), index.positions()) == ([1], [], {1: 1})


def test_without_space_on_the_disk_nothing_is_half_indexed(store: Store, index: Index) -> None:
    say(store, *("x" * 4_000 for _ in range(50)))
    index._db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(sqlite3.OperationalError) as refused:
        index.take_in([ROOM])
    assert may_retry(refused.value)
    assert index.positions() == {}
    index._db.execute("PRAGMA max_page_count = 1000000")
    assert index.take_in([ROOM]) == ({1: 50}, False)


def test_an_index_of_another_version_is_refused(store: Store) -> None:
    index_of(store).close()
    with closing(sqlite3.connect(store.path.with_name("search.db"))) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(sqlite3.DatabaseError, match="version 99"):
        index_of(store)


def test_an_index_that_was_not_sealed_is_refused_after_the_machine_went_down(store: Store) -> None:
    say(store, "kept")
    with closing(index_of(store)) as index:
        take_all(index)
    with closing(index_of(store)) as index:
        assert index.positions() == {1: 1}
    with pytest.raises(sqlite3.DatabaseError, match="went down"):
        index_of(store, "two")
    with closing(index_of(store)) as index:
        index.seal()
    with closing(index_of(store, "two")) as index:
        assert index.positions() == {1: 1}


def test_after_a_long_reader_its_log_is_short_again(store: Store, index: Index) -> None:
    path = store.path.with_name("search.db")
    wal = path.with_name("search.db-wal")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM positions").fetchone()
        for number in range(30):
            say(store, *(" ".join(f"{number}x{part}x{word}" for word in range(700)) for part in range(50)))
            take_all(index)
        index.shorten_wal()
        assert wal.stat().st_size > LONG_BYTES
    index.shorten_wal()
    assert wal.stat().st_size == 0
    assert path.stat().st_size > LONG_BYTES
