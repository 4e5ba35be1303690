"""Those who lately came from an address: who is remembered, for how long, and how many."""

from __future__ import annotations

from typing import Any

from chatty.server.business.rights import Principal, Trust
from chatty.server.platform.pipeline import recent_authors
from chatty.server.platform.pipeline.recent_authors import KEPT_SECONDS, MOST, RecentAuthors

HERE, THERE = "192.0.2.1", "192.0.2.2"


def who(number: int, address: str = HERE, trust: Trust = Trust.KEY, **more: Any) -> Principal:
    return Principal(number.to_bytes(16), trust, address=address, **more)


def test_they_are_found_by_address_and_addresses_by_them() -> None:
    recent = RecentAuthors(lambda: 0.0)
    for room, one in (("a", who(1)), ("a", who(2)), ("a", who(3, THERE)), ("b", who(4)), ("a", who(1, THERE))):
        recent.note(room, one)
    ids = [(number.to_bytes(16), "") for number in range(5)]
    assert recent.from_addresses("a", {HERE}) == {ids[1], ids[2]}
    assert recent.from_addresses("", {HERE}) == {ids[1], ids[2], ids[4]}, "on the whole server"
    assert recent.from_addresses("a", set()) == set()
    assert recent.addresses_of("a", ids[1]) == {HERE, THERE}
    assert recent.addresses_of("b", ids[1]) == set()


def test_those_without_a_key_are_told_from_each_other_by_their_names() -> None:
    recent = RecentAuthors(lambda: 0.0)
    recent.note("a", who(0, trust=Trust.NONE, name="curl"))
    recent.note("a", who(1, trust=Trust.NONE, name="socket"))
    assert recent.from_addresses("a", {HERE}) == {(bytes(16), "curl"), ((1).to_bytes(16), "")}


def test_this_machine_and_its_operator_are_not_remembered_and_tokens_accuse_nobody() -> None:
    recent = RecentAuthors(lambda: 0.0)
    recent.note("a", who(1, ""))
    recent.note("a", who(2, trust=Trust.OPERATOR))
    recent.note("a", who(3, trust=Trust.VERIFIED))
    assert recent.from_addresses("a", {HERE, ""}) == set()
    assert recent.addresses_of("a", ((3).to_bytes(16), "")) == {HERE}, "its own addresses are known"


def test_they_are_forgotten_after_an_hour_without_a_sign() -> None:
    now = 0.0
    recent = RecentAuthors(lambda: now)
    recent.note("a", who(1))
    recent.note("a", who(2))
    now = KEPT_SECONDS - 1
    recent.note("a", who(1))
    now = KEPT_SECONDS + 1
    assert recent.from_addresses("a", {HERE}) == {((1).to_bytes(16), "")}


def test_there_are_only_so_many_the_newest() -> None:
    recent = RecentAuthors(lambda: 0.0)
    for number in range(MOST + 1):
        recent.note("a", who(number + 1))
    found = recent.from_addresses("a", {HERE})
    assert len(found) == MOST == recent_authors.MOST
    assert ((1).to_bytes(16), "") not in found
