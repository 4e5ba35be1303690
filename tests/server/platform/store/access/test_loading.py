"""What the writer has of somebody's rights in memory is what it would read from the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatty.events import ParticipantLeft
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CreateRoom,
    Entry,
    Forget,
    Grant,
    Issue,
    Kick,
    Lift,
    Post,
    PurgeRoom,
    Rejection,
    Rename,
    Restrict,
    Revoke,
    SetPolicy,
    Target,
)
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPERATOR,
    OWNER,
    POST,
    POSTER,
    READER,
    SERVER,
    Access,
    Principal,
    Token,
    Trust,
)
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.applying import Store
from tests.server.principals import owning, speaker

AT = 1_700_000_000_000
ROOM, OTHER = "room-a", "room-b"
HOLDER = b"n" * 16
EVE = b"e" * 16


class Writer:
    """A store with two rooms. With ``forgetful``, it keeps nothing in memory from one batch to the next."""

    def __init__(self, path: Path, *, forgetful: bool) -> None:
        self.store = Store(path, on_error=self._failed, budget=PLENTY._replace(rooms=0) if forgetful else PLENTY)
        self.store.open()
        for room in (ROOM, OTHER):
            self.do(CreateRoom(room, AT, "n", "", "e", b"o" * 32))

    def _failed(self, error: BaseException) -> None:
        raise error

    def apply(self, *entries: Entry) -> Applied:
        return self.store.apply(entries)

    def do(self, *entries: Entry) -> list[str]:
        """The codes of refusals; empty for what was accepted. All are one batch."""
        return [one.code if isinstance(one, Rejection) else "" for one in self.apply(*entries).outcomes]

    def left(self, *entries: Entry) -> list[str]:
        """Those that left because of ``entries``, as room and name."""
        applied = self.apply(*entries)
        assert not [one for one in applied.outcomes if isinstance(one, Rejection)]
        return [
            f"{room} {event.participant}"
            for room, events in applied.events.items()
            for _, _, event in events
            if isinstance(event, ParticipantLeft) and event.reason == "kicked"
        ]


@pytest.fixture(params=[False, True], ids=["in memory", "from the disk"])
def writer(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Writer]:
    writer = Writer(tmp_path / "chatty.db", forgetful=request.param)
    yield writer
    writer.store.close()


def issue(name: str, token: str = "t1", scope: str = SERVER, role: int = MEMBER, **more: Any) -> Issue:
    hashed = token.encode()
    return Issue(scope, AT, OPERATOR, token, hashed, OWNER, name, name.casefold(), HOLDER, role, **more)


def bearer(name: str, token: str = "t1") -> Principal:
    return Principal(HOLDER, Trust.VERIFIED, name, name.casefold(), token)


def connect(name: str, identity: bytes, room: str = ROOM, trust: Trust = Trust.KEY, number: int = 0) -> Connect:
    return Connect(room, AT, f"node/1/{number or name}", speaker(name, identity, trust))


def test_the_bearer_of_a_name_has_no_other_one(writer: Writer) -> None:
    """To know that, its own name is looked up, and not only the one that it wants."""
    writer.do(issue("Ada"))
    who = bearer("Ada")
    assert writer.do(Connect(ROOM, AT, "node/1/1", who)) == [""]
    rename = Rename(room=ROOM, at=AT, who=who, connection="node/1/1", new_name="Zoe", new_key="zoe")
    assert writer.do(rename) == ["not_allowed"]


def test_a_name_is_its_holder_s_as_soon_as_it_is_reserved(writer: Writer) -> None:
    writer.do(connect("Ada", EVE), connect("ada", EVE, OTHER), connect("Bob", b"b" * 16, OTHER))
    assert sorted(writer.left(issue("Ada"))) == [f"{ROOM} Ada", f"{OTHER} ada"]
    assert writer.do(connect("Ada", EVE)) == ["name_taken"]
    assert writer.do(Post(ROOM, AT, speaker("Ada", EVE), "hello")) == ["name_taken"]
    assert writer.do(Connect(ROOM, AT, "node/1/2", bearer("Ada"))) == [""]
    rename = Rename(
        room=OTHER, at=AT, who=speaker("Bob", b"b" * 16), connection="node/1/Bob", new_name="Ada", new_key="ada"
    )
    assert writer.do(rename) == ["name_taken"]


def test_rulings_on_the_server_reach_the_rooms_of_those_whom_they_are_about(writer: Writer) -> None:
    writer.do(connect("Eve", EVE), connect("Eve", EVE, OTHER), connect("Bob", b"b" * 16, OTHER))
    taken = Grant(SERVER, AT, OPERATOR, Target(identity=EVE), POSTER)
    assert sorted(writer.left(taken)) == [f"{ROOM} Eve", f"{OTHER} Eve"]
    assert writer.left(Restrict(SERVER, AT, OPERATOR, "r1", Target("Bob", "bob"), OWNER)) == [f"{OTHER} Bob"]
    assert writer.do(connect("Bob", b"x" * 16)) == ["banned"]
    assert writer.do(Lift(SERVER, AT, OPERATOR, "r1"), connect("Bob", b"x" * 16)) == ["", ""]
    assert writer.left(SetPolicy(SERVER, AT, OPERATOR, POSTER)) == [f"{ROOM} Bob"]


def test_what_a_batch_rules_holds_in_it_from_there_on(writer: Writer) -> None:
    say = Post(ROOM, AT, speaker("Eve", EVE), "hello")
    ban = Restrict(ROOM, AT, OPERATOR, "r1", Target(identity=EVE), OWNER)
    mute = Restrict(ROOM, AT, OPERATOR, "r2", Target(identity=EVE), POST)
    assert writer.do(say, ban, say, Lift(ROOM, AT, OPERATOR, "r1"), say, mute, say) == [
        "", "", "banned", "", "", "", "muted",
    ]  # fmt: skip


def test_a_revoked_token_speaks_no_more_in_its_own_batch(writer: Writer) -> None:
    writer.do(issue("Ada"))
    say, revoke = Post(ROOM, AT, bearer("Ada"), "hello"), Revoke(SERVER, AT, OPERATOR, "t1")
    assert writer.do(say, revoke, say) == ["", "", "unauthorized"]
    assert writer.do(say, revoke) == ["unauthorized", ""]


def test_a_token_and_its_role_count_by_the_time_of_the_entry(writer: Writer) -> None:
    """Attack 13: a clock that is a day ahead refuses, and when it is right again, all is as before."""
    day = 24 * 3600 * 1000
    writer.do(issue("Ada", expires_at=AT + 10), Grant(ROOM, AT, OPERATOR, Target(identity=EVE), READER, AT + 10))
    for at, token, grant in ((AT, "", "not_allowed"), (AT + day, "unauthorized", ""), (AT + 9, "", "not_allowed"),
                             (AT - day, "", "not_allowed"), (AT + 10, "unauthorized", "")):  # fmt: skip
        assert writer.do(Post(ROOM, at, bearer("Ada"), "hello")) == [token]
        assert writer.do(Post(ROOM, at, speaker("Eve", EVE), "hello")) == [grant]


def test_a_stranger_is_told_the_same_of_every_room_whoever_spoke_before(writer: Writer) -> None:
    """Attack 5: what the server knew of the last speaker told a hidden room from a missing one."""
    writer.do(SetPolicy(SERVER, AT, OPERATOR, NOBODY), Grant(OTHER, AT, OPERATOR, Target(identity=b"b" * 16), MEMBER))
    stranger, known = (speaker(name, identity) for name, identity in (("Eve", EVE), ("Bob", b"b" * 16)))
    for _ in range(2):
        for room in (ROOM, "missing"):
            assert writer.do(Post(room, AT, stranger, "hello")) == ["unauthorized"]
            assert writer.do(Post(room, AT, known, "hello")) == ["room_not_found"]


def test_what_is_forgotten_is_forgotten_in_memory_too(writer: Writer) -> None:
    writer.do(
        issue("Ada", expires_at=AT + 1),
        issue("Ada", "t2"),
        Revoke(SERVER, AT, OPERATOR, "t2"),
        Restrict(ROOM, AT, OPERATOR, "r1", Target(identity=EVE), OWNER, AT + 1),
        Restrict(SERVER, AT, OPERATOR, "r2", Target(identity=EVE), OWNER, AT + 1),
        Restrict(SERVER, AT, OPERATOR, "r3", Target(identity=EVE), POST, AT + 3),
        Forget("", AT + 2, 0, 0, AT + 2),
    )
    ended = [
        Revoke(SERVER, AT, OPERATOR, "t1"), Revoke(SERVER, AT, OPERATOR, "t2"), Lift(ROOM, AT, OPERATOR, "r1"),
        Lift(SERVER, AT, OPERATOR, "r2"),
    ]  # fmt: skip
    assert writer.do(*ended) == ["target_not_found"] * 4
    assert writer.do(Lift(SERVER, AT, OPERATOR, "r3")) == [""]


def test_a_forgotten_room_s_tokens_and_rules_go_with_it(writer: Writer) -> None:
    writer.do(
        issue("Ada", scope=ROOM),
        Restrict(ROOM, AT, OPERATOR, "r1", Target(identity=EVE), OWNER),
        CloseRoom(ROOM, AT, owning(b"o" * 32)),
        PurgeRoom(ROOM, AT, AT),
    )
    assert writer.do(Revoke(SERVER, AT, OPERATOR, "t1")) == ["target_not_found"]
    assert writer.do(Post(OTHER, AT, bearer("Ada"), "hello")) == ["unauthorized"]
    for table in ("tokens", "grants", "restrictions", "policies"):
        count = f"SELECT count(*) FROM {table} WHERE room NOT IN ('', 0)"  # noqa: S608 - names of our own
        assert writer.store._db.execute(count).fetchone() == (0,)


def test_after_a_failure_nothing_is_remembered_that_was_not_stored(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "chatty.db", forgetful=False)
    writer.do(connect("Eve", EVE))

    batch = [
        issue("Eve"),
        SetPolicy(SERVER, AT, OPERATOR, NOBODY),
        SetPolicy(ROOM, AT, OPERATOR, NOBODY),
        Restrict(ROOM, AT, OPERATOR, "r1", Target(identity=EVE), OWNER),
        Grant(ROOM, AT, OPERATOR, Target(identity=b"b" * 16), MODERATOR),
    ]
    with pytest.raises(AttributeError):
        writer.apply(*batch, None)  # type: ignore[arg-type]
    assert writer.do(Post(ROOM, AT, speaker("Eve", EVE), "hello", connection="node/1/Eve")) == [""]
    assert writer.do(Post(ROOM, AT, bearer("Eve"), "hello")) == ["unauthorized"]
    assert writer.store._rooms[ROOM].access == Access()
    assert writer.do(Kick(ROOM, AT, speaker("Bob", b"b" * 16), Target("Eve", "eve"))) == ["not_allowed"]
    writer.store.close()


def test_changes_of_rights_are_noted_for_those_who_listen(writer: Writer) -> None:
    """Sessions and streams are told from the batch itself, so it has to have all of them."""
    writer.do(issue("Ada"), connect("Eve", EVE))
    assert writer.apply(Post(ROOM, AT, bearer("Ada"), "hello")).rulings is None
    noted = writer.apply(
        Grant(ROOM, AT, OPERATOR, Target(identity=HOLDER), MODERATOR),
        Restrict(ROOM, AT, OPERATOR, "r1", Target(identity=EVE), OWNER),
        SetPolicy(SERVER, AT, OPERATOR, locked=True),
        Revoke(SERVER, AT, OPERATOR, "t1"),
    ).rulings
    assert noted is not None
    assert set(noted.access) == {ROOM, SERVER}
    assert noted.access[SERVER].locked
    assert [one.id for one in noted.access[ROOM].restrictions] == ["r1"]
    assert set(noted.granted) == {(ROOM, HOLDER)}
    assert noted.tokens == {"t1": Token("t1", HOLDER, OWNER, SERVER, 0, AT)}
    assert noted.evicted == {"node/1/Eve"}
