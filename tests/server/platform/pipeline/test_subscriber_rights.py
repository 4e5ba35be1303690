"""Somebody who loses a right is told or cut at once, in the order of the log, and nobody else is."""

from __future__ import annotations

import pytest

from chatty.protocol import Close
from chatty.server.business.access import Standing
from chatty.server.business.rights import (
    MEMBER,
    NOBODY,
    OWNER,
    POST,
    READ,
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
from chatty.server.platform.network.dialects import V1
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import Subscriber
from chatty.server.platform.store.access.loading import Rulings
from tests.server.business.court import AT, ident, person
from tests.server.platform.pipeline.listener import ROOM, Listener

ADA = person("Ada")
BEARER = person("Ada", Trust.VERIFIED, token="t1")
TOKEN = Token("t1", ident("Ada"))
CLOSED = Access(NOBODY)


class Told(Listener):
    """A listener that remembers which rights it was told of."""

    def __init__(self, who: Principal = ADA, needs: int = READ) -> None:
        super().__init__(Hub())
        self.who = who
        self.needs = needs
        self.told: list[int] = []

    def tell_rights(self) -> None:
        self.told.append(self.rights)


def looked(standing: Standing, needs: int = READ) -> Told:
    """Somebody whose standing has been read."""
    told = Told(standing.who, needs)
    told.look(standing, AT)
    return told


def granted(role: int, until: int = 0) -> Standing:
    return Standing(ADA, ROOM, CLOSED, in_scope=Grant(role, until))


def test_before_it_is_looked_at_a_subscriber_is_taken_for_a_reader() -> None:
    new = Told()
    assert (new.needs, new.rights, new.standing, new.cuts) == (READ, READ, None, [])
    new.check_rights(AT)
    assert (new.told, new.cuts) == ([], [])


def test_it_has_room_for_all_that_belongs_to_it_and_for_nothing_else() -> None:
    class Bare(Subscriber):
        __slots__ = ()

        def now(self) -> int:
            return 0

        async def drained(self) -> None: ...

        def cut(self, code: Close) -> None: ...

    bare = Bare(V1, ROOM, ADA)
    bare.connect(Listener(Hub()).line)
    bare.look(granted(READER), AT)
    assert (bare.who, bare.needs, bare.rights) == (ADA, READ, READ)
    with pytest.raises(AttributeError):
        bare.anything = 1  # type: ignore[attr-defined]
    bare.tell_rights()  # says nothing, because not every dialect has words for it


@pytest.mark.parametrize("role", [READER, MEMBER, OWNER])
def test_one_that_may_read_stays_and_knows_what_it_may(role: int) -> None:
    one = looked(granted(role))
    assert (one.rights, one.cuts, one.told) == (role, [], [])


@pytest.mark.parametrize("role", [NOBODY, POST])
def test_one_that_may_not_is_cut(role: int) -> None:
    assert looked(granted(role)).cuts == [Close.REMOVED]


def test_one_whose_token_no_longer_counts_is_told_so_by_the_code() -> None:
    assert looked(Standing(BEARER, ROOM, token=TOKEN)).cuts == []
    assert looked(Standing(BEARER, ROOM)).cuts == [Close.CREDENTIALS_EXPIRED]


def test_one_that_needs_no_right_in_particular_stays_until_nothing_is_left() -> None:
    muted = Access(NOBODY, restrictions=(Restriction("r", Of.IDENTITY, ident("Ada"), POST),))
    banned = Access(NOBODY, restrictions=(Restriction("r", Of.IDENTITY, ident("Ada"), OWNER),))
    for rules, cuts in ((muted, []), (banned, [Close.REMOVED])):
        assert looked(Standing(ADA, ROOM, rules, in_scope=Grant(POST)), NOBODY).cuts == cuts
    assert looked(granted(NOBODY), NOBODY).cuts == [Close.REMOVED]


def test_rulings_from_before_it_was_looked_at_count_in_their_order() -> None:
    one = Told()
    for role in (OWNER, READER):
        one.rule(Rulings(granted={(ROOM, ident("Ada")): Grant(role)}), AT)
    assert one.standing is None
    one.look(granted(MEMBER), AT)
    assert (one.rights, one.cuts) == (READER, [])
    one.look(granted(MEMBER), AT)
    assert one.rights == MEMBER  # they have been taken into account once

    other = Told()
    other.rule(Rulings(granted={(ROOM, ident("Ada")): None}), AT)
    other.look(granted(MEMBER), AT)
    assert other.cuts == [Close.REMOVED]


def test_a_ruling_tells_it_what_it_may_now_or_cuts_it() -> None:
    one = looked(granted(MEMBER))
    one.rule(Rulings(granted={(ROOM, ident("Ada")): Grant(READER)}), AT)
    assert (one.rights, one.told, one.cuts) == (READER, [READER], [])
    one.rule(Rulings(granted={(ROOM, ident("Ada")): None}), AT)
    assert (one.rights, one.told, one.cuts) == (NOBODY, [READER], [Close.REMOVED])


def test_a_ruling_that_changes_nothing_for_it_says_nothing() -> None:
    one = looked(granted(MEMBER))
    before = one.standing
    one.rule(Rulings(granted={(ROOM, ident("Eve")): None}, tokens={"t2": TOKEN}), AT)
    assert one.standing is before
    one.rule(Rulings(access={ROOM: Access(READER)}), AT)
    assert one.standing is not before
    assert (one.rights, one.told, one.cuts) == (MEMBER, [], [])


def test_the_rules_of_the_room_the_servers_and_the_token_count_too() -> None:
    bearer = looked(Standing(BEARER, ROOM, token=TOKEN))
    bearer.rule(Rulings(tokens={"t1": Token("t1", ident("Ada"), revoked_at=AT)}), AT)
    assert bearer.cuts == [Close.CREDENTIALS_EXPIRED]
    for rulings in (
        Rulings(access={ROOM: CLOSED}),
        Rulings(access={SERVER: CLOSED}),
        Rulings(granted={(SERVER, ident("Ada")): Grant(POST)}),
    ):
        one = looked(Standing(ADA, ROOM))
        one.rule(rulings, AT)
        assert one.cuts == [Close.REMOVED], rulings


@pytest.mark.parametrize(("at", "cuts"), [(AT + 4, []), (AT + 5, [Close.REMOVED]), (AT + 6, [Close.REMOVED])])
def test_what_ends_by_itself_ends_at_its_time(at: int, cuts: list[Close]) -> None:
    one = looked(granted(MEMBER, AT + 5))
    one.check_rights(at)
    assert (one.cuts, one.told) == (cuts, [])


def test_an_end_that_a_ruling_sets_counts_and_is_looked_at_once() -> None:
    one = looked(granted(MEMBER))
    one.check_rights(AT + 100)
    one.rule(Rulings(access={ROOM: Access(READER)}, granted={(ROOM, ident("Ada")): Grant(OWNER, AT + 5)}), AT)
    assert one.told == [OWNER]
    for at in (AT + 4, AT + 5, AT + 6):
        one.check_rights(at)
    assert (one.told, one.cuts) == ([OWNER, READER], [])


def test_an_end_in_the_first_millisecond_there_ever_was_is_one() -> None:
    one = Told()
    one.look(granted(MEMBER, 1), 0)
    one.check_rights(0)
    assert one.cuts == []
    one.check_rights(1)
    assert one.cuts == [Close.REMOVED]
