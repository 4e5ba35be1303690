"""A kick, a ban and a revocation find those whom they are about, and nobody else: attacks 10 and 18."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatty.events import Moderated, ParticipantLeft, rfc3339
from chatty.server.business.entries import (
    Kick,
    Lift,
    Rejection,
    Restrict,
    Revoke,
    Target,
)
from chatty.server.business.facts import Audited, Evicted, Lifted, Restricted, Revoked
from chatty.server.business.moderation.restricting import MOST_RESTRICTIONS, evictions
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import (
    OPEN,
    OPERATOR,
    OWNER,
    POST,
    POSTER,
    SERVER,
    Access,
    Of,
    Principal,
    Restriction,
    Token,
    Trust,
)
from tests.server.business.court import (
    ANONYMOUS,
    AT,
    ROOM,
    Court,
    audited,
    banning,
    by_identity,
    called,
    code,
    ident,
    person,
)

LATER = AT + 60_000


@pytest.fixture
def court() -> Court:
    return Court()


# --- kicks --------------------------------------------------------------------------------------------------


def test_a_kick_ends_all_that_somebody_is_in_the_room_and_nobody_else(court: Court) -> None:
    eve_again = Principal(ident("Eve"), Trust.KEY, "Eve2", "eve2")
    court.enter(eve_again, person("Bob"), person("Eve"))
    last = court.room.last
    outcome = court.rule(Kick(ROOM, AT, person("moderator"), called("Eve"), "tea is ready"))
    now = rfc3339(AT)
    assert outcome == (
        Moderated(last + 1, now, "kick", "moderator", "Eve", reason="tea is ready"),
        ParticipantLeft(last + 2, now, "Eve", "kicked"), Evicted("eve"),
        ParticipantLeft(last + 3, now, "Eve2", "kicked"), Evicted("eve2"),
        Audited(AT, "moderator", "kicked", "Eve", 0, "tea is ready"),
    )  # fmt: skip
    assert set(court.room.participants) == {"bob"}
    gone = court.rule(Kick(ROOM, AT, person("moderator"), called("Eve")))
    assert gone == Rejection("target_not_found", "Nobody of this name is in the room.")


def test_of_those_without_a_key_a_kick_finds_the_one_name(court: Court) -> None:
    one, other = (Principal(ident(name), Trust.NONE, name, name.casefold()) for name in ("Eve", "Bob"))
    court.enter(one, other)
    assert code(court.rule(Kick(ROOM, AT, person("moderator"), called("Eve")))) == ""
    assert set(court.room.participants) == {"bob"}


@pytest.mark.parametrize("role", ["moderator", "owner"])
def test_a_moderator_kicks_no_equal_and_nobody_above(court: Court, role: str) -> None:
    """Attack 18: moderator against owner."""
    court.enter(Principal(ident(role), Trust.KEY, "Olga", "olga"))
    assert code(court.rule(Kick(ROOM, AT, person("moderator"), called("Olga")))) == "not_allowed"
    assert code(court.rule(Kick(ROOM, AT, person("admin"), called("Olga")))) == ""


@pytest.mark.parametrize("author", [ident("eve"), ANONYMOUS.identity], ids=["key", "anonymous"])
def test_a_message_under_a_name_that_is_another_s_by_now_leads_to_its_author_alone(court: Court, author: bytes) -> None:
    """Attack 18: a moderator who wrote as Olga, by another key, has her message kicked, and means the owner."""
    court.enter(Principal(ident("owner"), Trust.KEY, "Olga", "olga"))
    court.wrote(7, author)
    target = Target("Olga", "olga", of=7)
    assert code(court.rule(Kick(ROOM, AT, person("moderator"), target))) == "target_not_found"
    outcome = court.rule(Restrict(ROOM, AT, person("moderator"), "r1", target, OWNER))
    assert code(outcome) == ("target_not_found" if author == ANONYMOUS.identity else "")
    assert [one.of for one in court.restrictions] == ([] if author == ANONYMOUS.identity else [Of.IDENTITY])
    assert set(court.room.participants) == {"olga"}
    court.server.names["zoe"] = person("Zoe", Trust.VERIFIED)
    court.rule(Restrict(ROOM, AT, person("moderator"), "r2", Target("Zoe", "zoe", of=7), OWNER))
    assert Of.NAME not in [one.of for one in court.restrictions], "nor is it a reserved name's holder"


def test_a_message_leads_to_its_author_under_whatever_name(court: Court) -> None:
    court.enter(Principal(ident("eve"), Trust.KEY, "Harmless", "harmless"))
    court.wrote(7, ident("eve"))
    assert code(court.rule(Kick(ROOM, AT, person("moderator"), Target("Eve", "eve", of=7)))) == ""
    assert not court.room.participants
    court.wrote(8, ident("moderator"))
    assert code(court.rule(Kick(ROOM, AT, person("moderator"), Target("Eve", "eve", of=8)))) == "not_allowed"


# --- bans and mutes -----------------------------------------------------------------------------------------


def test_a_ban_holds_for_the_key_the_name_and_for_a_while_the_addresses(court: Court) -> None:
    court.enter(person("Eve"))
    entry = Restrict(
        ROOM, AT, person("moderator"), "r1", called("Eve"), OWNER, LATER + 1, ("192.0.2.1", ""), LATER, "spam"
    )
    outcome = court.rule(entry)
    made = [
        Restriction("r1", Of.IDENTITY, ident("Eve"), OWNER, LATER + 1, "Eve"),
        Restriction("r1", Of.NAME, "eve", OWNER, LATER + 1, "Eve"),
        Restriction("r1", Of.SKELETON, "eve", OWNER, LATER + 1, "Eve"),
        Restriction("r1", Of.ADDRESS, "192.0.2.1", OWNER, LATER, "Eve"),
    ]
    assert outcome == (
        *(Restricted(one, "moderator", AT, "spam") for one in made),
        Moderated(2, rfc3339(AT), "ban", "moderator", "Eve", rfc3339(LATER + 1), "spam"),
        Audited(AT, "moderator", "banned", "Eve", LATER + 1, "spam"),
    )
    assert court.restrictions == tuple(made)


def test_addresses_are_banned_for_as_long_as_the_rest_unless_it_is_said(court: Court) -> None:
    outcome = court.rule(Restrict(ROOM, AT, person("moderator"), "r1", Target(), OWNER, LATER, ("192.0.2.1",)))
    assert audited(outcome).whom == ""
    assert [one.until for one in court.restrictions] == [LATER]


def test_what_has_ended_already_is_not_made(court: Court) -> None:
    entry = Restrict(ROOM, AT, person("moderator"), "r1", called("Eve"), OWNER, 0, ("192.0.2.1",), AT)
    court.rule(entry)
    assert [one.of for one in court.restrictions] == [Of.NAME, Of.SKELETON]


def test_a_mute_is_called_one(court: Court) -> None:
    assert audited(court.rule(banning("moderator", called("Eve"), POST))).what == "muted"


@pytest.mark.parametrize("rights", [OWNER, POST])
@pytest.mark.parametrize("whom", ["moderator", "owner"])
def test_a_moderator_bans_and_mutes_no_equal_and_nobody_above(court: Court, whom: str, rights: int) -> None:
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    assert code(court.rule(banning("second", by_identity(whom), rights))) == "not_allowed"
    owners = "not_allowed" if whom == "owner" else ""
    court.room.grants[ident("second")] = court.room.grants[ident("owner")]
    assert code(court.rule(banning("second", by_identity(whom), rights))) == owners
    assert code(court.rule(banning("admin", by_identity(whom), rights, "r2"))) == ""


@pytest.mark.parametrize("by", ["moderator", "owner", "admin"])
def test_nobody_bans_themselves(court: Court, by: str) -> None:
    refused = court.rule(banning(by, by_identity(by)))
    assert code(refused) == "not_allowed"
    if by == "admin":
        assert refused == Rejection("not_allowed", "Nobody can ban or mute themselves.")


@pytest.mark.parametrize("whom", [Target(), Target(identity=bytes(16)), Target(of=7)])
def test_nobody_bans_all_who_have_no_key(court: Court, whom: Target) -> None:
    """Attack 10: a restriction on the anonymous identity."""
    court.wrote(7, ANONYMOUS.identity)
    refused = court.rule(banning("moderator", whom))
    assert refused == Rejection("target_not_found", "That is nobody who could be told from others; restrict a name.")
    assert not court.restrictions


def test_the_operator_who_has_no_identity_bans_those_who_have_none(court: Court) -> None:
    assert code(court.rule(Restrict(ROOM, AT, OPERATOR, "r1", called("Eve"), OWNER))) == ""


def test_somebody_without_a_key_is_banned_by_name(court: Court) -> None:
    court.enter(person("Eve", Trust.NONE))
    court.rule(banning("moderator", called("Eve")))
    assert [one.of for one in court.restrictions] == [Of.NAME, Of.SKELETON]


def test_a_scope_has_so_many_restrictions_at_a_time(court: Court) -> None:
    """Every decision looks at all of them: an owner of a room must not make the whole server slow."""
    ended = Restriction("r", Of.NAME, "x", OWNER, AT)
    lasting = Restriction("r", Of.NAME, "x", OWNER, 0)
    court.room.access = Access(restrictions=(*[lasting] * (MOST_RESTRICTIONS - 1), ended))
    assert code(court.rule(banning("owner", called("Eve")))) == ""
    refused = court.rule(banning("owner", called("Ada"), ruling="r2"))
    assert refused == Rejection("not_allowed", "There are 1,000 restrictions already; lift some.")


def test_an_id_names_one_restriction(court: Court) -> None:
    court.rule(banning("moderator", called("Eve")))
    again = court.rule(banning("moderator", called("Ada")))
    assert again == Rejection("internal", "A restriction with this id exists already.")


@pytest.mark.parametrize("rights", [OWNER, POST])
def test_a_muted_moderator_can_t_lift_that_and_an_owner_can(court: Court, rights: int) -> None:
    """Attack 18: a muted moderator."""
    court.rule(banning("owner", by_identity("moderator"), rights))
    refused = "not_allowed" if rights == POST else "banned"
    assert code(court.rule(Lift(ROOM, AT, person("moderator"), "r1"))) == refused
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    assert code(court.rule(Lift(ROOM, AT, person("second"), "r1"))) == "not_allowed", "nor an equal"
    act, what = ("unmute", "lifted the mute of") if rights == POST else ("unban", "lifted the ban of")
    assert court.rule(Lift(ROOM, AT, person("owner"), "r1")) == (
        Lifted("r1"), Moderated(2, rfc3339(AT), act, "owner"), Audited(AT, "owner", what),
    )  # fmt: skip
    assert court.room.access is OPEN


def test_what_is_lifted_is_looked_up_by_its_id(court: Court) -> None:
    court.rule(banning("moderator", called("Eve"), ruling="r1"))
    court.rule(banning("owner", by_identity("moderator"), POST, ruling="r2"))
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    assert code(court.rule(Lift(ROOM, AT, person("second"), "r1"))) == ""
    assert [one.id for one in court.restrictions] == ["r2"]
    again = court.rule(Lift(ROOM, AT, person("second"), "r1"))
    assert again == Rejection("target_not_found", "There is no restriction with this id.")


def test_restrictions_on_the_server_are_for_administrators(court: Court) -> None:
    for entry in (
        Restrict(SERVER, AT, person("owner"), "r1", called("Eve"), OWNER),
        Lift(SERVER, AT, person("owner"), "r1"),
    ):
        assert code(court.rule(entry)) == "not_allowed"
    assert code(court.rule(Restrict(SERVER, AT, person("admin"), "r1", called("Eve"), OWNER))) == ""
    assert code(court.rule(Lift(SERVER, AT, person("admin"), "r1"))) == ""


# --- those who have to leave --------------------------------------------------------------------------------


def evicted(court: Court, *reserved: Principal) -> list[str]:
    facts = evictions(court.room, AT, reserved)
    assert isinstance(facts, tuple)
    left = [fact for fact in facts if isinstance(fact, ParticipantLeft)]
    assert [fact.seq for fact in left] == list(range(court.room.last + 1, court.room.last + 1 + len(left)))
    assert all(fact.reason == "kicked" and fact.at == rfc3339(AT) for fact in left)
    assert [fact.name_key for fact in facts if isinstance(fact, Evicted)] == [
        fact.participant.casefold() for fact in left
    ]
    return [fact.participant for fact in left]


def test_those_leave_who_may_not_see_the_room_any_longer(court: Court) -> None:
    court.enter(person("Eve", Trust.NONE), person("Bob"), person("owner"), person("Ada"))
    assert evicted(court) == []
    court.room.access = Access(everyone=POSTER)
    assert evicted(court) == ["Ada", "Bob", "Eve"]
    court.room.access = Access(restrictions=(Restriction("1", Of.NAME, "eve", OWNER),))
    assert evicted(court) == ["Eve"]
    court.room.access = Access(restrictions=(Restriction("1", Of.IDENTITY, ident("Bob"), OWNER),))
    assert evicted(court) == ["Bob"]
    court.room.access = Access(locked=True, restrictions=(Restriction("1", Of.IDENTITY, ident("Bob"), POST),))
    assert evicted(court) == [], "the muted stay"


def test_somebody_who_sits_on_a_name_that_was_reserved_leaves(court: Court) -> None:
    court.enter(person("Ada"), person("Bob"))
    ada = replace(person("Ada", Trust.VERIFIED), identity=ident("Other"))
    assert evicted(court, ada, person("Bob", Trust.VERIFIED)) == ["Ada"]


# --- revocation ---------------------------------------------------------------------------------------------


def revoke(court: Court, who: Principal, token: str = "t1") -> Outcome:
    return court.rule(Revoke(SERVER, AT, who, token))


def test_a_token_is_revoked_by_its_bearer_and_by_administrators_once(court: Court) -> None:
    for by in (person("bob"), person("admin"), OPERATOR):
        court.token(ident("bob"))
        outcome = revoke(court, by)
        assert isinstance(outcome, tuple)
        assert outcome[0] == Revoked("t1", AT)
        known_as = "the operator" if by is OPERATOR else by.name
        assert audited(outcome) == Audited(AT, known_as, "revoked token t1", "", 0, "")
        assert court.server.tokens["t1"] == Token("t1", ident("bob"), revoked_at=AT)
        assert revoke(court, by) == ()


def test_nobody_revokes_another_s_token_or_learns_of_it(court: Court) -> None:
    court.token(ident("bob"))
    for who in (person("eve"), person("bob", Trust.WEAK), ANONYMOUS, person("owner")):
        assert revoke(court, who) == revoke(court, who, "t9") == Rejection("not_allowed")
    refused = Rejection("target_not_found", "There is no token with this id.")
    assert revoke(court, person("admin"), "t9") == refused
    assert court.rule(Revoke(ROOM, AT, person("admin"), "t9")) == refused, "tokens are the server's"


def test_a_token_that_doesn_t_count_revokes_nothing_not_even_itself(court: Court) -> None:
    court.token(ident("bob"), expires_at=AT)
    assert code(revoke(court, person("bob", Trust.VERIFIED, token="t1"))) == "unauthorized"


def test_a_token_for_a_room_revokes_its_bearer_s_tokens_for_that_room_alone(court: Court) -> None:
    who = person("bob", Trust.VERIFIED, token="t1")
    for mine, other, expected in (
        (ROOM, ROOM, ""), (ROOM, "other", "not_allowed"), (ROOM, SERVER, "not_allowed"),
        (SERVER, ROOM, ""), (SERVER, SERVER, ""),
    ):  # fmt: skip
        court.token(ident("bob"), room=mine)
        court.server.tokens["t2"] = Token("t2", ident("bob"), room=other)
        assert code(revoke(court, who, "t2")) == expected
