"""Readers look up rights by index, and look up the same for a room that is hidden as for one that isn't there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatty.server.business.access import Action
from chatty.server.business.entries import CreateRoom, Entry, Grant, Issue, Post, Rejection, Restrict, SetPolicy, Target
from chatty.server.business.rights import (
    MEMBER,
    NOBODY,
    OPEN,
    OPERATOR,
    OWNER,
    SERVER,
    Access,
    Principal,
    Token,
    Trust,
)
from chatty.server.platform.store.access.lookup import RulesCache, access_of, token_of_hash, token_of_id
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.reads import Reads, RoomView
from tests.server.principals import NOBODY as ANONYMOUS
from tests.server.principals import owning, speaker

AT = 1_700_000_000_000
VISIBLE, HIDDEN, MISSING = "visible", "hidden", "missing"
EVE, BOB = b"e" * 16, b"b" * 16
MANY = 100_000


class Shelf:
    """A store, and a reader's thread with the statements that it has run."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, on_error=self._failed)
        self.store.open()
        self.db = sqlite3.connect(path, isolation_level=None)
        self.reads = Reads(path)
        self.cache = RulesCache()
        self.reads._local.rules = self.cache
        self.do(*(CreateRoom(room, AT, room, "", "e", b"o" * 32) for room in (VISIBLE, HIDDEN)))
        self.do(SetPolicy(HIDDEN, AT, OPERATOR, NOBODY))

    def _failed(self, error: BaseException) -> None:
        raise error

    def do(self, *entries: Entry) -> None:
        assert not [one for one in self.store.apply(entries).outcomes if isinstance(one, Rejection)]

    def enter(self, room: str, who: Principal, action: Action = Action.SEE) -> tuple[list[str], RoomView | Rejection]:
        """What a reader finds, and the text of each statement by which it does."""
        statements: list[str] = []
        # A trace shows values, too, which differ: those of rooms' keys and ids.
        self.db.set_trace_callback(lambda sql: statements.append(sql.replace(f"'{room}'", "ID")))
        try:
            found = self.reads._enter(self.db, room, who, action, AT)
        finally:
            self.db.set_trace_callback(None)
        key = str(found.key) if isinstance(found, RoomView) else ""
        keys = [key, *(str(key) for (key,) in self.db.execute("SELECT key FROM rooms")), "-1"]
        for number in filter(None, keys):
            statements = [sql.replace(f"= {number}", "= KEY").replace(f"({number},", "(KEY,") for sql in statements]
        return statements, found


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "chatty.db")
    yield shelf
    shelf.reads.close()
    shelf.db.close()
    shelf.store.close()


WHO = {
    "nobody": ANONYMOUS,
    "key": speaker("Eve", EVE),
    "owner of another": owning(b"x" * 32),
    "member elsewhere": speaker("Bob", BOB),
    "token": Principal(EVE, Trust.VERIFIED, "Eve", "eve", "t1"),
    "unknown token": Principal(EVE, Trust.VERIFIED, "Eve", "eve", "t9"),
}


@pytest.mark.parametrize("mode", [MEMBER, NOBODY], ids=["open", "token"])
@pytest.mark.parametrize("who", WHO)
def test_a_hidden_room_and_a_missing_one_are_the_same_to_the_last_statement(
    shelf: Shelf, who: str, mode: int
) -> None:  # fmt: skip
    """Attack 5: bytes, status and statements."""
    shelf.do(
        SetPolicy(SERVER, AT, OPERATOR, mode),
        Issue(SERVER, AT, OPERATOR, "t1", b"1", OWNER, "Eve", "eve", EVE, MEMBER),
        Grant(VISIBLE, AT, OPERATOR, Target(identity=BOB), MEMBER),
    )
    shelf.enter(VISIBLE, ANONYMOUS)  # the server's own rules are read once
    # What a thread keeps makes no difference either, the first time and later.
    for action in (*Action, *Action):
        hidden, missing = shelf.enter(HIDDEN, WHO[who], action), shelf.enter(MISSING, WHO[who], action)
        assert hidden == missing
        assert isinstance(hidden[1], Rejection)
    # Ids that nobody has asked for before.
    shelf.do(*(CreateRoom(f"new-{n}", AT, "n", "", "e", b"o" * 32, 0, OPERATOR) for n in range(2)))
    shelf.do(*(SetPolicy(f"new-{n}", AT, OPERATOR, NOBODY) for n in range(2)))
    shelf.enter(VISIBLE, ANONYMOUS)
    assert shelf.enter("new-1", WHO[who]) == shelf.enter("never-1", WHO[who])


def test_somebody_who_was_banned_everywhere_learns_nothing_of_hidden_rooms(shelf: Shelf) -> None:
    shelf.do(Restrict(SERVER, AT, OPERATOR, "r1", Target(identity=EVE), OWNER))
    shelf.enter(VISIBLE, ANONYMOUS)
    assert shelf.enter(HIDDEN, WHO["key"]) == shelf.enter(MISSING, WHO["key"])
    assert shelf.enter(VISIBLE, WHO["key"])[1] == Rejection("banned")


def test_rules_are_read_again_after_a_ruling_and_not_before(shelf: Shelf) -> None:
    def reads_rules() -> bool:
        return any("policies" in sql for sql in shelf.enter(VISIBLE, WHO["key"])[0])

    assert [reads_rules(), reads_rules()] == [True, False]
    shelf.do(Post(VISIBLE, AT, WHO["key"], "hello"))
    assert not reads_rules()
    for ruling, expected in (
        (SetPolicy(VISIBLE, AT, OPERATOR, NOBODY), "room_not_found"),
        (SetPolicy(VISIBLE, AT, OPERATOR, MEMBER), ""),
        (Restrict(VISIBLE, AT, OPERATOR, "r1", Target(identity=EVE), OWNER), "banned"),
    ):
        shelf.do(ruling)
        found = shelf.enter(VISIBLE, WHO["key"])[1]
        assert (found.code if isinstance(found, Rejection) else "") == expected


def test_rules_that_are_none_are_the_one_object_that_says_so(shelf: Shelf) -> None:
    assert access_of(shelf.db, 1) is OPEN
    shelf.do(SetPolicy(VISIBLE, AT, OPERATOR, locked=True), SetPolicy(VISIBLE, AT, OPERATOR, locked=False))
    assert access_of(shelf.db, 1) is OPEN
    assert access_of(shelf.db, 2) == Access(everyone=NOBODY)


def test_among_a_hundred_thousand_tokens_one_is_found_by_index(tmp_path: Path) -> None:
    """Attacks 7 and 15: a look-up is one search of an index, whether there is such a token or not."""
    store = Store(tmp_path / "chatty.db", on_error=print)
    store.open()
    rows = ((f"id{n}", b"hash%d" % n, b"%016d" % n, OWNER, "", 0, 0, "", "", AT) for n in range(MANY))
    store._db.execute("BEGIN")
    store._db.executemany("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    store._db.execute("COMMIT")
    asked: list[str] = []
    with closing(sqlite3.connect(tmp_path / "chatty.db")) as db:
        db.set_trace_callback(asked.append)
        found = token_of_hash(db, b"hash77777")
        assert found == token_of_id(db, "id77777") == Token("id77777", b"0000000000077777")
        assert token_of_hash(db, b"unknown") is None
        assert token_of_id(db, "unknown") is None
        db.set_trace_callback(None)
        assert len(asked) == 4
        for sql in asked:
            plan = db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            assert [detail.split(" (")[0] for *_, detail in plan] in (
                ["SEARCH tokens USING INDEX sqlite_autoindex_tokens_2"], ["SEARCH tokens USING PRIMARY KEY"],
            )  # fmt: skip
    store.close()


async def test_a_credential_that_nobody_has_costs_one_search(shelf: Shelf) -> None:
    """Attack 7: guessing tokens costs the server no more than that."""
    asked: list[str] = []
    shelf.db.set_trace_callback(asked.append)

    async def here(question: Callable[[sqlite3.Connection], object]) -> object:
        return question(shelf.db)

    shelf.reads._ask = here  # type: ignore[method-assign, assignment] # in this thread, where it is watched
    assert await shelf.reads.bearer(b"unknown") is None
    shelf.db.set_trace_callback(None)
    assert len(asked) == 1


def test_no_look_up_for_a_decision_reads_a_whole_table(shelf: Shelf) -> None:
    """Attack 15: nor does anything else that a request's rights follow from."""
    shelf.do(
        SetPolicy(SERVER, AT, OPERATOR, NOBODY),
        Issue(SERVER, AT, OPERATOR, "t1", b"1", OWNER, "Eve", "eve", EVE, MEMBER),
    )
    asked: list[str] = []
    shelf.db.set_trace_callback(asked.append)
    for who in WHO.values():
        shelf.reads._enter(shelf.db, VISIBLE, who, Action.SEE, AT)
    shelf.db.set_trace_callback(None)
    plans = [(sql, detail) for sql in asked for *_, detail in shelf.db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert plans
    scans = [(sql, detail) for sql, detail in plans if detail.startswith("SCAN") and "CONSTANT" not in detail]
    assert [sql for sql, detail in scans if "(subquery" not in detail] == []
