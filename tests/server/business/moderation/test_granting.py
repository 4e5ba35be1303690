"""Rules for everybody, as they are set, told and kept; and by what a role came."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.events import Moderated, rfc3339
from chatty.protocol import encode
from chatty.server.business.entries import Grant as Give
from chatty.server.business.entries import SetPolicy
from chatty.server.business.facts import Audited, PolicySet
from chatty.server.business.rights import (
    MEMBER,
    MODERATOR,
    OPERATOR,
    PASSWORD,
    POSTER,
    READER,
    SERVER,
    SIGN_IN,
    Grant,
)
from tests.server.business.court import AT, ROOM, Court, by_identity, code, ident, person


@pytest.fixture
def court() -> Court:
    return Court()


def outcome(court: Court, by: str = "owner", **change: Any) -> tuple[Any, ...]:
    found = court.rule(SetPolicy(ROOM, AT, person(by), **change))
    assert isinstance(found, tuple)
    return found


def told(found: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """What members are told: the act, the role, and the seconds of slow mode."""
    return [(fact.act, fact.role, fact.slow) for fact in found if isinstance(fact, Moderated)]


@pytest.mark.parametrize(
    ("change", "acts", "what"),
    [
        ({"everyone": READER}, [("everyone", "reader", 0)], "everyone reader"),
        ({"locked": True}, [("lock", "", 0)], "locked true"),
        ({"topic": MODERATOR}, [], "topic moderator"),
        ({"slow": 2_500}, [("slow", "", 2.5)], "slow 2.5 s"),
        ({"password": "$argon2id$"}, [], "password changed"),
        (
            {"everyone": READER, "locked": True, "slow": 1_000},
            [("everyone", "reader", 0), ("lock", "", 0), ("slow", "", 1)],
            "everyone reader, locked true, slow 1 s",
        ),
    ],
)
def test_each_change_of_the_rules_is_told_and_audited_once(
    court: Court, change: dict[str, Any], acts: list[Any], what: str
) -> None:
    found = outcome(court, **change)
    rules: dict[str, Any] = {"everyone": MEMBER, "locked": False, "topic": MEMBER, "slow": 0, "password": ""} | change
    assert found[0] == PolicySet(**rules, less=False)
    assert told(found) == acts
    assert found[-1] == Audited(AT, "owner", f"policy: {what}", "", 0, "")
    assert court.rule(SetPolicy(ROOM, AT, person("owner"), **change)) == ()


def test_what_is_taken_back_is_told_and_audited_too(court: Court) -> None:
    outcome(court, locked=True, slow=1_000, password="$argon2id$")
    found = outcome(court, locked=False, slow=0, password="")
    assert told(found) == [("unlock", "", 0), ("slow", "", 0)]
    assert b'"slow":' not in encode(found[2])  # as docs/protocol.md has it
    assert found[-1].what == "policy: locked false, slow 0 s, password removed"


def test_members_are_told_who_ruled_and_when_one_event_after_the_other(court: Court) -> None:
    found = outcome(court, "moderator", locked=True, slow=1_000)
    events = [fact for fact in found if isinstance(fact, Moderated)]
    assert [(one.seq, one.at, one.by) for one in events] == [
        (number, rfc3339(AT), "moderator") for number in (court.room.last - 1, court.room.last)
    ]


def test_moderators_lock_and_slow_and_leave_the_rest_to_owners(court: Court) -> None:
    change: dict[str, Any]
    for change in ({"locked": True}, {"slow": 1_000}):
        assert code(court.rule(SetPolicy(ROOM, AT, person("moderator"), **change))) == ""
    for change in ({"everyone": READER}, {"topic": MODERATOR}, {"password": "$argon2id$"}, {"password": ""}):
        assert code(court.rule(SetPolicy(ROOM, AT, person("moderator"), **change))) == "not_allowed"


def test_slow_mode_is_a_rooms(court: Court) -> None:
    refused = court.rule(SetPolicy(SERVER, AT, OPERATOR, slow=1_000))
    assert (code(refused), getattr(refused, "message", "")) == ("bad_request", "Slow mode is a room's.")
    assert code(court.rule(SetPolicy(SERVER, AT, OPERATOR, slow=0))) == ""


@pytest.mark.parametrize(
    ("via", "role", "kept"),
    [
        ("i1", READER, "i1"),
        ("i1", MEMBER, "i1"),
        (PASSWORD, READER, PASSWORD),
        ("i1", MODERATOR, ""),
        (SIGN_IN, READER, ""),
        (SIGN_IN, MEMBER, ""),
        ("", READER, ""),
    ],
)
def test_a_role_that_gets_no_larger_came_as_before_unless_by_a_sign_in(
    court: Court, via: str, role: int, kept: str
) -> None:
    court.room.grants[ident("Eve")] = Grant(MEMBER, 0, via)
    court.rule(Give(ROOM, AT, person("owner"), by_identity("Eve"), role))
    assert court.room.grants[ident("Eve")] == Grant(role, 0, kept)


def test_a_first_role_came_by_nothing(court: Court) -> None:
    court.rule(Give(ROOM, AT, person("owner"), by_identity("Eve"), POSTER))
    assert court.room.grants[ident("Eve")] == Grant(POSTER, 0, "")
