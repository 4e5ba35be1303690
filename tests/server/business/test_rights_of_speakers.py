"""Posts and changes obey the rights of their author: attack 17 for somebody who only posts, and 10 for new names."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.events import Message
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CreateRoom,
    Delete,
    Duplicate,
    Edit,
    Entry,
    Post,
    React,
    Rejection,
    Rename,
    SetTopic,
)
from chatty.server.business.facts import IdempotencyKeyUsed, Lifted, PolicySet, Restricted
from chatty.server.business.rights import (
    MEMBER,
    NOBODY,
    OPEN,
    OPERATOR,
    OWNER,
    POST,
    POSTER,
    READER,
    Access,
    Grant,
    Of,
    Principal,
    Restriction,
    Trust,
)
from chatty.server.business.room import decide
from chatty.server.business.state import TargetMessage, evolve
from tests.server.business.court import AT, ROOM, Court, ident, person


@pytest.fixture
def court() -> Court:
    """A room into which a poster posts, and that is for nobody else. It has a message of its own, and one of Ada's."""
    court = Court(NOBODY)
    court.room.access = Access(NOBODY)
    for number, name in ((7, "Poster"), (8, "Ada")):
        court.room.targets[number] = TargetMessage(Message(number, "", name, "hello"), ident(name))
    return court


def by(name: str, **more: Any) -> dict[str, Any]:
    return {"room": ROOM, "at": AT, "who": person(name), **more}


def test_somebody_who_only_posts_does_nothing_else(court: Court) -> None:
    assert court.do(Post(**by("Poster"), text="built")) == ""
    refused: list[Entry] = [
        Post(**by("Poster"), text="re", reply_to=8),
        Post(**by("Poster"), text="re", reply_to=99),
        Edit(**by("Poster"), of=7, text="x"),
        React(**by("Poster"), of=8, reaction="x"),
        SetTopic(**by("Poster"), topic="x"),
        Rename(**by("Poster"), new_name="Ada", new_key="ada"),
        Connect(**by("Poster"), connection="node/1/1"),
        CloseRoom(**by("Poster")),
    ]
    assert {court.do(entry) for entry in refused} == {"not_allowed"}


def test_a_deletion_doesn_t_tell_somebody_who_only_posts_which_messages_there_are(court: Court) -> None:
    """Attack 17: the oracle of replies, by another way."""
    others = decide(court.room, Delete(**by("Poster"), of=8))
    missing = decide(court.room, Delete(**by("Poster"), of=99))
    assert others == missing == Rejection("message_not_found")
    assert court.do(Delete(**by("Poster"), of=7)) == ""
    assert court.do(Delete(**by("reader"), of=8)) == "not_allowed", "a reader sees it anyway"


def test_another_identity_s_idempotency_key_has_no_effect(court: Court) -> None:
    """Attack 17."""
    post: dict[str, Any] = {"text": "built", "idempotency_key": "1", "digest": b"1"}
    assert court.do(Post(**by("Poster"), **post)) == ""
    assert isinstance(decide(court.room, Post(**by("Poster"), **post)), Duplicate)
    outcome = decide(court.room, Post(**by("member"), **post))
    assert isinstance(outcome, tuple)
    assert [type(fact) for fact in outcome] == [Message, IdempotencyKeyUsed]
    assert decide(court.room, Post(**by("stranger"), **post)) == Rejection("room_not_found")


def test_a_closed_room_that_one_may_not_see_is_not_there(court: Court) -> None:
    """Attack 5: that it is closed would tell that it is there."""
    court.room.closed_at = AT
    for entry in (
        Post(**by("stranger"), text="x"),
        Delete(**by("stranger"), of=7),
        SetTopic(**by("stranger"), topic="x"),
        Connect(**by("stranger"), connection="node/1/1"),
        CloseRoom(**by("stranger")),
    ):
        assert decide(court.room, entry) == Rejection("room_not_found")
    assert court.do(Post(**by("member"), text="x")) == "room_closed"
    assert court.do(SetTopic(**by("member"), topic="x")) == "room_closed"
    assert court.do(Delete(**by("reader"), of=7)) == "room_closed"


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rights", "expected"), [(OWNER, "banned"), (POST, "muted")])
def test_nobody_takes_the_name_of_somebody_who_is_banned(rights: int, expected: str) -> None:
    """Attack 10: a new name, the other way round."""
    court = Court()
    who = person("Bob", Trust.NONE)
    court.enter(who)
    court.room.access = Access(restrictions=(Restriction("1", Of.NAME, "eve", rights),))
    rename = Rename(
        room=ROOM, at=AT, who=person("Bob", Trust.NONE), connection="node/1/Bob", new_name="Eve", new_key="eve"
    )
    assert court.do(rename) == expected
    assert set(court.room.participants) == {"bob"}


def test_the_banned_are_kept_out_under_any_name_and_from_the_same_address() -> None:
    """Attack 10: a new key, a new name, the same address. All three new can't be told from anybody else."""
    court = Court()
    court.room.access = Access(
        restrictions=(
            Restriction("1", Of.IDENTITY, ident("Eve"), OWNER),
            Restriction("1", Of.NAME, "eve", OWNER),
            Restriction("1", Of.ADDRESS, "192.0.2.7", OWNER, AT + 1),
        )
    )
    same_key = Principal(ident("Eve"), Trust.KEY, "Harmless", "harmless")
    same_name = Principal(ident("new"), Trust.KEY, "Eve", "eve")
    same_address = Principal(ident("new"), Trust.KEY, "Harmless", "harmless", "", "192.0.2.7")
    no_key = Principal(ident("other"), Trust.NONE, "Harmless", "harmless", "", "192.0.2.7")
    for who in (same_key, same_name, same_address, no_key):
        assert court.do(Connect(ROOM, AT, "node/1/1", who)) == "banned"
        assert court.do(Post(ROOM, AT, who, "hello")) == "banned"
    assert court.do(Post(ROOM, AT + 1, same_address, "hello")) == "", "others will have the address"
    assert court.do(Post(ROOM, AT, Principal(ident("new"), Trust.KEY, "Harmless", "harmless"), "hello")) == ""


def test_a_name_that_is_reserved_is_nobody_else_s_in_any_way() -> None:
    court = Court()
    court.server.names["ada"] = person("Ada", Trust.VERIFIED)
    court.enter(person("Bob"))
    other = Principal(ident("Bob"), Trust.KEY, "Ada", "ada")
    rename = Rename(room=ROOM, at=AT, who=person("Bob"), connection="node/1/Bob", new_name="ADA", new_key="ada")
    assert court.do(Connect(ROOM, AT, "node/1/2", other)) == "name_taken"
    assert court.do(Post(ROOM, AT, other, "hello")) == "name_taken"
    assert court.do(rename) == "name_taken"
    court.enter(person("Ada", Trust.VERIFIED))
    away = Rename(room=ROOM, at=AT, who=person("Ada"), connection="node/1/Ada", new_name="Zoe", new_key="zoe")
    assert court.do(away) == "not_allowed", "its bearer has no other name"


def test_an_owner_of_a_room_is_made_with_it_if_it_can_prove_itself_again() -> None:
    """Attack 7: a guessable key owns nothing."""
    for trust, owns in ((Trust.NONE, False), (Trust.WEAK, False), (Trust.KEY, True), (Trust.VERIFIED, True)):
        court = Court()
        court.room.exists = False
        assert court.do(CreateRoom(ROOM, AT, "n", "", "e", b"o" * 32, 0, person("Eve", trust))) == ""
        assert (ident("Eve") in court.room.grants) == owns
    court = Court()
    court.room.exists = False
    court.room.grants.clear()
    assert court.do(CreateRoom(ROOM, AT, "n", "", "e", b"o" * 32, 0, OPERATOR)) == ""
    assert court.room.grants == {}


@pytest.mark.parametrize("everyone", [NOBODY, READER, POSTER])
def test_rooms_are_made_by_members_of_the_server(everyone: int) -> None:
    court = Court(everyone)
    court.room.exists, court.server.knows = False, False
    made = CreateRoom(ROOM, AT, "n", "", "e", b"o" * 32, 0, person("Eve"))
    assert court.do(made) == ("not_allowed" if everyone else "unauthorized")
    court.server.grants[ident("Eve")] = Grant(READER | POST)
    assert court.do(made) == ""


def test_evolving_back_to_no_rules_is_the_same_as_never_having_had_any() -> None:
    court = Court()
    evolve(court.room, PolicySet(NOBODY, locked=True, topic=MEMBER, less=False))
    evolve(court.room, Restricted(Restriction("1", Of.NAME, "eve", OWNER), "ada", AT, ""))
    evolve(court.room, PolicySet(MEMBER, locked=False, topic=MEMBER, less=False))
    assert court.room.access is not OPEN
    evolve(court.room, Lifted("1"))
    assert court.room.access is OPEN
