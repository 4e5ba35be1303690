from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chatty.client.backoff import ceiling, delay

ATTEMPTS = st.integers(1, 10_000)
SECONDS = st.floats(0, 1e6)


@given(ATTEMPTS, SECONDS, st.integers(), st.floats(0, 1_000))
def test_a_wait_is_between_what_the_server_asks_for_and_the_ceiling(
    attempt: int, lost_for: float, seed: int, at_least: float
) -> None:
    wait = delay(attempt, lost_for, Random(seed), at_least=at_least)
    assert at_least <= wait <= at_least + ceiling(attempt, lost_for)


@given(ATTEMPTS, SECONDS)
def test_nobody_waits_longer_than_5_s_in_the_first_minute_and_30_s_later(attempt: int, lost_for: float) -> None:
    assert 0 < ceiling(attempt, lost_for) <= (5 if lost_for < 60 else 30)
    assert ceiling(attempt, lost_for) <= ceiling(attempt + 1, lost_for)


def test_the_first_wait_is_short_and_the_waits_grow() -> None:
    assert [ceiling(attempt, 0) for attempt in range(1, 7)] == [0.5, 1, 2, 4, 5, 5]


def test_clients_that_were_cut_together_come_back_spread_out() -> None:
    waits = [delay(3, 1, Random(seed)) for seed in range(1_000)]
    assert min(waits) < 0.1
    assert max(waits) > 1.9
