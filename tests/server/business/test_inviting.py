"""Attack 11: an invitation or a password lets in whom it is for, as long as its maker may, and nobody else."""

from __future__ import annotations

import pytest

from chatty.server.business.entries import Rejection, Uninvite
from chatty.server.business.facts import Audited, Granted, Invited, Reserved, Used
from chatty.server.business.inviting import NOT_ADMITTED
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPERATOR,
    OWNER,
    POST,
    READER,
    ROLES,
    SERVER,
    Access,
    Grant,
    Invitation,
    Of,
    Principal,
    Restriction,
    Trust,
)
from tests.server.business.court import (
    ANONYMOUS,
    AT,
    OWNER_TOKEN,
    ROOM,
    Court,
    by_invitation,
    code,
    giving,
    ident,
    person,
)
from tests.server.business.door import LATER, SECRET, accept, enter, invite


@pytest.fixture
def court() -> Court:
    return by_invitation()


# --- to invite ----------------------------------------------------------------------------------------------


def test_an_invitation_gives_its_role_to_the_one_who_accepts_it(court: Court) -> None:
    made = Invitation("i1", ROOM, MEMBER, 1, LATER, ident("moderator"), "", "moderator")
    assert invite(court, "moderator") == (
        Invited(made, SECRET, AT),
        Audited(AT, "moderator", "invited member by i1", "", LATER),
    )
    assert enter(court, "Eve") == "room_not_found"
    assert accept(court, "Bob") == (
        Used("i1", 0),
        Granted(ident("Bob"), MEMBER, 0, "Bob", "moderator", "i1"),
        Audited(AT, "Bob", "accepted invitation i1", "Bob"),
    )
    assert enter(court, "Bob") == ""
    assert accept(court, "Eve") == NOT_ADMITTED, "it was for one"


MAY = {"moderator": MEMBER, "owner": OWNER, "admin": OWNER}


@pytest.mark.parametrize("by", [*ROLES, "admin", "stranger"])
def test_nobody_invites_to_more_than_they_may_give(court: Court, by: str) -> None:
    for role in filter(None, ROLES.values()):
        court.server.invitations.clear()
        allowed = role <= MAY.get(by, NOBODY)
        expected = "" if allowed else ("room_not_found" if by in ("nobody", "stranger") else "not_allowed")
        assert code(invite(court, by, role)) == expected, (by, role)


@pytest.mark.parametrize("by", [*ROLES, "stranger"])
def test_to_the_server_invite_only_administrators(court: Court, by: str) -> None:
    for role in filter(None, ROLES.values()):
        assert code(invite(court, by, role, SERVER)) == "not_allowed"
    assert code(invite(court, "admin", MEMBER, SERVER)) == ""
    assert code(invite(court, OPERATOR, OWNER, SERVER, id="i2")) == ""


def test_an_invitation_to_the_server_is_a_sign_up(court: Court) -> None:
    court.server.access = Access(everyone=NOBODY)
    invite(court, "admin", MEMBER, SERVER)
    assert code(accept(court, "Bob", SERVER)) == ""
    assert court.server.grants[ident("Bob")] == Grant(MEMBER, via="i1")


def test_an_invitation_that_gives_nothing_is_none(court: Court) -> None:
    assert code(invite(court, "owner", NOBODY)) == "not_allowed"


def test_somebody_who_was_deprived_of_a_right_doesn_t_give_it(court: Court) -> None:
    restriction = Restriction("1", Of.IDENTITY, ident("moderator"), POST)
    court.room.access = Access(everyone=NOBODY, restrictions=(restriction,))
    assert code(invite(court, "moderator", MEMBER)) == "not_allowed"
    assert code(invite(court, "moderator", READER)) == ""


def test_a_limited_token_invites_to_no_more_and_for_no_longer_than_it_lasts(court: Court) -> None:
    token = court.token(ident("owner"), cap=MODERATOR, expires_at=LATER)
    limited = person("owner", Trust.VERIFIED, token=token.id)
    assert code(invite(court, limited, OWNER)) == "not_allowed"
    for number, until in enumerate((0, LATER + 1, LATER - 1)):
        outcome = invite(court, limited, until=until, id=f"i{number}")
        assert isinstance(outcome, tuple)
        assert isinstance(outcome[0], Invited)
        assert outcome[0].invitation.until == min(until or LATER, LATER)


def test_an_id_names_one_invitation(court: Court) -> None:
    invite(court, "owner")
    assert code(invite(court, "owner")) == "internal"


# --- names --------------------------------------------------------------------------------------------------


def test_an_invitation_for_a_name_reserves_it_for_the_one_who_accepts_it(court: Court) -> None:
    invite(court, "admin", name="Bob")
    assert accept(court, Principal(ident("b"), Trust.KEY)) == (
        Reserved("bob", "Bob", ident("b"), "bob"),
        Used("i1", 0),
        Granted(ident("b"), MEMBER, 0, "Bob", "admin", "i1"),
        Audited(AT, f"key {ident('b').hex()[:8]}", "accepted invitation i1", "Bob"),
    )
    court.room.grants[ident("Bob")] = Grant(MEMBER)
    assert enter(court, "Bob") == "name_taken", "another key's"


def test_only_administrators_say_what_somebody_is_called(court: Court) -> None:
    """The one who makes a room owns it. A reserved name drives others out of every room."""
    for by in ("moderator", "owner"):
        assert code(invite(court, by, name="Bob")) == "not_allowed"
    invite(court, "admin", name="Bob")
    court.server.grants[ident("admin")] = None
    court.room.grants[ident("admin")] = Grant(OWNER)
    assert accept(court, "Eve") == NOT_ADMITTED, "it may still invite, but not name anybody"


def test_a_name_that_was_taken_meanwhile_is_refused_and_nothing_is_used_up(court: Court) -> None:
    invite(court, "admin", name="Bob")
    court.server.names["bob"] = Principal(ident("other"), Trust.VERIFIED, "Bob", "bob")
    assert code(accept(court, "Eve")) == "name_taken"
    assert court.server.invitations["i1"].uses == 1  # type: ignore[union-attr]
    assert code(invite(court, "admin", name="Bob", id="i2")) == "name_taken"


def test_nobody_gets_a_second_name_or_another_s(court: Court) -> None:
    court.server.called[ident("ada")] = court.server.names["ada"] = Principal(
        ident("ada"), Trust.VERIFIED, "Ada", "ada"
    )
    invite(court, "admin", name="Bob")
    assert code(accept(court, "ada")) == "not_allowed"
    invite(court, "admin", id="i2")
    as_ada = Principal(ident("eve"), Trust.KEY, "ADA", "ada")
    assert code(accept(court, as_ada, invitation="i2")) == "name_taken", "the list of members would say Ada"
    assert code(accept(court, "ada", invitation="i2")) == ""


def test_somebody_who_is_a_member_still_gets_the_name(court: Court) -> None:
    invite(court, "admin", READER, name="Member")
    outcome = accept(court, "member")
    assert isinstance(outcome, tuple)
    assert [type(fact) for fact in outcome] == [Reserved, Used, Audited]
    assert accept(court, "member") == ()


# --- what does not count ------------------------------------------------------------------------------------


def test_unknown_ended_used_up_revoked_and_foreign_invitations_answer_alike(court: Court) -> None:
    """Attack 5: and so does a room that isn't there."""
    assert accept(court, "Bob") == NOT_ADMITTED
    invite(court, "owner", id="over", until=LATER)
    assert accept(court, "Bob", invitation="over", at=LATER) == NOT_ADMITTED
    invite(court, "owner", id="used")
    accept(court, "Ada", invitation="used")
    assert accept(court, "Bob", invitation="used") == NOT_ADMITTED
    invite(court, "owner", id="revoked")
    court.rule(Uninvite(ROOM, AT, person("owner"), "revoked"))
    assert accept(court, "Bob", invitation="revoked") == NOT_ADMITTED
    invite(court, "admin", MEMBER, SERVER, id="foreign")
    assert accept(court, "Bob", invitation="foreign") == NOT_ADMITTED
    invite(court, "owner", id="i2")
    assert accept(court, "Bob", SERVER, invitation="i2") == NOT_ADMITTED
    court.room.exists = False
    assert accept(court, "Bob", invitation="nothing") == NOT_ADMITTED


@pytest.mark.parametrize(
    "change", ["demoted", "gone", "banned", "muted", "token revoked", "token over", "token forgotten"]
)
def test_an_invitation_is_worth_nothing_without_its_inviter_s_rights(court: Court, change: str) -> None:
    who = person("moderator")
    if change.startswith("token"):
        token = court.token(ident("moderator"), expires_at=LATER)
        who = person("moderator", Trust.VERIFIED, token=token.id)
    invite(court, who, uses=9)
    assert code(accept(court, "Ada")) == ""
    match change:
        case "demoted":
            court.rule(giving("owner", "moderator", MEMBER))
        case "gone":
            court.rule(giving("owner", "moderator", NOBODY))
        case "banned" | "muted":
            taken = OWNER if change == "banned" else POST
            restriction = Restriction("1", Of.IDENTITY, ident("moderator"), taken)
            court.room.access = Access(everyone=NOBODY, restrictions=(restriction,))
        case "token revoked":
            court.token(ident("moderator"), revoked_at=AT)
        case "token over":
            court.token(ident("moderator"), expires_at=AT)
        case "token forgotten":
            court.server.tokens.clear()
    assert accept(court, "Bob") == NOT_ADMITTED
    assert accept(court, "Ada") == (), "what was given, stays"


def test_an_invitation_of_an_owner_who_is_a_moderator_by_now_makes_no_owners(court: Court) -> None:
    invite(court, "owner", OWNER, id="i1")
    invite(court, "owner", MEMBER, id="i2")
    court.rule(giving("admin", "owner", MODERATOR))
    assert accept(court, "Bob") == NOT_ADMITTED
    assert code(accept(court, "Bob", invitation="i2")) == ""


def test_the_holder_of_the_owner_token_and_the_operator_invite_too(court: Court) -> None:
    for number, who in enumerate((Principal(OWNER_TOKEN[:16], Trust.KEY), OPERATOR)):
        assert code(invite(court, who, OWNER, id=f"i{number}")) == ""
        assert code(accept(court, f"Bob{number}", invitation=f"i{number}")) == ""


@pytest.mark.parametrize("who", [ANONYMOUS, person("Bob", Trust.NONE), person("Bob", Trust.WEAK), OPERATOR])
def test_somebody_who_can_t_be_recognized_is_given_nothing(court: Court, who: Principal) -> None:
    """Attack 7: a key that can be guessed. It learns nothing either."""
    invite(court, "owner")
    refused = accept(court, who)
    assert code(refused) == ("unauthorized" if who.trust is Trust.NONE else "not_allowed")
    assert accept(court, who, invitation="unknown") == refused
    assert code(accept(court, "Ada")) == "", "nothing is used up"


@pytest.mark.parametrize("of", list(Of))
def test_somebody_who_is_banned_is_not_let_in_and_uses_nothing_up(court: Court, of: Of) -> None:
    """Attack 10."""
    values: dict[Of, bytes | str] = {
        Of.IDENTITY: ident("Eve"),
        Of.NAME: "eve",
        Of.SKELETON: "eve",
        Of.ADDRESS: "192.0.2.1",
    }
    restrictions = (Restriction("1", of, values[of], OWNER),)
    eve = person("Eve", address="192.0.2.1")
    invite(court, "owner", MODERATOR)
    for access, server in (
        (Access(everyone=NOBODY, restrictions=restrictions), Access()),
        (Access(everyone=NOBODY), Access(restrictions=restrictions)),
    ):
        court.room.access, court.server.access = access, server
        assert accept(court, eve) == Rejection("banned")
    assert code(accept(court, "Ada")) == ""


def test_a_room_that_is_over_lets_nobody_in(court: Court) -> None:
    invite(court, "owner")
    court.room.closed_at = AT
    assert code(accept(court, "Bob")) == "room_closed"
    assert accept(court, "Bob", invitation="unknown") == NOT_ADMITTED


def test_a_token_for_another_room_accepts_nothing(court: Court) -> None:
    court.token(ident("ci"), room="elsewhere")
    invite(court, "owner")
    assert code(accept(court, person("ci", Trust.VERIFIED, token="t1"))) == "not_allowed"
    court.token(ident("ci"), revoked_at=AT)
    assert code(accept(court, person("ci", Trust.VERIFIED, token="t1"))) == "unauthorized"
