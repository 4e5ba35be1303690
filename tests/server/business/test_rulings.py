"""Nobody rules beyond their role: attack 18, and the parts of 5 and 7 that rulings decide."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatty.events import Moderated, rfc3339
from chatty.server.business.entries import (
    Grant,
    Kick,
    Lift,
    Rejection,
    Restrict,
    Revoke,
    Ruling,
    SetPolicy,
    Target,
)
from chatty.server.business.facts import Audited, Granted, PolicySet
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    NOBODY,
    OPEN,
    OPERATOR,
    OWNER,
    POST,
    READER,
    ROLES,
    SERVER,
    Access,
    Principal,
    Trust,
)
from tests.server.business.court import (
    AT,
    OWNER_TOKEN,
    ROOM,
    Court,
    audited,
    banning,
    by_identity,
    called,
    code,
    giving,
    ident,
    person,
)

LATER = AT + 60_000


@pytest.fixture
def court() -> Court:
    return Court()


# --- roles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", ROLES)
@pytest.mark.parametrize("old", ROLES)
def test_a_moderator_gives_and_takes_up_to_member_and_an_owner_anything_below_owners(
    court: Court, old: str, new: str
) -> None:
    """Attack 18: moderator against owner, owner against owner, administrator against owner."""
    court.room.grants[ident("x")] = court.room.grants[ident(old)]
    outcomes = {by: code(court.rule(giving(by, "x", ROLES[new]))) for by in ("moderator", "member", "poster")}
    small = max(ROLES[old], ROLES[new]) <= MEMBER
    assert outcomes == {"moderator": "" if small else "not_allowed", "member": "not_allowed", "poster": "not_allowed"}
    court.room.grants[ident("x")] = court.room.grants[ident(old)]
    assert code(court.rule(giving("owner", "x", ROLES[new]))) == ("not_allowed" if old == "owner" else "")
    court.room.grants[ident("x")] = court.room.grants[ident(old)]
    assert code(court.rule(giving("admin", "x", ROLES[new]))) == ""
    assert code(court.rule(giving("operator", "x", ROLES[old]))) == ""


def test_a_role_is_given_with_its_end_and_noted(court: Court) -> None:
    outcome = court.rule(giving("owner", "bob", MODERATOR, until=LATER))
    assert outcome == (
        Granted(ident("bob"), MODERATOR, LATER, "", "owner"),
        Audited(AT, "owner", "made moderator", "", LATER),
    )
    assert court.room.access is OPEN


@pytest.mark.parametrize("by", ["moderator", "owner"])
def test_nobody_demotes_themselves_so_the_last_owner_stays(court: Court, by: str) -> None:
    """Attack 18: the last owner's self-demotion."""
    assert code(court.rule(giving(by, by, MEMBER))) == "not_allowed"


def test_an_administrator_stays_one_until_another_says_so(court: Court) -> None:
    """Attack 18, on the server."""
    text = "Nobody gives or takes a role of their own: ask another owner."
    assert court.rule(giving("admin", "admin", MEMBER, SERVER)) == Rejection("not_allowed", text)
    assert code(court.rule(giving("admin", "admin", OWNER, SERVER, until=LATER))) == "not_allowed"
    court.server.grants[ident("other")] = court.server.grants[ident("admin")]
    assert code(court.rule(giving("other", "admin", MEMBER, SERVER))) == ""
    assert code(court.rule(giving("operator", "other", MEMBER, SERVER))) == ""


def test_the_role_nobody_leaves_what_everyone_has(court: Court) -> None:
    court.server.grants[ident("bob")] = None
    outcome = court.rule(giving("owner", "bob", NOBODY))
    assert isinstance(outcome, tuple)
    given, audited = outcome
    assert isinstance(given, Granted)
    assert given.grant is None
    assert isinstance(audited, Audited)
    assert audited.what == "took the role away"


@pytest.mark.parametrize("role", ["reader", "poster"])
def test_less_than_everyone_has_is_looked_up_for_everyone(court: Court, role: str) -> None:
    outcome = court.rule(giving("owner", "bob", ROLES[role]))
    assert isinstance(outcome, tuple)
    assert outcome[1] == PolicySet(MEMBER, locked=False, topic=MEMBER, less=True)
    again = court.rule(giving("owner", "eve", ROLES[role]))
    assert isinstance(again, tuple)
    assert [type(fact) for fact in again] == [Granted, Audited], "it is known by now"


def test_roles_on_the_server_are_for_administrators(court: Court) -> None:
    for by in ROLES:
        assert code(court.rule(giving(by, "bob", READER, SERVER))) == "not_allowed"
    assert code(court.rule(giving("admin", "bob", READER, SERVER))) == ""
    assert court.server.access.less


@pytest.mark.parametrize("whom", [called("Unknown"), Target(), Target(identity=bytes(16)), Target(of=7)])
def test_a_role_is_for_somebody_who_can_be_told_from_others(court: Court, whom: Target) -> None:
    """Attacks 7 and 18: grants to unknown names, and to the identity of all who have none."""
    text = "Nobody here is called that; `chatty members` lists those with a role."
    assert court.rule(giving("owner", whom, MEMBER)) == Rejection("target_not_found", text)


@pytest.mark.parametrize("trust", [Trust.NONE, Trust.WEAK])
def test_a_participant_with_a_key_that_can_be_guessed_gets_no_role(court: Court, trust: Trust) -> None:
    """Attack 7: a key under 32 characters."""
    court.enter(person("Eve", trust))
    assert code(court.rule(giving("owner", called("Eve"), MODERATOR))) == "target_not_found"
    # By its identity it gets a row, which is worth nothing.
    assert code(court.rule(giving("owner", "Eve", OWNER))) == ""
    weak = SetPolicy(ROOM, AT, person("Eve", trust), NOBODY)
    assert code(court.rule(weak)) == "not_allowed"


def test_a_role_finds_a_participant_by_name_and_a_reserved_name_s_holder(court: Court) -> None:
    court.enter(person("Bob"))
    outcome = court.rule(giving("owner", called("Bob"), MODERATOR))
    assert isinstance(outcome, tuple)
    assert outcome[0] == Granted(ident("Bob"), MODERATOR, 0, "Bob", "owner")
    court.server.names["ada"] = person("Ada", Trust.VERIFIED)
    outcome = court.rule(giving("owner", called("ada"), MODERATOR))
    assert isinstance(outcome, tuple)
    assert outcome[0] == Granted(ident("Ada"), MODERATOR, 0, "ada", "owner")


def test_the_owner_token_makes_an_owner_whom_owners_don_t_touch(court: Court) -> None:
    holder = Principal(OWNER_TOKEN[:16], Trust.KEY)
    assert code(court.rule(Grant(ROOM, AT, holder, by_identity("bob"), MODERATOR))) == ""
    assert code(court.rule(giving("owner", Target(identity=holder.identity), NOBODY))) == "not_allowed"


# --- a token is worth what it is limited to -----------------------------------------------------------------


def test_a_token_acts_as_what_it_is_limited_to_whatever_its_bearer_is(court: Court) -> None:
    """Attack 18: a token's cap against its bearer's role."""
    for bearer, scope in (("owner", ROOM), ("admin", ROOM), ("admin", SERVER)):
        court.token(ident(bearer), cap=MODERATOR, room=scope)
        limited = person(bearer, Trust.VERIFIED, token="t1")
        assert code(court.rule(Grant(ROOM, AT, limited, by_identity("bob"), MEMBER))) == ""
        for whom in ("moderator", "owner"):
            refused = court.rule(Restrict(ROOM, AT, limited, "r", by_identity(whom), POST))
            assert refused == Rejection("not_allowed", "This needs a higher role than the one it concerns.")
        assert code(court.rule(Grant(ROOM, AT, limited, by_identity("bob"), MODERATOR))) == "not_allowed"
        assert code(court.rule(SetPolicy(ROOM, AT, limited, NOBODY))) == "not_allowed"
        assert code(court.rule(SetPolicy(SERVER, AT, limited, NOBODY))) == "not_allowed"


def test_an_administrator_s_token_for_one_room_touches_no_owner_and_rules_no_server(court: Court) -> None:
    court.token(ident("admin"), cap=OWNER, room=ROOM)
    limited = person("admin", Trust.VERIFIED, token="t1")
    assert code(court.rule(SetPolicy(ROOM, AT, limited, topic=MODERATOR))) == ""
    assert code(court.rule(Grant(ROOM, AT, limited, by_identity("owner"), MEMBER))) == "not_allowed"
    assert code(court.rule(Revoke(SERVER, AT, limited, "t9"))) == "not_allowed"


RULINGS: dict[str, Ruling] = {
    "role": giving("owner", "bob", MEMBER),
    "policy": SetPolicy(ROOM, AT, person("owner"), READER),
    "lock": SetPolicy(ROOM, AT, person("owner"), locked=True),
    "kick": Kick(ROOM, AT, person("owner"), called("Bob")),
    "ban": banning("owner", called("Bob")),
    "lift": Lift(ROOM, AT, person("owner"), "r0"),
}


@pytest.mark.parametrize("ruling", RULINGS)
@pytest.mark.parametrize("token", [{"revoked_at": 1}, {"expires_at": AT}, {"room": "other"}, {"cap": MEMBER}])
def test_a_token_that_doesn_t_count_rules_nothing(court: Court, ruling: str, token: dict[str, int]) -> None:
    court.token(ident("owner"), **token)
    before = court.room.access
    outcome = court.rule(replace(RULINGS[ruling], who=person("owner", Trust.VERIFIED, token="t1")))
    expected = {"room": "room_not_found", "cap": "not_allowed"}
    assert code(outcome) == expected.get(next(iter(token)), "unauthorized")
    assert court.room.access is before


@pytest.mark.parametrize("ruling", RULINGS)
def test_where_there_is_no_room_nobody_rules_and_learns_nothing(ruling: str) -> None:
    """Attack 5: a ruling in a missing room and in a hidden one."""
    stranger = replace(RULINGS[ruling], who=person("stranger"))
    missing, hidden = Court(), Court()
    missing.room.exists = False
    hidden.room.access = Access(everyone=NOBODY)
    assert missing.rule(stranger) == hidden.rule(stranger) == Rejection("room_not_found")
    for court in (missing, hidden):
        court.server.access, court.server.knows = Access(everyone=NOBODY), False
    assert missing.rule(stranger) == hidden.rule(stranger) == Rejection("unauthorized")


# --- policies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"locked": True}, "moderator"),
        ({"everyone": READER}, "owner"),
        ({"topic": MODERATOR}, "owner"),
        ({"everyone": READER, "locked": True}, "owner"),
        ({"topic": MODERATOR, "locked": True}, "owner"),
    ],
)
def test_moderators_lock_and_owners_make_the_other_rules(court: Court, change: dict[str, int], needs: str) -> None:
    for by in ROLES:
        expected = "" if ROLES[by] >= ROLES[needs] else ("room_not_found" if by == "nobody" else "not_allowed")
        assert code(court.rule(SetPolicy(ROOM, AT, person(by), **change))) == expected  # type: ignore[arg-type]
        court.room.access = OPEN


def test_a_policy_changes_what_it_names_and_is_noted(court: Court) -> None:
    outcome = court.rule(SetPolicy(ROOM, AT, person("owner"), READER, locked=True, topic=MODERATOR))
    assert outcome == (
        PolicySet(READER, locked=True, topic=MODERATOR, less=False),
        Moderated(1, rfc3339(AT), "everyone", "owner", role="reader"),
        Moderated(2, rfc3339(AT), "lock", "owner"),
        Audited(AT, "owner", "policy: everyone reader, locked true, topic moderator"),
    )
    outcome = court.rule(SetPolicy(ROOM, AT, person("owner"), locked=False))
    assert outcome == (
        PolicySet(READER, locked=False, topic=MODERATOR, less=False),
        Moderated(3, rfc3339(AT), "unlock", "owner"),
        Audited(AT, "owner", "policy: locked false"),
    )  # fmt: skip
    assert court.rule(SetPolicy(ROOM, AT, person("owner"), READER, locked=False, topic=MODERATOR)) == ()


def test_when_everyone_gets_more_earlier_roles_may_be_less(court: Court) -> None:
    court.room.access = Access(everyone=READER)
    assert not court.room.access.less
    court.rule(SetPolicy(ROOM, AT, person("owner"), MEMBER))
    assert court.room.access.less
    assert court.room.access is not OPEN


def test_the_server_s_policy_is_for_administrators(court: Court) -> None:
    assert code(court.rule(SetPolicy(SERVER, AT, person("owner"), locked=True))) == "not_allowed"
    assert audited(court.rule(SetPolicy(SERVER, AT, OPERATOR, NOBODY))).by == "the operator"
    assert audited(court.rule(SetPolicy(SERVER, AT, person("admin"), MEMBER))).by == "admin"


def test_a_ruler_without_a_name_is_known_by_the_beginning_of_its_identity(court: Court) -> None:
    nameless = Principal(ident("owner"), Trust.KEY)
    assert audited(court.rule(SetPolicy(ROOM, AT, nameless, locked=True))).by == f"key {ident('owner').hex()[:8]}"
