"""Somebody whom a sign-in vouches for gets in under one name, for a time; what an administrator ruled stays so."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.server.business.entries import Issue, Rejection, Restrict, SignIn, Target
from chatty.server.business.facts import Audited, Granted, Issued, Reserved
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPERATOR,
    OWNER,
    POST,
    SERVER,
    SIGN_IN,
    Grant,
    Principal,
    Rights,
    Token,
    Trust,
)
from chatty.skeletons import skeleton
from tests.server.business.court import AT, Court, banning, by_identity, called, code, giving, ident

TOMORROW = AT + 86_400_000


@pytest.fixture
def court() -> Court:
    return Court(everyone=NOBODY)


def sign_in(court: Court, name: str = "Ada", *, admin: bool = False, token: str = "t1", **who: Any) -> Outcome:
    """The person whose identity is ada's signs in, and is called ``name`` there."""
    principal = Principal(ident("ada"), Trust.VERIFIED, name, name.casefold(), skeleton=skeleton(name), **who)
    return court.rule(SignIn(SERVER, AT, principal, token, token.encode(), admin, TOMORROW))


def role(court: Court) -> Rights | None:
    grant = court.server.grants.get(ident("ada"))
    return grant.role if grant else None


def kinds(outcome: Outcome) -> list[type]:
    assert isinstance(outcome, tuple), outcome
    return [type(fact) for fact in outcome]


def test_the_first_sign_in_reserves_the_name_makes_a_member_and_issues_a_token_for_a_time(court: Court) -> None:
    assert sign_in(court) == (
        Reserved("ada", "Ada", ident("ada"), "ada"),
        Granted(ident("ada"), MEMBER, 0, "Ada", SIGN_IN, SIGN_IN),
        Issued(Token("t1", ident("ada"), OWNER, SERVER, TOMORROW), b"t1", "", SIGN_IN, AT),
        Audited(AT, "Ada", "signed in, with token t1, as member", "Ada", TOMORROW),
    )


def test_each_further_one_only_issues_a_token(court: Court) -> None:
    sign_in(court)
    assert kinds(sign_in(court, token="t2")) == [Issued, Audited]
    assert code(sign_in(court, token="t2")) == "internal"


def test_a_name_that_is_somebody_else_s_is_not_given_away(court: Court) -> None:
    court.rule(Issue(SERVER, AT, OPERATOR, "t9", b"t9", OWNER, "ADA", "ada", b"n" * 16, MEMBER))
    assert code(sign_in(court)) == "name_taken"
    assert role(court) is None
    assert code(sign_in(court, "Ada L")) == ""


def test_somebody_who_is_called_otherwise_by_now_keeps_the_name_of_the_first_sign_in(court: Court) -> None:
    sign_in(court)
    court.rule(Issue(SERVER, AT, OPERATOR, "t9", b"t9", OWNER, "Bo", "bo", b"n" * 16, MEMBER))
    for number, name in enumerate(["Ada Lovelace", "Bo"]):
        outcome = sign_in(court, name, token=f"again{number}")
        assert kinds(outcome) == [Issued, Audited]
        assert isinstance(outcome, tuple)
        assert outcome[-1].whom == "Ada"  # type: ignore[union-attr]


def test_who_administers_follows_the_group_from_sign_in_to_sign_in(court: Court) -> None:
    sign_in(court, admin=True)
    assert role(court) == OWNER
    sign_in(court, admin=False, token="t2")
    assert role(court) == MEMBER
    sign_in(court, admin=True, token="t3")
    assert role(court) == OWNER


@pytest.mark.parametrize("given", [MEMBER, MODERATOR, OWNER])
@pytest.mark.parametrize("admin", [True, False])
def test_a_role_that_an_administrator_gave_stays(court: Court, given: Rights, *, admin: bool) -> None:
    sign_in(court)
    court.rule(giving("operator", "ada", given, SERVER))
    assert kinds(sign_in(court, admin=admin, token="t2")) == [Issued, Audited]
    assert role(court) == given


def test_a_role_that_an_administrator_gave_before_the_first_sign_in_stays_too(court: Court) -> None:
    court.server.grants[ident("ada")] = Grant(MODERATOR)
    assert kinds(sign_in(court, admin=True)) == [Reserved, Issued, Audited]


@pytest.mark.parametrize("admin", [True, False])
def test_a_role_that_an_administrator_took_does_not_come_back_by_signing_in(court: Court, *, admin: bool) -> None:
    sign_in(court)
    court.rule(giving("operator", "ada", NOBODY, SERVER))
    assert code(sign_in(court, admin=admin, token="t2")) == "not_allowed"
    assert "t2" not in court.server.tokens
    court.rule(giving("operator", "ada", MEMBER, SERVER))
    assert code(sign_in(court, token="t2")) == ""


def test_a_role_that_was_for_a_time_is_over_when_it_is_over(court: Court) -> None:
    sign_in(court)
    court.rule(giving("operator", "ada", MEMBER, SERVER, until=AT - 1))
    assert code(sign_in(court, token="t2")) == "not_allowed"


def test_on_an_open_server_somebody_without_a_role_signs_in_to_what_everyone_may() -> None:
    court = Court()
    sign_in(court)
    court.rule(giving("operator", "ada", NOBODY, SERVER))
    assert kinds(sign_in(court, token="t2")) == [Issued, Audited]


@pytest.mark.parametrize("target", [by_identity("ada"), called("Ada")])
def test_somebody_who_is_banned_from_the_server_gets_no_token(court: Court, target: Target) -> None:
    sign_in(court)
    ban = Restrict(SERVER, AT, OPERATOR, "r1", target, OWNER)
    assert code(court.rule(ban)) == ""
    assert code(sign_in(court, token="t2")) == "banned"
    assert code(sign_in(court, "Another Name", token="t2")) == "banned"


def test_a_banned_address_and_a_banned_name_keep_a_newcomer_out(court: Court) -> None:
    court.rule(Restrict(SERVER, AT, OPERATOR, "r1", Target("Eve", "eve"), OWNER, 0, ("192.0.2.1",), TOMORROW))
    assert code(sign_in(court, "Eve")) == "banned"
    assert code(sign_in(court, address="192.0.2.1")) == "banned"
    assert not court.server.names
    assert code(sign_in(court)) == ""


def test_a_mute_and_a_ban_from_a_room_do_not_keep_somebody_from_signing_in(court: Court) -> None:
    court.server.grants[ident("ada")] = Grant(MEMBER, 0, SIGN_IN)
    court.rule(Restrict(SERVER, AT, OPERATOR, "r1", by_identity("ada"), POST))
    court.rule(banning("owner", by_identity("ada"), ruling="r2"))
    assert code(sign_in(court)) == ""


def test_a_token_that_an_administrator_issues_for_the_name_is_the_same_person_s(court: Court) -> None:
    sign_in(court)
    outcome = court.rule(Issue(SERVER, AT, OPERATOR, "t9", b"t9", OWNER, "ada", "ada", b"n" * 16, MEMBER))
    assert isinstance(outcome, tuple)
    assert [fact.token.identity for fact in outcome if isinstance(fact, Issued)] == [ident("ada")]


def test_each_refusal_says_what_to_do(court: Court) -> None:
    assert isinstance(sign_in(court), tuple)
    assert sign_in(court) == Rejection("internal", "A token with this id exists already.")
    again = sign_in(court, token="t2")
    assert isinstance(again, tuple)
    assert again[-1] == Audited(AT, "Ada", "signed in, with token t2", "Ada", TOMORROW)
    court.server.grants[ident("ada")] = None
    took = "An administrator took your role on this server; ask for it before you sign in again."
    assert sign_in(court, token="t3") == Rejection("not_allowed", took)
    court.rule(Restrict(SERVER, AT, OPERATOR, "r1", by_identity("ada"), OWNER))
    assert sign_in(court, token="t4") == Rejection("banned", "You are banned from this server.")


def test_a_name_that_is_anothers_is_left_to_an_administrator(court: Court) -> None:
    court.server.names["ada"] = Principal(ident("other"), Trust.VERIFIED, "Ada", "ada", skeleton="ada")
    text = "The name 'Ada' is another's here, or looks like it; an administrator decides whose it is."
    assert sign_in(court) == Rejection("name_taken", text)
