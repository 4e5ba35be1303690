"""A restored backup revives nothing that was revoked since it was made: attack 16."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatty.server.business.entries import (
    Admit,
    CreateRoom,
    Entry,
    Grant,
    Invite,
    Issue,
    Lift,
    Rejection,
    Restrict,
    Revoke,
    SetPolicy,
    Uninvite,
)
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPERATOR,
    OWNER,
    POST,
    READER,
    SERVER,
    Principal,
    Trust,
)
from chatty.server.platform.store.access.lookup import RulesCache
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.copies.carrying_over import Tokens, Undecided
from chatty.server.platform.store.copies.restore import Restored, restore
from chatty.server.platform.store.data_directory import DATABASE
from tests.server.business.court import AT, by_identity, called, ident
from tests.server.rulings import rulings
from tests.support.old_data import take_back

ROOM, OTHER = "room-a", "room-b"
ADA, EVE = ident("Ada"), ident("Eve")
FAR = 10 * AT
"""Later than the tests are run, which is when a restore looks at tokens."""


class Server:
    """A data directory, a backup of it, and what happened before and after that was made."""

    def __init__(self, directory: Path) -> None:
        self.data, self.backup = directory / "data", directory / "backup.db"
        self.data.mkdir()
        self.do(*(CreateRoom(room, AT, room, "", "epoch", b"o" * 32) for room in (ROOM, OTHER)))

    def do(self, *entries: Entry, accepted: bool = True) -> None:
        store = Store(self.data / DATABASE, on_error=_failed)
        store.open()
        with closing(store):
            outcomes = store.apply(entries).outcomes
        assert not accepted or not [one for one in outcomes if isinstance(one, Rejection)]

    def back_up(self) -> None:
        with closing(sqlite3.connect(self.data / DATABASE)) as db:
            db.execute("VACUUM INTO ?", (str(self.backup),))

    def restore(self, tokens: Tokens | None = None) -> Restored:
        return restore(self.backup, self.data, tokens)

    def rights(self, who: Principal, scope: str = ROOM, at: int = AT) -> int:
        return rights_in(self.data / DATABASE, who, scope, at)

    def audit(self) -> list[tuple[int, str]]:
        with closing(sqlite3.connect(self.data / DATABASE)) as db:
            return db.execute("SELECT n, what FROM audit ORDER BY n").fetchall()


def _failed(error: BaseException) -> None:
    raise error


def rights_in(database: Path, who: Principal, scope: str, at: int) -> int:
    with closing(sqlite3.connect(database)) as db:
        found = db.execute("SELECT key, owner FROM rooms WHERE id = ?", (scope,)).fetchone()
        key, owner = found or (0, b"")
        return RulesCache().standing(db, key, scope, owner, who).rights(at)


def key(identity: bytes) -> Principal:
    return Principal(identity, Trust.KEY)


def bearer(token: str, identity: bytes = ADA) -> Principal:
    return Principal(identity, Trust.VERIFIED, token=token)


def issue(token: str, expires_at: int = 0) -> Issue:
    return Issue(SERVER, AT, OPERATOR, token, token.encode(), OWNER, "Ada", "ada", ADA, OWNER, expires_at)


def revoke(token: str) -> Revoke:
    return Revoke(SERVER, AT + 1, OPERATOR, token)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_a_token_that_was_revoked_since_stays_revoked(server: Server) -> None:
    server.do(issue("t1"), issue("t2"))
    server.back_up()
    server.do(revoke("t1"), issue("t3"))
    assert server.restore().rights == (1, 0)
    assert (server.rights(bearer("t1")), server.rights(bearer("t2")), server.rights(bearer("t3"))) == (0, OWNER, 0)


def test_so_does_one_whose_revocation_the_present_data_has_forgotten(server: Server) -> None:
    server.do(issue("t1"))
    server.back_up()
    server.do(revoke("t1"))
    with closing(sqlite3.connect(server.data / DATABASE, isolation_level=None)) as db:
        db.execute("DELETE FROM tokens")
    server.restore()
    assert server.rights(bearer("t1")) == 0


def test_a_role_that_was_taken_away_or_lowered_since_is_not_given_back(server: Server) -> None:
    server.do(*(Grant(ROOM, AT, OPERATOR, by_identity(name), OWNER) for name in ("Ada", "Eve", "Bob")))
    server.do(SetPolicy(ROOM, AT, OPERATOR, NOBODY))
    server.back_up()
    server.do(
        Grant(ROOM, AT, OPERATOR, by_identity("Ada"), NOBODY),
        Grant(ROOM, AT, OPERATOR, by_identity("Eve"), READER, AT + 5),
    )
    server.restore()
    assert [server.rights(key(ident(name))) for name in ("Ada", "Eve", "Bob")] == [0, READER, OWNER]
    assert server.rights(key(EVE), at=AT + 5) == 0


def test_a_role_that_was_given_since_is_gone_unless_it_is_less_than_everyones(server: Server) -> None:
    server.do(Grant(ROOM, AT, OPERATOR, by_identity("Bob"), MEMBER))
    server.back_up()
    server.do(
        Grant(ROOM, AT, OPERATOR, by_identity("Ada"), MODERATOR),
        Grant(ROOM, AT, OPERATOR, by_identity("Eve"), READER),
        Grant(ROOM, AT, OPERATOR, by_identity("Bob"), OWNER, AT + 5),
    )
    server.restore()
    assert [server.rights(key(who)) for who in (ADA, EVE)] == [MEMBER, READER]
    assert [server.rights(key(ident("Bob")), at=at) for at in (AT, AT + 5)] == [MEMBER, MEMBER]


def test_an_invitation_that_was_revoked_or_used_up_is_so_after_a_restore(server: Server) -> None:
    invitations = [("i1", ROOM), ("i2", ROOM), ("i3", ROOM), ("i4", SERVER)]
    server.do(
        *(Invite(scope, AT, OPERATOR, one, one.encode(), MEMBER, 2, FAR) for one, scope in invitations),
    )
    server.back_up()
    server.do(Uninvite(ROOM, AT, OPERATOR, "i1"), Admit(ROOM, AT, key(EVE), "i2"), Uninvite(SERVER, AT, OPERATOR, "i4"))
    server.restore()
    with closing(sqlite3.connect(server.data / DATABASE)) as db:
        assert db.execute("SELECT id, uses FROM invitations").fetchall() == [("i2", 1), ("i3", 2)]


def test_rules_bans_and_mutes_are_those_of_the_present(server: Server) -> None:
    mute = Restrict(ROOM, AT, OPERATOR, "r1", by_identity("Ada"), POST)
    server.do(mute, SetPolicy(OTHER, AT, OPERATOR, READER))
    server.back_up()
    server.do(
        Lift(ROOM, AT, OPERATOR, "r1"),
        Restrict(ROOM, AT, OPERATOR, "r2", by_identity("Eve"), OWNER),
        SetPolicy(ROOM, AT, OPERATOR, locked=True, slow=5_000, password="$argon2id$"),
        SetPolicy(OTHER, AT, OPERATOR, MEMBER),
        SetPolicy(SERVER, AT, OPERATOR, NOBODY),
    )
    server.restore()
    assert [server.rights(key(who), OTHER) for who in (ADA, EVE)] == [0, 0]
    with closing(sqlite3.connect(server.data / DATABASE)) as db:
        assert db.execute("SELECT locked, slow, password FROM policies WHERE room = 1").fetchall() == [
            (1, 5_000, "$argon2id$")
        ]
        assert db.execute("SELECT id FROM restrictions").fetchall() == [("r2",)]


def test_a_room_that_only_the_backup_has_keeps_its_rules(server: Server) -> None:
    server.do(SetPolicy(OTHER, AT, OPERATOR, NOBODY), Grant(OTHER, AT, OPERATOR, by_identity("Ada"), MEMBER))
    server.back_up()
    with closing(sqlite3.connect(server.data / DATABASE, isolation_level=None)) as db:
        for table, by in (("rooms", "key"), ("policies", "room"), ("grants", "room")):
            db.execute(f"DELETE FROM {table} WHERE {by} = 2")  # noqa: S608 - names of our own
    server.restore()
    assert [server.rights(key(who), OTHER) for who in (ADA, EVE)] == [MEMBER, 0]


def test_the_audit_log_goes_on_from_the_present(server: Server) -> None:
    server.do(issue("t1"))
    server.back_up()
    server.do(revoke("t1"), SetPolicy(ROOM, AT, OPERATOR, locked=True))
    before = server.audit()
    server.restore()
    assert server.audit() == [*before, (len(before) + 1, "restored a backup")]


@pytest.mark.parametrize("lost", ["removed", "damaged", "of another version"])
def test_without_the_present_data_it_has_to_be_said_whether_tokens_count(server: Server, lost: str) -> None:
    server.do(issue("t1"), issue("t2", expires_at=AT), issue("t3", expires_at=FAR), issue("t4"), revoke("t4"))
    server.back_up()
    database = server.data / DATABASE
    if lost == "removed":
        database.unlink()
    elif lost == "damaged":
        database.write_bytes(database.read_bytes()[:100] + bytes(8_000))
    else:
        take_back(database, to=4)
    before = sorted(file.name for file in server.data.iterdir())
    with pytest.raises(Undecided, match="which of the 2 tokens and invitations in the backup were revoked") as failure:
        server.restore()
    assert "--tokens" in str(failure.value.hint)
    assert sorted({file.name for file in server.data.iterdir()} - {"lock"}) == sorted({*before} - {"lock"})
    assert server.restore("keep").rights == (2, 2)
    assert [server.rights(bearer(f"t{n}")) for n in (1, 3, 4)] == [OWNER, OWNER, 0]


def test_a_backup_without_tokens_needs_no_word_about_them(server: Server) -> None:
    server.back_up()
    shutil.rmtree(server.data)
    assert server.restore().rights == (0, 0)


@pytest.mark.parametrize("present", [True, False])
def test_all_tokens_of_a_backup_can_be_revoked(server: Server, *, present: bool) -> None:
    server.do(issue("t1"), issue("t2"))
    server.back_up()
    if not present:
        shutil.rmtree(server.data)
    assert server.restore("revoke").rights == (0, 0)
    assert server.rights(bearer("t1")) == server.rights(bearer("t2")) == 0


def test_all_rights_can_be_taken_as_they_are_in_the_backup(server: Server) -> None:
    server.do(issue("t1"), Grant(ROOM, AT, OPERATOR, by_identity("Eve"), OWNER))
    server.back_up()
    server.do(
        revoke("t1"),
        Grant(ROOM, AT, OPERATOR, by_identity("Eve"), NOBODY),
        Restrict(ROOM, AT, OPERATOR, "r1", called("Eve"), OWNER),
    )
    assert server.restore("keep").rights == (1, 1)
    assert (server.rights(bearer("t1")), server.rights(key(EVE))) == (OWNER, OWNER)


NAMES, IDENTITIES = ("Ada", "Eve"), (ADA, EVE)
RULINGS = st.lists(
    rulings(
        st.sampled_from([ROOM, OTHER]), st.integers(AT, AT + 9), st.sampled_from(NAMES), st.sampled_from(IDENTITIES)
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(RULINGS, RULINGS)
def test_nobody_may_do_more_after_a_restore_than_before_it(before: Sequence[Entry], after: Sequence[Entry]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory))
        server.do(*before, accepted=False)
        server.back_up()
        server.do(*after, accepted=False)
        server.restore()
        (replaced,) = server.data.glob("replaced-*")
        for identity in IDENTITIES:
            name = NAMES[IDENTITIES.index(identity)]
            shown = [Principal(identity, Trust.KEY, name, name.casefold())]
            shown += [Principal(identity, Trust.VERIFIED, name, name.casefold(), f"t{n}") for n in (1, 2, 3)]
            for who in shown:
                for scope in (ROOM, OTHER, SERVER):
                    for at in (AT, AT + 4, AT + 20):
                        now, had = server.rights(who, scope, at), rights_in(replaced / DATABASE, who, scope, at)
                        assert now & ~had == 0, (who, scope, at, now, had)
