"""Rights as data: their numbers, which every database has, their names, and the facts that change them."""

from __future__ import annotations

import pytest

from chatty.server.business.access import remember
from chatty.server.business.facts import (
    Audited,
    Connected,
    Fact,
    Granted,
    Issued,
    Lifted,
    PolicySet,
    Purged,
    Reserved,
    Restricted,
    Revoked,
)
from chatty.server.business.rights import (
    MEMBER,
    NOBODY,
    OPEN,
    OPERATOR,
    POST,
    READER,
    RIGHTS,
    ROLES,
    SERVER,
    Access,
    Grant,
    Of,
    Principal,
    Restriction,
    Token,
    Trust,
    has_ended,
    rights_named,
)
from chatty.server.business.state import SERVER_FACTS, Room, Server, evolve
from tests.server.business.court import AT, ROOM, ident, person

TOKEN = Token("t1", ident("Ada"))
MUTE = Restriction("r1", Of.IDENTITY, ident("Eve"), POST)


def test_stored_numbers_of_rights_roles_and_trust_never_change() -> None:
    assert RIGHTS == {"read": 1, "post": 2, "moderate": 4, "own": 8}
    assert ROLES == {"nobody": 0, "reader": 1, "poster": 2, "member": 3, "moderator": 7, "owner": 15}
    assert [(trust.name, trust.value) for trust in Trust] == [
        ("NONE", 0), ("WEAK", 1), ("KEY", 2), ("VERIFIED", 3), ("OPERATOR", 4),
    ]  # fmt: skip
    assert [(of.name, of.value) for of in Of] == [("IDENTITY", 0), ("NAME", 1), ("ADDRESS", 2), ("SKELETON", 3)]


@pytest.mark.parametrize(
    ("role", "named"),
    [
        ("nobody", []),
        ("reader", ["read"]),
        ("poster", ["post"]),
        ("member", ["read", "post"]),
        ("moderator", ["read", "post", "moderate"]),
        ("owner", ["read", "post", "moderate", "own"]),
    ],
)
def test_the_rights_of_a_role_as_they_are_sent(role: str, named: list[str]) -> None:
    assert rights_named(ROLES[role]) == named


def test_somebody_of_whom_nothing_is_said_has_no_name_token_or_address() -> None:
    assert Principal(b"x") == Principal(b"x", Trust.NONE, "", "", "", "")
    assert Principal(b"", Trust.OPERATOR) == OPERATOR


@pytest.mark.parametrize("trust", list(Trust))
def test_those_may_come_back_who_can_prove_themselves_again(trust: Trust) -> None:
    assert person("Ada", trust).resumable is (trust is not Trust.NONE)


def test_what_ends_has_ended_at_that_time_and_what_never_ends_has_not() -> None:
    assert [has_ended(until, 1) for until in (0, 1, 2)] == [False, True, False]


def scopes() -> tuple[Room, Server]:
    server = Server(access=Access(READER))
    server.tokens["t1"] = TOKEN
    return Room(1, ROOM, exists=True, server=server, access=Access(restrictions=(MUTE,))), server


@pytest.mark.parametrize(
    "fact",
    [
        Issued(TOKEN, b"hash", "laptop", "Ada", AT),
        Revoked("t1", AT),
        Revoked("unknown", AT),
        Granted(ident("Eve"), READER, 0, "Eve", "Ada"),
        PolicySet(NOBODY, locked=False, topic=MEMBER, less=False),
        Restricted(MUTE, "Ada", AT, ""),
        Lifted("r1"),
    ],
    ids=lambda fact: type(fact).__name__,
)
@pytest.mark.parametrize("of_the_server", [True, False])
def test_each_fact_that_changes_rights_is_counted_once_on_the_server(fact: Fact, *, of_the_server: bool) -> None:
    room, server = scopes()
    assert server.rulings == 0
    for count in (1, 2):
        evolve(server if of_the_server or type(fact) in SERVER_FACTS else room, fact)
        assert server.rulings == count


@pytest.mark.parametrize(
    "fact",
    [Reserved("ada", "Ada", ident("Ada"), "ada"), Audited(AT, "Ada", "kicked", "Eve", 0, "")],
    ids=["name", "audit"],
)
def test_facts_that_change_nobodys_rights_are_not_counted(fact: Fact) -> None:
    server = scopes()[1]
    evolve(server, fact)
    assert server.rulings == 0


def test_facts_about_rights_change_the_rows_and_rules_that_they_name() -> None:
    room, server = scopes()
    evolve(server, Revoked("t1", AT))
    assert server.tokens == {"t1": Token("t1", ident("Ada"), revoked_at=AT)}
    evolve(room, Granted(ident("Eve"), READER, AT, "Eve", "Ada"))
    evolve(room, Granted(ident("Bob"), NOBODY, 0, "Bob", "Ada"))
    assert (room.grants, server.grants) == ({ident("Eve"): Grant(READER, AT), ident("Bob"): None}, {})
    other = Restriction("r2", Of.NAME, "eve", POST)
    evolve(room, Restricted(other, "Ada", AT, ""))
    assert room.access.restrictions == (MUTE, other)
    evolve(room, PolicySet(READER, locked=True, topic=MEMBER, less=True))
    assert room.access == Access(READER, locked=True, topic=MEMBER, less=True, restrictions=(MUTE, other))
    evolve(room, Lifted("r1"))
    assert room.access == Access(READER, locked=True, topic=MEMBER, less=True, restrictions=(other,))
    evolve(room, PolicySet(MEMBER, locked=False, topic=MEMBER, less=False))
    evolve(room, Lifted("r2"))
    assert room.access is OPEN
    for locked in (True, False):
        evolve(room, PolicySet(MEMBER, locked=locked, topic=MEMBER, less=False))
        assert (room.access is OPEN) is not locked
    evolve(server, Reserved("ada", "Ada", ident("Ada"), "ada"))
    assert server.names == {"ada": Principal(ident("Ada"), Trust.VERIFIED, "Ada", "ada", skeleton="ada")}


def test_nothing_is_left_of_the_rights_in_a_room_that_is_forgotten() -> None:
    room = scopes()[0]
    evolve(room, Granted(ident("Eve"), READER, 0, "Eve", "Ada"))
    remember(room, person("Eve"), AT)
    evolve(room, Purged())
    assert (room.access, room.grants, room.decided) == (OPEN, {}, {})


def test_the_server_has_the_key_that_no_room_has() -> None:
    assert (Server().key, Server().id) == (0, SERVER)


@pytest.mark.parametrize("first", list(Trust))
@pytest.mark.parametrize("second", list(Trust))
def test_a_participant_is_trusted_as_the_best_of_its_connections(first: Trust, second: Trust) -> None:
    room = scopes()[0]
    for number, trust in enumerate((first, second)):
        fact = Connected(f"n/1/{number}", person("Ada", trust))
        assert fact.name_key == "ada"
        evolve(room, fact)
    assert room.participants["ada"].trust is max(first, second)
