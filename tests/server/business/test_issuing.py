"""Tokens are worth what their issuer may give, where and as long as it may: attack 18, and 5 and 7 for tokens."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.server.business.entries import Connect, Issue, Rejection
from chatty.server.business.facts import Audited, Evicted, Granted, Issued, PolicySet, Reserved
from chatty.server.business.moderation.restricting import evictions
from chatty.server.business.outcomes import Outcome
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
    Grant,
    Of,
    Principal,
    Restriction,
    Token,
    Trust,
)
from chatty.skeletons import skeleton
from tests.server.business.court import ANONYMOUS, AT, ROOM, Court, code, ident, person

LATER = AT + 60_000
NEW = b"n" * 16


@pytest.fixture
def court() -> Court:
    return Court()


def issue(court: Court, who: Principal, scope: str = SERVER, cap: int = OWNER, **more: Any) -> Outcome:
    return court.rule(Issue(scope, AT, who, more.pop("id", "t2"), b"hash", cap, identity=NEW, **more))


def for_name(
    court: Court, name: str, role: int, who: Principal = OPERATOR, scope: str = SERVER, **more: Any
) -> Outcome:
    return issue(court, who, scope, name=name, name_key=name.casefold(), skeleton=skeleton(name), role=role, **more)


def facts(outcome: Outcome) -> tuple[Any, ...]:
    assert isinstance(outcome, tuple), outcome
    return outcome


# --- for a name ---------------------------------------------------------------------------------------------


def test_a_new_name_is_reserved_gets_its_role_and_a_token(court: Court) -> None:
    outcome = for_name(court, "CI", MEMBER, expires_at=LATER, label="nightly")
    assert outcome == (
        Reserved("ci", "CI", NEW, "ci"),
        Granted(NEW, MEMBER, 0, "CI", "the operator"),
        Issued(Token("t2", NEW, OWNER, SERVER, LATER), b"hash", "nightly", "the operator", AT),
        Audited(AT, "the operator", "issued token t2", "CI", LATER, "nightly"),
    )


def test_a_name_that_is_known_keeps_its_identity_and_a_higher_role(court: Court) -> None:
    court.server.names["owner"] = person("owner", Trust.VERIFIED)
    outcome = for_name(court, "owner", MEMBER, person("admin"), ROOM, cap=MEMBER)
    assert [type(fact) for fact in facts(outcome)] == [Issued, Audited]
    assert facts(outcome)[0].token == Token("t2", ident("owner"), MEMBER, ROOM)


def test_the_role_that_comes_with_a_token_stays_when_everyone_gets_less(court: Court) -> None:
    """On an open server everyone is a member, for now. The token has to be worth something when it is closed."""
    for_name(court, "ci", MEMBER)
    for_name(court, "ci", POSTER, scope=ROOM, id="t3")
    assert court.server.grants[NEW] == Grant(MEMBER)
    assert court.room.grants[NEW] == Grant(POSTER)


def test_a_role_that_comes_with_a_token_adds_to_the_one_that_is_there(court: Court) -> None:
    court.server.names["reader"] = person("reader", Trust.VERIFIED)
    for_name(court, "reader", POSTER, scope=ROOM)
    assert court.room.grants[ident("reader")] == Grant(MEMBER)
    court.room.grants[ident("reader")] = Grant(MODERATOR, AT)
    for_name(court, "reader", POSTER, scope=ROOM, id="t3")
    assert court.room.grants[ident("reader")] == Grant(POSTER), "the other has ended"


def test_a_role_that_is_less_than_everyone_s_is_looked_up_for_everyone(court: Court) -> None:
    outcome = for_name(court, "bot", POSTER, scope=ROOM)
    assert PolicySet(MEMBER, locked=False, topic=MEMBER, less=True) in facts(outcome)
    assert PolicySet in [type(fact) for fact in facts(for_name(court, "bot", READER, id="t3"))]


def test_only_administrators_issue_tokens_for_names(court: Court) -> None:
    assert code(for_name(court, "ci", MEMBER, person("admin"))) == ""
    for by in ("owner", "moderator", "member", "nobody"):
        for scope in (ROOM, SERVER):
            assert for_name(court, "bot", READER, person(by), scope, id="t3") == Rejection("not_allowed")


@pytest.mark.parametrize("limits", [{"cap": MODERATOR}, {"room": ROOM}])
def test_an_administrator_s_limited_token_issues_none_for_names(court: Court, limits: dict[str, Any]) -> None:
    """Attack 18: a room token used to issue a wider one."""
    court.token(ident("admin"), **limits)
    limited = person("admin", Trust.VERIFIED, token="t1")
    for scope in (ROOM, SERVER):
        assert code(for_name(court, "bot", READER, limited, scope)) == "not_allowed"


def test_a_name_that_somebody_sits_on_is_its_holder_s_from_then_on(court: Court) -> None:
    court.enter(person("CI"), person("Bob"))
    reserved = [fact for fact in facts(for_name(court, "ci", MEMBER)) if isinstance(fact, Reserved)]
    left = evictions(court.room, AT, [fact.holder for fact in reserved])
    assert [fact for fact in left if isinstance(fact, Evicted)] == [Evicted("ci")]
    court.apply(court.room, left)
    assert court.do(Connect(ROOM, AT, "node/1/9", person("CI"))) == "name_taken"
    holder = Principal(NEW, Trust.VERIFIED, "ci", "ci", "t2")
    assert court.do(Connect(ROOM, AT, "node/1/10", holder)) == ""


def test_a_token_that_is_worth_nothing_stays_worth_nothing(court: Court) -> None:
    outcome = for_name(court, "ci", MEMBER, cap=NOBODY)
    assert facts(outcome)[2].token.cap == NOBODY


def test_an_id_names_one_token(court: Court) -> None:
    for_name(court, "ci", MEMBER)
    assert for_name(court, "bot", MEMBER) == Rejection("internal", "A token with this id exists already.")


def test_tokens_for_a_name_need_a_room_that_is_there(court: Court) -> None:
    court.room.exists = False
    assert code(for_name(court, "ci", MEMBER, scope=ROOM)) == "room_not_found"
    assert code(for_name(court, "ci", MEMBER, person("owner"), ROOM)) == "not_allowed", "as if it were"


# --- for oneself --------------------------------------------------------------------------------------------


def test_a_key_s_holder_issues_what_it_has(court: Court) -> None:
    outcome = issue(court, person("bob"), cap=NOBODY, expires_at=LATER)
    assert outcome == (
        Issued(Token("t2", ident("bob"), MEMBER, SERVER, LATER), b"hash", "", "bob", AT),
        Audited(AT, "bob", "issued token t2", "", LATER, ""),
    )
    assert facts(issue(court, person("moderator"), ROOM, NOBODY, id="t3"))[0].token.cap == MODERATOR
    assert code(issue(court, person("bob"), cap=READER, id="t4")) == ""


def test_nobody_issues_more_than_they_have(court: Court) -> None:
    for who, scope, cap in (
        (person("bob"), SERVER, MODERATOR),
        (person("moderator"), ROOM, OWNER),
        (person("moderator"), SERVER, MODERATOR),
        (person("reader"), ROOM, POST),
    ):
        refused = issue(court, who, scope, cap)
        assert refused == Rejection("not_allowed", "A token can't be worth more than the one who issues it.")


def test_a_limited_token_issues_nothing_wider_or_longer(court: Court) -> None:
    """Attack 18: a room token used to issue a wider or longer token."""
    court.token(ident("owner"), cap=MEMBER, room=ROOM, expires_at=LATER)
    limited = person("owner", Trust.VERIFIED, token="t1")
    assert code(issue(court, limited, SERVER, READER, expires_at=LATER)) == "not_allowed"
    assert code(issue(court, limited, SERVER, NOBODY, expires_at=LATER)) == "not_allowed"
    assert code(issue(court, limited, ROOM, MODERATOR, expires_at=LATER)) == "not_allowed"
    for until in (0, LATER + 1):
        refused = issue(court, limited, ROOM, READER, expires_at=until)
        text = "A token can't outlast the one with which it is issued; give it an end."
        assert refused == Rejection("not_allowed", text)
    assert code(issue(court, limited, ROOM, READER, expires_at=LATER)) == ""
    assert facts(issue(court, limited, ROOM, NOBODY, expires_at=LATER, id="t3"))[0].token.cap == MEMBER


def test_a_token_without_an_end_issues_others_without_one(court: Court) -> None:
    court.token(ident("bob"))
    assert code(issue(court, person("bob", Trust.VERIFIED, token="t1"), cap=READER)) == ""


def test_those_who_have_nothing_issue_nothing(court: Court) -> None:
    """Otherwise anybody could fill the table of tokens of a server that lets nobody in."""
    court.server.access, court.server.knows = Access(everyone=NOBODY), False
    for cap in (NOBODY, READER):
        assert code(issue(court, person("stranger"), cap=cap)) == "unauthorized"
    court.server.knows = True
    for cap in (NOBODY, READER):
        assert code(issue(court, person("stranger"), cap=cap)) == "not_allowed"
    court.server.access = Access(restrictions=(Restriction("1", Of.IDENTITY, ident("eve"), OWNER),))
    for cap in (NOBODY, READER):
        assert code(issue(court, person("eve"), cap=cap)) == "banned"


def test_a_muted_one_issues_no_voice(court: Court) -> None:
    court.room.access = Access(restrictions=(Restriction("1", Of.IDENTITY, ident("member"), POST),))
    assert code(issue(court, person("member"), ROOM, MEMBER)) == "not_allowed"
    assert facts(issue(court, person("member"), ROOM, NOBODY))[0].token.cap == READER


@pytest.mark.parametrize("who", [person("bob", Trust.NONE), person("bob", Trust.WEAK), ANONYMOUS, OPERATOR])
def test_a_token_for_oneself_needs_a_self(court: Court, who: Principal) -> None:
    """Attack 7: a key that can be guessed."""
    assert issue(court, who, cap=READER) == Rejection("not_allowed", "Say for which name the token is.")


@pytest.mark.parametrize("cap", [NOBODY, READER, OWNER])
def test_a_missing_room_and_a_hidden_one_answer_alike(cap: int) -> None:
    """Attack 5: asking for a token is no way to find out whether there is such a room."""
    missing, hidden = Court(), Court()
    missing.room.exists = False
    hidden.room.access = Access(everyone=NOBODY)
    for who in (person("stranger"), person("bob", Trust.WEAK), ANONYMOUS):
        assert issue(missing, who, ROOM, cap) == issue(hidden, who, ROOM, cap) == Rejection("room_not_found")
        in_missing, in_hidden = (for_name(court, "x", READER, who, ROOM) for court in (missing, hidden))
        assert in_missing == in_hidden == Rejection("not_allowed")


@pytest.mark.parametrize("limits", [{"revoked_at": 1}, {"expires_at": AT}])
def test_a_token_that_doesn_t_count_issues_nothing(court: Court, limits: dict[str, int]) -> None:
    court.token(ident("admin"), **limits)
    who = person("admin", Trust.VERIFIED, token="t1")
    assert code(issue(court, who, cap=READER)) == code(issue(court, who, ROOM, NOBODY)) == "unauthorized"
    assert code(for_name(court, "ci", MEMBER, who)) == "unauthorized"


def test_an_identity_has_one_name(court: Court) -> None:
    assert code(for_name(court, "Ada", MEMBER, id="t1")) == ""
    assert code(for_name(court, "Bob", MEMBER, id="t2")) == "internal"
