"""Names that look alike, in the database: from before the store knew what names look like, and from then on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatty.events import ParticipantLeft
from chatty.server.business.entries import (
    Connect,
    CreateRoom,
    Disconnect,
    Entry,
    Issue,
    Post,
    Rejection,
    Restrict,
    Target,
)
from chatty.server.business.rights import MEMBER, OPERATOR, OWNER, SERVER, Principal, Trust
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.applying import Store
from chatty.skeletons import skeleton
from tests.server.principals import speaker
from tests.support.old_data import take_back

AT = 1_700_000_000_000
ROOM = "room-a"
HOLDER, EVE, BOB = b"h" * 16, b"e" * 16, b"b" * 16
SPOOF = "Аda"
"""It begins with a Cyrillic letter."""


def issue(name: str, identity: bytes = HOLDER) -> Issue:
    token = f"token of {name}"
    return Issue(
        SERVER, AT, OPERATOR, token, token.encode(), OWNER, name, name.casefold(), identity, MEMBER,
        skeleton=skeleton(name),
    )  # fmt: skip


def connect(name: str, identity: bytes, number: int = 1) -> Connect:
    return Connect(ROOM, AT, f"node/1/{name}/{number}", speaker(name, identity))


def bearer(name: str, identity: bytes = HOLDER) -> Principal:
    return Principal(identity, Trust.VERIFIED, name, name.casefold(), f"token of {name}", skeleton=skeleton(name))


class Writer:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = Store(path, on_error=self._failed)
        self.store.open()

    def _failed(self, error: BaseException) -> None:
        raise error

    def apply(self, *entries: Entry) -> Applied:
        return self.store.apply(entries)

    def do(self, *entries: Entry) -> list[str]:
        """The codes of refusals; empty for what was accepted."""
        return [one.code if isinstance(one, Rejection) else "" for one in self.apply(*entries).outcomes]

    def refusal(self, entry: Entry) -> str:
        (outcome,) = self.apply(entry).outcomes
        return outcome.message if isinstance(outcome, Rejection) else ""

    def reopen(self, *, from_schema: int = 0) -> None:
        """Start the server again; the older one if its schema is given."""
        self.store.close()
        if from_schema:
            take_back(self.path, to=from_schema)
        self.store = Store(self.path, on_error=self._failed)
        self.store.open()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "chatty.db")
    writer.apply(CreateRoom(ROOM, AT, "n", "", "e", b"o" * 32))
    yield writer
    writer.store.close()


def kicked(applied: Applied) -> list[str]:
    return [
        event.participant
        for _, _, event in applied.events.get(ROOM, [])
        if isinstance(event, ParticipantLeft) and event.reason == "kicked"
    ]


def test_names_of_an_older_database_get_their_looks(writer: Writer) -> None:
    assert writer.do(
        issue("Ada"),
        connect("Ćafé", BOB),
        Connect(ROOM, AT, "node/1/1", bearer("Ada")),
        Restrict(ROOM, AT, OPERATOR, "r1", Target("Mallory", "mallory"), OWNER),
    ) == ["", "", "", ""]
    writer.reopen(from_schema=6)
    with closing(sqlite3.connect(writer.path)) as db:
        assert db.execute("SELECT name, skeleton FROM names").fetchall() == [("Ada", "ada")]
        participants = db.execute("SELECT name, skeleton, verified FROM participants ORDER BY name").fetchall()
        assert participants == [("Ada", "ada", 1), ("Ćafé", "cafe", 0)]
        made = db.execute("SELECT of, value, rights, name FROM restrictions ORDER BY of").fetchall()
        assert made == [(1, "mallory", OWNER, "Mallory"), (3, "mallory", OWNER, "Mallory")]
    assert writer.do(connect(SPOOF, EVE), connect("Саfе", EVE), connect("Маllоrу", EVE)) == [
        "name_taken", "name_taken", "banned",
    ]  # fmt: skip


def test_a_squatter_of_an_older_database_leaves_when_the_holder_comes(writer: Writer) -> None:
    assert writer.do(connect("Bob", EVE)) == [""]
    with closing(sqlite3.connect(writer.path)) as db, db:
        db.execute("UPDATE participants SET name = ?, name_key = ?", (SPOOF, SPOOF.casefold()))
    assert writer.do(issue("Ada")) == [""]
    writer.reopen(from_schema=6)
    applied = writer.apply(Connect(ROOM, AT, "node/1/7", bearer("Ada")))
    assert kicked(applied) == [SPOOF]
    assert applied.rulings is not None
    assert applied.rulings.evicted == {"node/1/Bob/1"}


@pytest.mark.parametrize("again", [False, True], ids=["in memory", "from the disk"])
def test_looks_are_known_in_memory_and_from_the_disk(writer: Writer, again: bool) -> None:
    assert writer.do(issue("Ada"), connect("Boris", BOB)) == ["", ""]
    if again:
        writer.reopen()
    assert writer.refusal(connect(SPOOF, EVE)) == (
        f"The name {SPOOF!r} looks like 'Ada', which is reserved for somebody else; choose another one."
    )
    assert writer.refusal(Post(ROOM, AT, speaker("Воris", EVE), "hello")) == (
        "The name 'Воris' looks like 'Boris', which somebody else holds here; choose another one."
    )


def test_no_token_is_issued_for_a_name_that_looks_like_a_reserved_one(writer: Writer) -> None:
    assert writer.do(issue("Ada")) == [""]
    assert writer.refusal(issue(SPOOF, EVE)) == (
        f"The name {SPOOF!r} looks like 'Ada', which is reserved for somebody else; choose another one."
    )
    assert writer.do(issue("Eve", EVE)) == [""]


def test_those_who_sit_on_the_look_of_a_name_leave_every_room_when_it_is_reserved(writer: Writer) -> None:
    assert writer.do(connect(SPOOF, EVE), connect("Bob", BOB)) == ["", ""]
    assert kicked(writer.apply(issue("Ada"))) == [SPOOF]
    assert writer.do(connect(SPOOF, EVE, 2)) == ["name_taken"]


def test_a_reserved_name_and_its_look_are_found_by_an_index(writer: Writer) -> None:
    with closing(sqlite3.connect(writer.path)) as db:
        plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM names WHERE skeleton = 'x'").fetchall()
    assert "USING INDEX names_like" in plan[0][3]


@pytest.mark.parametrize("again", [False, True], ids=["in memory", "from the disk"])
def test_a_participant_stays_verified(writer: Writer, again: bool) -> None:
    assert writer.do(issue("Ada"), Connect(ROOM, AT, "node/1/1", bearer("Ada"))) == ["", ""]
    if again:
        writer.reopen()
    applied = writer.apply(
        Post(ROOM, AT, bearer("Ada"), "here", connection="node/1/1"), Post(ROOM, AT, bearer("Ada"), "over HTTP"),
        Disconnect(ROOM, AT, "node/1/1", True), Post(ROOM, AT, speaker("Bob", BOB), "hello"),
    )  # fmt: skip
    events = [event for _, _, event in applied.events[ROOM]]
    assert [getattr(event, "verified", None) for event in events] == [True, True, True, False]
