"""Rights that are remembered, or seen at one look, are those that the rules give: `may_talk_freely` and the like."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatty.server.business.access import (
    Action,
    Standing,
    may_talk_freely,
    refusal,
    remember,
    remembered,
    shows_itself,
    shows_owner,
    standing,
)
from chatty.server.business.entries import SetPolicy
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OWNER,
    POST,
    READ,
    READER,
    SERVER,
    Access,
    Grant,
    Of,
    Principal,
    Restriction,
    Token,
    Trust,
)
from tests.server.business.court import AT, OWNER_TOKEN, ROOM, Court, by_invitation, ident, person

ADA = person("Ada")
BEARER = person("Ada", Trust.VERIFIED, token="t1")


# --- at one look --------------------------------------------------------------------------------------------


def test_where_nobody_has_made_rules_all_talk_freely() -> None:
    assert may_talk_freely(Court().room, ADA, AT) is True


@pytest.mark.parametrize("end", ["expires_at", "closed_at"])
def test_in_a_room_that_is_closed_or_will_be_nobody_talks_freely(end: str) -> None:
    court = Court()
    remember(court.room, ADA, AT)
    setattr(court.room, end, AT + 1)
    assert may_talk_freely(court.room, ADA, AT) is False


def test_rules_of_the_room_or_of_the_server_need_more_than_a_look() -> None:
    assert not may_talk_freely(by_invitation().room, ADA, AT)
    assert not may_talk_freely(Court(READER).room, ADA, AT)


def test_a_token_needs_more_than_a_look() -> None:
    court = Court()
    court.token(BEARER.identity)
    assert not may_talk_freely(court.room, BEARER, AT)
    remember(court.room, BEARER, AT)
    assert may_talk_freely(court.room, BEARER, AT) is True


@pytest.mark.parametrize(
    ("role", "freely"), [(READER, False), (POST, False), (MEMBER, True), (MODERATOR, True), (OWNER, True)]
)
def test_those_talk_freely_whose_remembered_rights_are_at_least_a_members(role: int, *, freely: bool) -> None:
    court = by_invitation()
    court.room.grants[ADA.identity] = Grant(role)
    assert not may_talk_freely(court.room, ADA, AT)
    remember(court.room, ADA, AT)
    assert may_talk_freely(court.room, ADA, AT) is freely


# --- what is remembered -------------------------------------------------------------------------------------


def test_nothing_is_remembered_of_somebody_else() -> None:
    court = by_invitation()
    remember(court.room, ADA, AT)
    known = remembered(court.room, ADA, AT)
    assert known is not None
    assert known.rights == NOBODY
    for change in ({"token": "t2"}, {"name": "Eve"}, {"address": "10.0.0.0/24"}, {"trust": Trust.WEAK}):
        assert remembered(court.room, replace(ADA, **change), AT) is None
    assert remembered(court.room, person("Eve"), AT) is None
    assert remembered(court.server, ADA, AT) is None


def test_what_is_remembered_holds_from_its_time_on() -> None:
    court = by_invitation()
    remember(court.room, ADA, AT)
    assert remembered(court.room, ADA, AT - 1) is None
    assert remembered(court.room, ADA, AT) is not None
    assert remembered(court.room, ADA, AT * 10) is not None


def test_what_is_remembered_holds_until_the_rights_change_by_themselves() -> None:
    court = by_invitation()
    court.room.grants[ADA.identity] = Grant(MEMBER, until=AT + 5)
    remember(court.room, ADA, AT)
    known = remembered(court.room, ADA, AT + 4)
    assert known is not None
    assert known.rights == MEMBER
    assert remembered(court.room, ADA, AT + 5) is None
    assert refusal(court.room, ADA, Action.POST, AT + 4) is None
    assert refusal(court.room, ADA, Action.POST, AT + 5) is not None


def test_an_end_in_the_first_millisecond_there_ever_was_is_an_end() -> None:
    court = by_invitation()
    court.room.grants[ADA.identity] = Grant(MEMBER, until=1)
    remember(court.room, ADA, 0)
    assert remembered(court.room, ADA, 0) is not None
    assert remembered(court.room, ADA, 1) is None


@pytest.mark.parametrize("scope", [ROOM, SERVER])
@pytest.mark.parametrize("where", ["room", "server"])
def test_a_ruling_anywhere_ends_what_is_remembered(scope: str, where: str) -> None:
    court = by_invitation()
    asked = court.room if where == "room" else court.server
    remember(asked, ADA, AT)
    assert remembered(asked, ADA, AT) is not None
    admin = person("admin")
    assert isinstance(court.rule(SetPolicy(scope, AT, admin, everyone=READER)), tuple)
    assert remembered(asked, ADA, AT) is None


# --- who shows what -----------------------------------------------------------------------------------------


def test_a_key_shows_itself_and_a_token_as_long_as_it_counts() -> None:
    court = Court()
    assert shows_itself(court.room, ADA, AT) is True
    assert shows_itself(court.room, BEARER, AT) is False
    court.token(BEARER.identity, expires_at=AT + 1)
    assert shows_itself(court.room, BEARER, AT) is True
    assert shows_itself(court.room, BEARER, AT + 1) is False


def test_a_room_is_owned_by_those_who_show_its_token_as_their_key() -> None:
    owner = Principal(OWNER_TOKEN[:16], Trust.KEY)
    assert shows_owner(OWNER_TOKEN, owner)
    for trust in (Trust.NONE, Trust.WEAK, Trust.VERIFIED, Trust.OPERATOR):
        assert not shows_owner(OWNER_TOKEN, replace(owner, trust=trust))
    assert not shows_owner(OWNER_TOKEN, ADA)
    assert not shows_owner(b"", owner)  # a room without an owner token
    assert not shows_owner(OWNER_TOKEN[:16], owner)  # an identity is public, and no hash of a token
    assert standing(Court().room, owner).rights(AT) == OWNER
    assert standing(Court().server, owner).rights(AT) == MEMBER


def test_the_rows_of_a_token_are_those_of_the_one_that_was_shown() -> None:
    court = Court()
    token = court.token(BEARER.identity)
    assert standing(court.room, BEARER).token == token
    assert standing(court.room, ADA).token is None
    court.server.tokens[""] = token
    assert standing(court.room, ADA).token is None


# --- when rights change by themselves -----------------------------------------------------------------------


def restriction(until: int, whom: str = "Ada") -> Restriction:
    return Restriction("r", Of.IDENTITY, ident(whom), POST, until)


@pytest.mark.parametrize(
    "own",
    [
        Standing(ADA, ROOM, in_scope=Grant(MEMBER, AT + 1)),
        Standing(ADA, ROOM, in_server=Grant(MEMBER, AT + 1)),
        Standing(BEARER, ROOM, token=Token("t1", BEARER.identity, expires_at=AT + 1)),
        Standing(ADA, ROOM, rules=Access(restrictions=(restriction(AT + 1),))),
        Standing(ADA, ROOM, server_rules=Access(restrictions=(restriction(0), restriction(AT + 1)))),
    ],
    ids=["grant in the room", "grant on the server", "token", "ban in the room", "ban on the server"],
)
def test_everything_that_rights_follow_from_may_end(own: Standing) -> None:
    assert own.changes_at(AT) == AT + 1
    assert own.changes_at(AT + 1) == 0


def test_the_next_end_counts_and_none_of_somebody_else() -> None:
    rules = Access(restrictions=(restriction(AT + 3), restriction(AT + 2), restriction(AT + 1, "Eve")))
    own = Standing(ADA, ROOM, rules, in_scope=Grant(MEMBER, AT + 4))
    assert [own.changes_at(AT + passed) for passed in range(5)] == [AT + 2, AT + 2, AT + 3, AT + 4, 0]
    assert Standing(ADA, ROOM, in_scope=Grant(MEMBER)).changes_at(AT) == 0


# --- where there is nothing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "everyone", "known", "code"),
    [
        (ROOM, READ, False, "room_not_found"),
        (ROOM, NOBODY, True, "room_not_found"),
        (ROOM, NOBODY, False, "unauthorized"),
        (SERVER, READ, False, "not_allowed"),
        (SERVER, NOBODY, True, "not_allowed"),
        (SERVER, POST, False, "unauthorized"),
    ],
)
def test_the_answer_where_there_is_nothing(scope: str, everyone: int, *, known: bool, code: str) -> None:
    own = Standing(ADA, scope, server_rules=Access(everyone), known=known)
    assert own.nothing_here().code == code


def test_answers_are_plain_values() -> None:
    own = Standing(BEARER, ROOM, Access(restrictions=(Restriction("r", Of.IDENTITY, ident("Ada"), OWNER),)))
    assert own.has_invalid_token(AT) is True
    assert Standing(ADA, ROOM).has_invalid_token(AT) is False
    assert own.is_shut_out(AT) is True
    assert Standing(ADA, ROOM).is_shut_out(AT) is False
