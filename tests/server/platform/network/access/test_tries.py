"""Tries are counted one by one, within any window of time."""

from __future__ import annotations

from chatty.server.platform.network.access.tries import MOST_KEYS, Tries


def test_there_are_never_more_tries_than_allowed_in_any_window() -> None:
    tries = Tries(5, 900)
    allowed = []
    for second in range(3_600):
        if not tries.wait("a", second):
            tries.count("a", second)
            allowed.append(second)
    assert allowed == [start + number for start in (0, 900, 1_800, 2_700) for number in range(5)]


def test_the_wait_is_until_there_is_another_try() -> None:
    tries = Tries(2, 900)
    for at in (10.0, 20.0):
        tries.count("a", at)
    assert tries.wait("a", 30.0) == 880.0
    assert tries.wait("a", 909.0) == 1.0
    assert tries.wait("a", 910.0) == 0.0


def test_what_is_taken_back_does_not_count_and_keys_don_t_share() -> None:
    tries = Tries(1, 900)
    tries.count("a", 10.0)
    assert tries.wait("b", 10.0) == 0.0
    tries.take_back("a", 11.0)
    assert tries.wait("a", 12.0) > 0
    tries.take_back("a", 10.0)
    tries.take_back("c", 10.0)
    assert tries.wait("a", 12.0) == 0.0


def test_no_limit_is_none() -> None:
    tries = Tries(0, 900)
    for at in range(100):
        assert tries.wait("a", at) == 0.0
        tries.count("a", at)


def test_tries_that_are_over_are_forgotten() -> None:
    tries = Tries(1, 900)
    for key in range(MOST_KEYS + 1):
        tries.count(key, 0.0)
    tries.count("recent", 899.0)
    tries.count("new", 900.0)
    assert set(tries._tries) == {"recent", "new"}
