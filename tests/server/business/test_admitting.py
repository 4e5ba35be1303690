"""An invitation is good for as many as it is for, what it gave is taken back, and a password does the same."""

from __future__ import annotations

import pytest

from chatty.server.business.entries import Admit, Rejection, SetPolicy, Uninvite
from chatty.server.business.facts import Audited, Granted, PolicySet, Reserved, Uninvited, Used
from chatty.server.business.inviting import NOT_ADMITTED
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPERATOR,
    OWNER,
    PASSWORD,
    POSTER,
    READER,
    SERVER,
    Access,
    Grant,
    Trust,
)
from chatty.server.business.state import Room
from chatty.skeletons import skeleton
from tests.server.business.court import (
    ANONYMOUS,
    AT,
    ROOM,
    Court,
    audited,
    by_invitation,
    code,
    giving,
    ident,
    person,
)
from tests.server.business.door import HASHED, accept, enter, invite


@pytest.fixture
def court() -> Court:
    return by_invitation()


# --- as often as it is for ----------------------------------------------------------------------------------


def test_an_invitation_for_three_admits_three_and_each_of_them_once(court: Court) -> None:
    invite(court, "owner", uses=3)
    outcomes = [code(accept(court, f"Guest{number % 10}")) for number in range(50)]
    assert outcomes == (["", "", "", *["not_admitted"] * 7] * 5)
    assert sum(grant is not None and grant.via == "i1" for grant in court.room.grants.values()) == 3


def test_nobody_has_less_after_accepting_than_before(court: Court) -> None:
    invite(court, "owner", READER, uses=9)
    for who in ("moderator", "owner", "member", "admin"):
        assert accept(court, who) == (), who
    assert code(accept(court, "poster")) == ""
    assert court.room.grants[ident("poster")] == Grant(MEMBER, via="i1"), "both"
    court.room.access = Access()
    assert accept(court, "Bob") == (), "where everyone may do more, a reader's invitation takes nothing away"


def test_what_everyone_may_do_for_now_is_given_for_good(court: Court) -> None:
    court.room.access = Access()
    invite(court, "owner", MEMBER)
    accept(court, "Bob")
    court.rule(SetPolicy(ROOM, AT, person("owner"), everyone=NOBODY))
    assert enter(court, "Bob") == ""


def test_a_role_below_everyone_s_is_looked_up_for_everyone(court: Court) -> None:
    court.room.access = Access(everyone=READER)
    invite(court, "owner", POSTER)
    outcome = accept(court, "Bob")
    assert isinstance(outcome, tuple)
    assert PolicySet(READER, locked=False, topic=MEMBER, less=True) in outcome


def test_somebody_who_was_given_less_since_is_not_raised_by_the_same_invitation_or_password(court: Court) -> None:
    court.rule(SetPolicy(ROOM, AT, person("owner"), password=HASHED))
    invite(court, "owner", uses=9)
    accept(court, "Bob")
    court.rule(Admit(ROOM, AT, person("Eve"), password=HASHED))
    for name in ("Bob", "Eve"):
        court.rule(giving("moderator", name, READER))
    assert accept(court, "Bob") == court.rule(Admit(ROOM, AT, person("Eve"), password=HASHED)) == ()
    assert (court.room.grants[ident("Bob")], court.room.grants[ident("Eve")]) == (
        Grant(READER, via="i1"), Grant(READER, via=PASSWORD),
    )  # fmt: skip


# --- to take it back ----------------------------------------------------------------------------------------


def test_an_invitation_is_revoked_and_its_members_stay_unless_they_are_taken_along(court: Court) -> None:
    invite(court, "owner", uses=9)
    for name in ("Bob", "Ada"):
        accept(court, name)
    court.rule(giving("owner", "Ada", MODERATOR))
    gone = court.rule(Uninvite(ROOM, AT, person("moderator"), "i1"))
    assert gone == (Uninvited("i1"), Audited(AT, "moderator", "revoked invitation i1"))
    assert (accept(court, "Eve"), enter(court, "Bob")) == (NOT_ADMITTED, "")
    later = court.rule(Uninvite(ROOM, AT, person("moderator"), "i1", members=True))
    assert later == (
        Granted(ident("Bob"), NOBODY, 0, "", "moderator"),
        Audited(AT, "moderator", "revoked invitation i1 and took the role from 1"),
    ), "Ada has hers from the owner by now"
    assert code(court.rule(Uninvite(ROOM, AT, person("moderator"), "i1", members=True))) == "target_not_found"


def test_only_those_who_may_invite_to_a_role_revoke_an_invitation_to_it(court: Court) -> None:
    invite(court, "owner", MODERATOR)
    for by in ("moderator", "member", "reader"):
        assert code(court.rule(Uninvite(ROOM, AT, person(by), "i1"))) == "not_allowed"
    assert code(court.rule(Uninvite(ROOM, AT, person("stranger"), "i1"))) == "room_not_found"
    assert code(court.rule(Uninvite(ROOM, AT, person("owner"), "i1"))) == ""


def test_members_are_taken_along_by_somebody_above_them_alone(court: Court) -> None:
    """Attack 18: an owner doesn't depose owners."""
    invite(court, "owner", OWNER)
    accept(court, "Bob")
    assert code(court.rule(Uninvite(ROOM, AT, person("owner"), "i1", members=True))) == "not_allowed"
    assert code(court.rule(Uninvite(ROOM, AT, person("admin"), "i1", members=True))) == ""
    assert court.room.grants[ident("Bob")] is None


def test_an_invitation_is_revoked_where_it_is_to(court: Court) -> None:
    invite(court, "admin", MEMBER, SERVER)
    assert code(court.rule(Uninvite(ROOM, AT, person("owner"), "i1"))) == "target_not_found"
    assert code(court.rule(Uninvite(SERVER, AT, person("owner"), "i1"))) == "not_allowed"
    assert code(court.rule(Uninvite(SERVER, AT, person("admin"), "i1"))) == ""


# --- passwords ----------------------------------------------------------------------------------------------


def test_the_password_admits_as_a_member_until_it_is_changed(court: Court) -> None:
    assert court.rule(Admit(ROOM, AT, person("Bob"), password=HASHED)) == NOT_ADMITTED, "there is none"
    outcome = court.rule(SetPolicy(ROOM, AT, person("owner"), password=HASHED))
    assert audited(outcome) == Audited(AT, "owner", "policy: password changed")
    assert court.rule(Admit(ROOM, AT, person("Bob"), password=HASHED)) == (
        Granted(ident("Bob"), MEMBER, 0, "Bob", "password", "password"),
        Audited(AT, "Bob", "gave the password", "Bob"),
    )
    assert audited(court.rule(SetPolicy(ROOM, AT, person("owner"), password=""))).what == "policy: password removed"
    for password in (HASHED, ""):
        assert court.rule(Admit(ROOM, AT, person("Eve"), password=password)) == NOT_ADMITTED
    assert enter(court, "Bob") == "", "members need no password"


def test_the_server_itself_has_no_password(court: Court) -> None:
    court.server.access = Access(password=HASHED)
    assert court.rule(Admit(SERVER, AT, person("Bob"), password=HASHED)) == NOT_ADMITTED


def test_only_owners_set_a_password(court: Court) -> None:
    for by in ("moderator", "member"):
        assert code(court.rule(SetPolicy(ROOM, AT, person(by), password=HASHED))) == "not_allowed"


def test_those_who_came_by_the_password_leave_together(court: Court) -> None:
    court.rule(SetPolicy(ROOM, AT, person("owner"), password=HASHED))
    court.rule(Admit(ROOM, AT, person("Bob"), password=HASHED))
    assert code(court.rule(Uninvite(ROOM, AT, person("moderator"), PASSWORD))) == "target_not_found"
    assert code(court.rule(Uninvite(ROOM, AT, person("moderator"), PASSWORD, members=True))) == ""
    assert court.room.grants[ident("Bob")] is None


def test_facts_about_what_is_gone_change_nothing(court: Court) -> None:
    court.apply(Room(1, ROOM, server=court.server), (Used("i9", 1), Uninvited("i9")))
    assert court.server.invitations == {"i9": None}


# --- what people read ---------------------------------------------------------------------------------------


def test_every_refusal_says_what_is_wrong_and_none_says_what_there_is(court: Court) -> None:
    court.server.access, court.room.access = Access(everyone=OWNER), Access(everyone=OWNER)
    weak = invite(court, person("Bob", Trust.WEAK))
    assert weak == Rejection(
        "not_allowed", "An invitation needs somebody who invites: use a longer key, or a token."
    ), "where everybody may"
    court.server.access, court.room.access = Access(), Access(everyone=NOBODY)
    invite(court, "admin", name="Bob", id="named", until=0)
    assert court.server.invitations["named"].until == 0  # type: ignore[union-attr]
    assert invite(court, "admin", id="named") == Rejection("internal", "An invitation with this id exists already.")
    court.apply(court.server, (Reserved("ada", "Ada", ident("ada"), skeleton("Ada")),))
    assert code(invite(court, "admin", name="Аda", id="alike")) == "name_taken", "its first letter is Cyrillic"
    assert invite(court, "owner", name="Zoe") == Rejection(
        "not_allowed", "Only administrators say what somebody is called; invite without a name."
    )
    assert invite(court, "owner", NOBODY) == Rejection(
        "not_allowed", "An invitation can't be worth more than the one who invites."
    )
    assert court.rule(Uninvite(ROOM, AT, person("owner"), "i9")) == Rejection(
        "target_not_found", "There is no invitation with this id."
    )
    assert accept(court, "ada", invitation="named") == Rejection(
        "not_allowed", "You have a reserved name already, and this invitation is for another one."
    )
    court.server.names["bob"] = person("Bob")
    assert invite(court, "admin", name="Bob") == Rejection(
        "name_taken", "The name 'Bob' is reserved already; choose another one."
    )
    assert accept(court, "Eve", invitation="named") == Rejection(
        "name_taken", "The name 'Bob' is reserved for somebody else by now."
    )
    assert code(accept(court, "Bob", invitation="named")) == "", "it is his"


def test_somebody_who_can_t_be_given_anything_is_told_what_it_takes(court: Court) -> None:
    said = {
        OPERATOR: Rejection("not_allowed", "The server's operator may do everything already."),
        ANONYMOUS: Rejection(
            "unauthorized",
            "What you are given here is kept for your credential: send a key of at least 32 characters, or a token.",
        ),
        person("Bob", Trust.WEAK): Rejection(
            "not_allowed",
            "This key is short enough to be guessed, so it is given nothing: send a key of at least 32 characters,"
            " or a token.",
        ),
    }
    assert {who: accept(court, who) for who in said} == said
    bearer = person("ci", Trust.VERIFIED, token="t1")
    invite(court, "owner")
    court.token(ident("ci"), room="elsewhere")
    assert accept(court, bearer) == Rejection(
        "not_allowed", "This token counts in another room alone; use your key, or another token."
    )
    court.token(ident("ci"), revoked_at=AT)
    assert accept(court, bearer) == Rejection("unauthorized", "This token is not valid, or no longer.")


def test_members_are_taken_along_only_by_somebody_above_all_of_them(court: Court) -> None:
    invite(court, "owner", uses=2)
    for name in ("Bob", "Ada"):
        accept(court, name)
    court.server.grants[ident("Ada")] = Grant(OWNER)
    assert code(court.rule(Uninvite(ROOM, AT, person("moderator"), "i1", members=True))) == "not_allowed"
    assert code(court.rule(Uninvite(ROOM, AT, person("moderator"), "i1"))) == ""
