"""Each source has limits of its own, an identity ten times those of an address."""

from __future__ import annotations

from chatty.server.platform.network import rate_limit
from chatty.server.platform.network.rate_limit import FLEET, Pace, PerSource, TokenBucket


def test_a_source_may_do_as_much_at_once_as_its_burst_and_then_as_its_rate_allows() -> None:
    limit = PerSource(2, 3)
    assert [limit.try_take(["192.0.2.1"], 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.try_take(["192.0.2.2"], 0) == 0
    assert [limit.try_take(["192.0.2.1"], 0.5) for _ in range(2)] == [0, 0.5]


def test_a_request_needs_the_leave_of_each_of_its_sources() -> None:
    limit = PerSource(1, 1)
    assert limit.try_take(["192.0.2.1", b"ada"], 0) == 0
    assert limit.try_take(["192.0.2.1", b"bob"], 0) == 1
    for n in range(FLEET - 1):
        assert limit.try_take([f"198.51.100.{n}", b"ada"], 0) == 0
    assert limit.try_take(["203.0.113.1", b"ada"], 0) == 1 / FLEET


def test_without_a_rate_or_without_a_source_there_is_no_limit() -> None:
    assert [PerSource(0, 0).try_take(["192.0.2.1"], 0) for _ in range(9)] == [0] * 9
    assert [PerSource(1, 1).try_take([], 0) for _ in range(9)] == [0] * 9


def test_sources_that_have_been_quiet_are_forgotten_and_others_are_not() -> None:
    limit = PerSource(1, 1)
    for n in range(rate_limit.MOST_SOURCES + 1):
        limit.try_take([str(n)], 0)
    assert limit.try_take(["busy"], 0.5) == 0
    limit.try_take(["one more"], 1)
    assert set(limit._buckets) == {"busy", "one more"}
    assert limit.try_take(["busy"], 1) == 0.5


def test_connections_of_one_identity_share_a_pace_besides_their_own() -> None:
    common = TokenBucket.full(1, 2, 0)
    one, other = (Pace(TokenBucket.full(10, 2, 0), common) for _ in range(2))
    assert [one.take(0), other.take(0), one.take(0), other.take(0)] == [0, 0, 1, 2]
    alone = Pace(TokenBucket.full(10, 2, 0))
    assert [alone.take(0) for _ in range(3)] == [0, 0, 0.1]
