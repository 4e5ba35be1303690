"""What the writer reads of invitations is what it wrote, whatever it has in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.server.business.entries import Admit, CloseRoom, Connect, CreateRoom, Forget, Invite, PurgeRoom, Uninvite
from chatty.server.business.rights import MEMBER, OPERATOR, OWNER, SERVER, Principal
from chatty.server.platform.store.access.lookup import has_ended_rights, invitation_of_hash
from chatty.skeletons import skeleton
from tests.server.platform.store.access.test_loading import AT, ROOM, Writer
from tests.server.principals import owning, speaker


@pytest.fixture(params=[False, True], ids=["remembering", "forgetful"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "chatty.db", forgetful=request.param)
    yield writer
    writer.store.close()


def guest(number: int) -> Principal:
    return speaker(f"guest{number}", bytes([number]) * 16)


def invite(number: int = 1, who: Principal = OPERATOR, uses: int = 9, until: int = 0, name: str = "") -> Invite:
    return Invite(
        ROOM, AT, who, f"i{number}", bytes([number]) * 32, MEMBER, uses, until, name, name.casefold(), skeleton(name)
    )


def accept(who: Principal, invitation: str = "i1", room: str = ROOM) -> Admit:
    return Admit(room, AT, who, invitation)


def rows(writer: Writer, table: str) -> list[tuple[object, ...]]:
    return writer.store._db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names of our own


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_fifty_at_once_on_one_use_admit_exactly_one(writer: Writer, batch: int) -> None:
    """Attack 11, as the writer sees it."""
    writer.do(invite(uses=1))
    asked = [accept(guest(number)) for number in range(50)]
    outcomes = [one for low in range(0, 50, batch) for one in writer.do(*asked[low : low + batch])]
    assert outcomes == ["", *["not_admitted"] * 49]
    assert len(rows(writer, "grants")) == 1
    assert writer.do(*asked) == outcomes, "the one that was admitted asks again"


def test_as_long_as_no_name_is_reserved_no_message_asks_for_one(writer: Writer) -> None:
    writer.do(invite(1), accept(guest(1)))
    assert not writer.store._rights.has_names
    writer.do(invite(2, name="Bob"), accept(guest(2), "i2"))
    assert writer.store._rights.has_names


def test_an_admission_sends_nobody_away_but_those_who_sit_on_its_name(writer: Writer) -> None:
    writer.do(*(Connect(ROOM, AT, f"node/1/{name}", speaker(name, name.encode() * 16)) for name in "xy"))
    assert writer.left(invite(1), accept(guest(1)), invite(2, name="x"), accept(guest(2), "i2")) == [f"{ROOM} x"]


def test_an_inviter_s_rows_are_looked_up_when_somebody_accepts(writer: Writer) -> None:
    ada = speaker("Ada", b"a" * 16)
    writer.do(CreateRoom("by-ada", AT, "n", "", "e", b"p" * 32, 0, ada))
    writer.do(Invite("by-ada", AT, ada, "i1", b"1" * 32, OWNER, 9, 0))
    assert writer.do(accept(guest(1), room="by-ada")) == [""]
    assert writer.do(accept(guest(2), room=ROOM)) == ["not_admitted"]


def test_all_members_of_an_invitation_are_taken_along(writer: Writer) -> None:
    writer.do(invite(1), invite(2))
    writer.do(*(accept(guest(number)) for number in range(1, 5)), accept(guest(9), "i2"))
    assert writer.do(Uninvite(ROOM, AT, OPERATOR, "i1", members=True)) == [""]
    assert [row[1] for row in rows(writer, "grants")] == [guest(9).identity]
    assert [row[0] for row in rows(writer, "invitations")] == ["i2"]


def test_a_name_is_one_identity_s_and_an_identity_has_one_name(writer: Writer) -> None:
    writer.do(invite(1, name="Bob"), invite(2, name="Bob"), invite(3, name="Rob"))
    assert writer.do(accept(guest(1))) == [""]
    assert writer.do(accept(guest(2), "i2")) == ["name_taken"]
    assert writer.do(accept(guest(1), "i3")) == ["not_allowed"]
    assert [row[:2] for row in rows(writer, "names")] == [("bob", "Bob")]


def test_invitations_are_forgotten_with_their_room_and_after_their_end(writer: Writer) -> None:
    writer.do(invite(1, until=AT + 10), invite(2, until=AT + 30), invite(3))
    db = writer.store._db
    assert [has_ended_rights(db, by) for by in (AT + 9, AT + 10)] == [False, True]
    writer.do(Forget("", AT, 0, 0, AT + 10))
    assert [row[0] for row in rows(writer, "invitations")] == ["i2", "i3"]
    assert [invitation_of_hash(db, bytes([number]) * 32) for number in (1, 2)] == ["", "i2"]
    assert writer.do(accept(guest(1))) == ["not_admitted"]
    writer.do(Invite(SERVER, AT, OPERATOR, "server", b"s" * 32, MEMBER, 1, 0))
    writer.do(CloseRoom(ROOM, AT, owning(b"o" * 32)), PurgeRoom(ROOM, AT, AT))
    assert [row[0] for row in rows(writer, "invitations")] == ["server"]
    writer.do(CreateRoom(ROOM, AT, "n", "", "e", b"o" * 32))
    assert writer.do(accept(guest(1), "i3")) == ["not_admitted"], "nobody is invited to another room of that id"


def test_what_an_invitation_gave_is_as_readers_see_it(writer: Writer) -> None:
    writer.do(invite(1))
    writer.do(accept(guest(1)))
    assert [row[2:] for row in rows(writer, "grants")] == [(MEMBER, 0, "guest1", "the operator", "i1")]
