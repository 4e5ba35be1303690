"""Facts that know something: what the right time is where a wrong clock gave another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.events import rfc3339
from chatty.server.business.facts import Retimed

SINCE, BY = 1_000_000, 300_000
FACT = Retimed(SINCE, BY, rfc3339(650_000), 720_000)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (0, 0),
        (999_999, 999_999),
        (1_000_000, 700_000),
        (1_000_001, 700_001),
        (1_020_000, 720_000),
        (9_000_000, 720_000),
    ],
)
def test_a_moment_is_moved_by_as_much_as_the_clock_was_ahead_but_not_beyond_the_present(wrong: int, right: int) -> None:
    assert FACT.moment(wrong) == right


def test_no_moment_becomes_none() -> None:
    assert Retimed(10, 500, "", 1_000).moment(20) == 1


@pytest.mark.parametrize(("wrong", "right"), [(999_999, 999_999), (1_000_000, 700_000), (9_000_000, 720_000)])
def test_an_events_time_is_moved_as_a_moment(wrong: int, right: int) -> None:
    assert FACT.text(rfc3339(wrong)) == rfc3339(right)
    assert FACT.text("") == ""


def test_no_time_gets_before_those_that_stay() -> None:
    fact = Retimed(SINCE, BY, rfc3339(710_000), 720_000)
    assert [fact.text(rfc3339(wrong)) for wrong in (1_000_000, 1_015_000)] == [rfc3339(710_000), rfc3339(715_000)]


@given(st.lists(st.integers(0, 2_000_000), min_size=2), st.integers(1, 2_000_000), st.integers(1, 2_000_000))
def test_times_that_did_not_run_backwards_do_not_so_afterwards(times: list[int], by: int, at: int) -> None:
    times.sort()
    stay = [time for time in times if time < SINCE]
    fact = Retimed(SINCE, by, rfc3339(stay[-1]) if stay else "", at)
    corrected = [fact.text(rfc3339(time)) for time in times]
    assert corrected == sorted(corrected)
