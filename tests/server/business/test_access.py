"""Nobody does what their role doesn't allow, whatever they were granted, limited to, or deprived of."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.server.business.access import Action, Standing
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPEN,
    OWNER,
    POST,
    POSTER,
    READER,
    ROLES,
    SERVER,
    Access,
    Grant,
    Of,
    Principal,
    Restriction,
    Rights,
    Token,
    Trust,
)
from tests.support.server import ROOT

NOON = 1_700_000_000_000
ADA, EVE = b"a" * 16, b"e" * 16
CLOSED = Access(everyone=NOBODY)

ALLOWED = {
    Action.SEE: {"reader", "member", "moderator", "owner"},
    Action.JOIN: {"reader", "member", "moderator", "owner"},
    Action.POST: {"poster", "member", "moderator", "owner"},
    Action.CONVERSE: {"member", "moderator", "owner"},
    Action.DELETE: {"reader", "poster", "member", "moderator", "owner"},
    Action.TOPIC: {"member", "moderator", "owner"},
    Action.MODERATE: {"moderator", "owner"},
    Action.ADMIT: {"moderator", "owner"},
    Action.RULE: {"owner"},
    Action.CREATE: {"member", "moderator", "owner"},
    Action.ADMINISTER: {"owner"},
}


def ada(trust: Trust = Trust.KEY, token: str = "", address: str = "") -> Principal:
    return Principal(ADA, trust, "Ada", "ada", token, address, "ada")


class Rules(NamedTuple):
    """A scope's rules, and what it granted Ada."""

    access: Access = OPEN
    grant: Grant | None = None


NO_RULES = Rules()
SHUT = Rules(CLOSED)


def granting(role: str, until: int = 0, access: Access = CLOSED) -> Rules:
    return Rules(access, Grant(ROLES[role], until))


def standing(
    room: Rules, who: Principal, server: Rules = NO_RULES, token: Token | None = None, known: bool = True
) -> Standing:  # fmt: skip
    in_room, in_server = (rules.grant if who.identity == ADA else None for rules in (room, server))
    return Standing(who, "room", room.access, server.access, in_room, in_server, token, known=known)


def code(
    room: Rules | Access,
    action: Action,
    who: Principal | None = None,
    *,
    server: Rules | Access = OPEN,
    token: Token | None = None,
    at: int = NOON,
    whom: Rights = NOBODY,
) -> str:
    here, there = (Rules(one) if isinstance(one, Access) else one for one in (room, server))
    refused = standing(here, who or ada(), there, token).refusal(action, at, whom)
    return refused.code if refused else ""


def banning(of: Of = Of.IDENTITY, value: bytes | str = ADA, rights: Rights = OWNER, until: int = 0) -> Restriction:
    return Restriction("1", of, value, rights, until)


def test_every_action_has_its_roles() -> None:
    assert ALLOWED.keys() == set(Action)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", Action)
def test_a_role_does_what_it_allows_and_nothing_else(role: str, action: Action) -> None:
    assert (code(granting(role), action) == "") == (role in ALLOWED[action])


@pytest.mark.parametrize("action", Action)
def test_in_a_room_without_rules_on_an_open_server_everybody_is_a_member(action: Action) -> None:
    for trust in (Trust.NONE, Trust.WEAK, Trust.KEY):
        assert (code(OPEN, action, ada(trust)) == "") == ("member" in ALLOWED[action])


def test_a_room_that_one_may_not_see_is_not_there() -> None:
    for action in Action:
        assert code(CLOSED, action) == "room_not_found"
        assert code(OPEN, action, server=CLOSED) == "room_not_found"


def test_a_grant_lets_somebody_in_where_nobody_else_is() -> None:
    assert code(granting("member"), Action.POST) == ""
    assert code(granting("member"), Action.POST, Principal(EVE, Trust.KEY)) == "room_not_found"
    assert code(granting("member"), Action.POST, server=CLOSED) == ""


@pytest.mark.parametrize("trust", [Trust.NONE, Trust.WEAK])
def test_an_identity_that_anybody_may_have_is_granted_nothing(trust: Trust) -> None:
    assert code(granting("owner"), Action.SEE, ada(trust)) == "room_not_found"
    assert code(OPEN, Action.RULE, ada(trust), server=granting("owner")) == "room_not_found"


def test_a_grant_ends() -> None:
    room = granting("member", until=NOON)
    assert code(room, Action.SEE, at=NOON - 1) == ""
    assert code(room, Action.SEE, at=NOON) == "room_not_found"


def test_a_grant_can_give_less_than_everyone_has() -> None:
    room = Rules(Access(less=True), Grant(READER))
    assert code(room, Action.SEE) == ""
    assert code(room, Action.POST) == "not_allowed"


def test_an_administrator_owns_every_room() -> None:
    for action in Action:
        assert code(CLOSED, action, server=granting("owner")) == ""


def test_to_be_let_in_by_the_server_is_to_be_one_of_everyone() -> None:
    let_in, only_posts = granting("member"), granting("poster")
    assert standing(Rules(), ada(), let_in).role(NOON) == MEMBER
    assert standing(SHUT, ada(), let_in).role(NOON) == NOBODY
    assert standing(Rules(), ada(), only_posts).role(NOON) == NOBODY


def test_a_server_that_lets_nobody_in_wants_credentials_from_those_it_has_never_heard_of() -> None:
    for room in (Rules(), SHUT):
        for known, expected in ((False, "unauthorized"), (True, "room_not_found")):
            refused = standing(room, ada(), SHUT, known=known).refusal(Action.SEE, NOON)
            assert refused is not None
            assert refused.code == expected


def test_the_operator_may_do_everything() -> None:
    for action in Action:
        assert code(CLOSED, action, Principal(b"", Trust.OPERATOR), server=CLOSED) == ""


def test_a_room_s_owner_token_makes_an_owner_of_that_room_alone() -> None:
    holder = Principal(ADA, Trust.KEY)
    assert Standing(holder, "room", CLOSED, owns=True).role(NOON) == OWNER
    assert not Standing(holder, "room", CLOSED, owns=True).administers(NOON)


# --- tokens -------------------------------------------------------------------------------------------------


def test_a_token_is_worth_no_more_than_its_cap_and_nothing_elsewhere() -> None:
    who = ada(Trust.VERIFIED, token="t1")
    assert code(granting("owner"), Action.SEE, who, token=Token("t1", ADA, cap=POSTER)) == "not_allowed"
    assert code(granting("owner"), Action.POST, who, token=Token("t1", ADA, cap=POSTER)) == ""
    assert code(granting("owner"), Action.POST, who, token=Token("t1", ADA, room="room")) == ""
    assert code(granting("owner"), Action.POST, who, token=Token("t1", ADA, room="other")) == "room_not_found"


@pytest.mark.parametrize(
    "token",
    [None, Token("t1", ADA, revoked_at=1), Token("t1", ADA, expires_at=NOON)],
    ids=["unknown", "revoked", "expired"],
)
def test_a_token_that_is_not_valid_shows_nobody(token: Token | None) -> None:
    for action in Action:
        assert code(OPEN, action, ada(Trust.VERIFIED, token="t1"), token=token) == "unauthorized"


def test_a_token_counts_until_its_last_moment() -> None:
    token = Token("t1", ADA, expires_at=NOON)
    assert code(OPEN, Action.SEE, ada(Trust.VERIFIED, token="t1"), token=token, at=NOON - 1) == ""


# --- restrictions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "value"), [(Of.IDENTITY, ADA), (Of.NAME, "ada"), (Of.SKELETON, "ada"), (Of.ADDRESS, "192.0.2.7")]
)
def test_a_ban_takes_everything_and_says_so_to_those_who_saw_the_room_before(of: Of, value: bytes | str) -> None:
    room = Access(restrictions=(banning(of, value),))
    for action in Action:
        assert code(room, action, ada(address="192.0.2.7")) == "banned"
    assert code(room, Action.SEE, Principal(EVE, Trust.KEY, "Eve", "eve", "", "192.0.2.8")) == ""
    hidden = Access(everyone=NOBODY, restrictions=(banning(of, value),))
    assert code(hidden, Action.SEE, ada(address="192.0.2.7")) == "room_not_found"


def test_a_ban_from_the_server_holds_in_every_room() -> None:
    server = Access(restrictions=(banning(),))
    assert code(OPEN, Action.SEE, server=server) == "banned"
    assert code(granting("moderator"), Action.SEE, server=server) == "banned"


def test_the_muted_may_read_and_come_back() -> None:
    room = Access(restrictions=(banning(rights=POST),))
    assert code(room, Action.SEE) == code(room, Action.JOIN) == code(room, Action.DELETE) == ""
    assert code(room, Action.POST) == code(room, Action.CONVERSE) == code(room, Action.TOPIC) == "muted"
    assert code(room, Action.MODERATE) == "not_allowed"


@pytest.mark.parametrize("of", [Of.NAME, Of.SKELETON, Of.ADDRESS])
def test_a_moderator_is_not_shut_out_by_what_others_share(of: Of) -> None:
    value = {Of.NAME: "ada", Of.SKELETON: "ada", Of.ADDRESS: "192.0.2.7"}[of]
    room = granting("moderator", access=Access(restrictions=(banning(of, value),)))
    assert code(room, Action.MODERATE, ada(address="192.0.2.7")) == ""
    assert code(granting("moderator", access=Access(restrictions=(banning(),))), Action.SEE) == "banned"


@pytest.mark.parametrize("trust", [Trust.NONE, Trust.WEAK])
def test_an_identity_that_anybody_may_have_is_not_restricted(trust: Trust) -> None:
    assert code(Access(restrictions=(banning(),)), Action.POST, ada(trust)) == ""


def test_a_restriction_ends() -> None:
    room = Access(restrictions=(banning(until=NOON),))
    assert code(room, Action.SEE, at=NOON - 1) == "banned"
    assert code(room, Action.SEE, at=NOON) == ""


def test_to_rule_in_a_room_exempts_from_nothing_that_holds_on_the_server() -> None:
    """Attack 10: somebody who is banned comes back by a room of their own."""
    for of, value in ((Of.NAME, "ada"), (Of.ADDRESS, "192.0.2.7")):
        server = Access(restrictions=(banning(of, value),))
        assert code(granting("owner"), Action.POST, ada(address="192.0.2.7"), server=server) == "banned"
        administrator = Rules(server, Grant(OWNER))
        assert code(granting("owner"), Action.POST, ada(address="192.0.2.7"), server=administrator) == ""


def test_somebody_who_only_posts_is_told_whether_that_is_a_ban_a_mute_or_a_lock() -> None:
    for action in (Action.POST, Action.DELETE):
        muted, banned = (Access(NOBODY, restrictions=(banning(rights=rights),)) for rights in (POST, OWNER))
        assert code(granting("poster", access=muted), action) == "muted"
        assert code(granting("poster", access=banned), action) == "banned"
        assert code(granting("poster", access=Access(NOBODY, locked=True)), action) == "room_locked"


@pytest.mark.parametrize(
    ("room", "token", "shut_out"),
    [
        (granting("poster"), None, False),
        (granting("poster", access=Access(locked=True)), None, False),
        (granting("poster", access=Access(restrictions=(banning(rights=POST),))), None, False),
        (granting("poster", access=Access(restrictions=(banning(),))), None, True),
        (granting("nobody"), None, True),
        (granting("poster", until=NOON), None, True),
        (granting("poster"), Token("t1", ADA, expires_at=NOON), True),
        (granting("poster"), Token("t1", ADA, room="other"), True),
        (granting("poster"), Token("t1", ADA, room="room"), False),
    ],
)
def test_somebody_is_shut_out_by_what_a_mute_and_a_lock_are_not(
    room: Rules, token: Token | None, shut_out: bool
) -> None:  # fmt: skip
    who = ada(Trust.VERIFIED, "t1") if token else ada()
    assert standing(room, who, token=token).is_shut_out(NOON) == shut_out


def test_a_locked_room_hears_its_moderators() -> None:
    assert code(Access(locked=True), Action.POST) == "room_locked"
    assert code(Access(locked=True), Action.SEE) == ""
    assert code(granting("moderator", access=Access(locked=True)), Action.POST) == ""


def test_a_topic_may_be_for_moderators() -> None:
    room = Access(topic=MODERATOR)
    assert code(room, Action.TOPIC) == "not_allowed"
    assert code(granting("moderator", access=room), Action.TOPIC) == ""


# --- what is done to somebody -------------------------------------------------------------------------------


@pytest.mark.parametrize("mine", ["moderator", "owner"])
@pytest.mark.parametrize("other", ROLES)
def test_one_acts_on_lower_roles_alone(mine: str, other: str) -> None:
    allowed = ROLES[other] < ROLES[mine]
    assert code(granting(mine), Action.MODERATE, whom=ROLES[other]) == ("" if allowed else "not_allowed")
    assert code(CLOSED, Action.MODERATE, server=granting("owner"), whom=ROLES[other]) == ""


@pytest.mark.parametrize("limits", [{"cap": MODERATOR}, {"room": "room"}])
def test_a_limited_token_of_an_administrator_is_above_nobody_but_lower_roles(limits: dict[str, Rights | str]) -> None:
    """Attack 18: a token's cap against its bearer's role."""
    token = Token("t1", ADA, **limits)  # type: ignore[arg-type]
    who, server = ada(Trust.VERIFIED, "t1"), granting("owner")
    for role, expected in ((MEMBER, ""), (OWNER, "not_allowed")):
        assert code(CLOSED, Action.MODERATE, who, server=server, token=token, whom=role) == expected
    assert code(CLOSED, Action.MODERATE, who, server=server, token=Token("t1", ADA), whom=OWNER) == ""


# --- properties ---------------------------------------------------------------------------------------------

roles = st.sampled_from(list(ROLES.values()))
moments = st.sampled_from([0, NOON - 1, NOON, NOON + 1])
identities = st.sampled_from([ADA, EVE])
restrictions = st.builds(
    Restriction,
    st.just("1"),
    st.just(Of.IDENTITY),
    identities,
    st.integers(1, 15),
    moments,
) | st.builds(Restriction, st.just("2"), st.just(Of.NAME), st.sampled_from(["ada", "eve"]), st.just(OWNER), moments)
rules = st.builds(
    Rules,
    st.builds(
        Access,
        roles,
        st.booleans(),
        st.sampled_from([MEMBER, MODERATOR]),
        st.booleans(),
        st.lists(restrictions, max_size=3).map(tuple),
    ),
    st.none() | st.builds(Grant, roles, moments),
)
tokens = st.none() | st.builds(
    Token, st.just("t1"), st.just(ADA), roles, st.sampled_from([SERVER, "room", "other"]), moments, moments
)


@given(rules, rules, tokens, st.sampled_from(Trust))
def test_nothing_that_is_limited_or_taken_away_gives_more(
    server: Rules, room: Rules, token: Token | None, trust: Trust
) -> None:
    who = Principal(ADA, trust, "ada", token="t1" if token else "")
    own = standing(room, who, server, token)
    rights = own.rights(NOON)
    assert rights & ~own.role(NOON) == NOBODY
    if token:
        assert rights & ~token.limit("room") == NOBODY
    for action in Action:
        if own.refusal(action, NOON) is None:
            assert rights != NOBODY


@given(rules, rules, tokens, st.sampled_from(Trust))
def test_rights_change_by_themselves_only_when_that_was_foretold(
    server: Rules, room: Rules, token: Token | None, trust: Trust
) -> None:
    who = Principal(ADA, trust, "ada", token="t1" if token else "")
    own = standing(room, who, server, token)
    foretold = own.changes_at(NOON - 1)
    before, after = own.rights(NOON - 1), own.rights(NOON)
    assert before == after or foretold == NOON


@given(rules, rules, tokens, st.sampled_from(Trust), st.sampled_from(Action))
def test_who_never_saw_a_room_is_told_the_same_as_if_there_were_none(
    server: Rules, room: Rules, token: Token | None, trust: Trust, action: Action
) -> None:
    who = Principal(ADA, trust, "ada", token="t1" if token else "")
    own = standing(room, who, server, token)
    role, refused = own.role(NOON), own.refusal(action, NOON)
    if (role & token.limit("room") if token else role) == NOBODY:
        assert refused is not None
        assert refused.code in ("room_not_found", "unauthorized")


def test_the_documented_table_of_roles_is_the_one_that_decides() -> None:
    table = ["| action | " + " | ".join(ROLES) + " |", "| --- " * (len(ROLES) + 1) + "|"]
    for action in Action:
        allowed = ("✓" if code(Access(everyone=role), action) == "" else " " for role in ROLES.values())
        table.append(f"| {action.value} | " + " | ".join(allowed) + " |")
    assert "\n".join(table) in (ROOT / "docs/access.md").read_text("utf-8")
