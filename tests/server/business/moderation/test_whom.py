"""People type what they see: a name that nobody has stands for the one that looks like it."""

from __future__ import annotations

from chatty.server.business.entries import Target
from chatty.server.business.facts import Reserved
from chatty.server.business.rights import Trust
from chatty.server.business.state import Participant, evolve
from chatty.server.business.whom import Whom, whom
from chatty.skeletons import skeleton
from tests.server.business.court import Court, ident, person
from tests.server.principals import speaker

LOOK = skeleton("Alice")


def typed(name: str) -> Target:
    return Target(name, name.casefold(), skeleton=skeleton(name))


def test_a_look_alike_in_the_room_is_meant_where_nobody_has_the_name() -> None:
    court = Court()
    court.enter(speaker("AIice", ident("eve"), Trust.KEY))
    assert whom(court.room, typed("Alice")) == Whom(ident("eve"), "AIice", "aiice", LOOK)
    assert whom(court.server, typed("Alice")) == Whom(b"", "Alice", "alice", LOOK)


def test_a_look_alike_that_is_reserved_is_meant_before_it() -> None:
    court = Court()
    evolve(court.server, Reserved("aiice", "AIice", ident("ada"), LOOK))
    for scope in (court.room, court.server):
        assert whom(scope, typed("Alice")) == Whom(ident("ada"), "Alice", "aiice", LOOK)


def test_somebody_who_has_the_name_is_meant_before_all_that_look_like_it() -> None:
    court = Court()
    evolve(court.server, Reserved("aiice", "AIice", ident("eve"), LOOK))
    court.room.admit("alice", Participant("Alice", ident("ada"), Trust.KEY, set(), skeleton=LOOK))
    assert whom(court.room, typed("Alice")) == Whom(ident("ada"), "Alice", "alice", LOOK)


def test_without_a_look_only_the_name_itself_counts() -> None:
    court = Court()
    court.enter(speaker("AIice", ident("eve"), Trust.KEY))
    assert whom(court.room, Target("Alice", "alice")) == Whom(b"", "Alice", "alice")
    assert Whom(b"", "", "").skeleton == ""


def test_people_are_found_by_their_key() -> None:
    court = Court()
    court.enter(person("Ada"))
    assert whom(court.room, typed("Ada")) == Whom(ident("Ada"), "Ada", "ada", skeleton("Ada"))
