"""How old a node's state is: never younger than what a majority has confirmed, and nodes are told so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.server.platform.pipeline.log.jetstream.connection import StreamInfo
from chatty.server.platform.pipeline.log.jetstream.freshness import Freshness

SECOND = 1_000_000_000


def test_a_node_that_has_reached_the_end_is_as_old_as_the_news_of_it() -> None:
    freshness = Freshness(100)
    freshness.aim(101, 5)
    freshness.reach(4)
    assert freshness.age(102) == 2
    freshness.reach(5)
    assert freshness.age(102) == 1


def test_one_that_never_catches_up_grows_older_although_it_goes_on() -> None:
    freshness = Freshness(0)
    for now in range(1, 11):
        freshness.aim(now, 10 * now)
        freshness.reach(5 * now)
    assert freshness.age(10) == 5


def test_news_that_is_older_than_what_is_known_changes_nothing() -> None:
    freshness = Freshness(0)
    freshness.aim(5, 3)
    freshness.reach(3)
    freshness.aim(4, 3)
    freshness.aim(-math.inf, 9)
    freshness.reach(3)
    assert freshness.age(5) == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5)), max_size=40))
def test_it_is_never_younger_than_the_newest_end_that_was_reached(steps: list[tuple[int, int, int]]) -> None:
    freshness, now, last, reached, confirmed = Freshness(0), 0.0, 0, 0, 0.0
    ends: list[tuple[float, int]] = []
    for passed, more, applied in steps:
        now, last = now + passed, last + more
        freshness.aim(now, last)
        ends.append((now, last))
        reached = min(last, reached + applied)
        freshness.reach(reached)
        confirmed = max([confirmed, *(at for at, end in ends if end <= reached)])
        assert freshness.age(now) >= now - confirmed


def info(replicas: int, *active: int, leader: str = "n1") -> StreamInfo:
    found = tuple({"name": f"n{number}", "active": one} for number, one in enumerate(active, 2))
    return StreamInfo("generation", 1, 1, 1, leader, {"num_replicas": replicas}, found)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (info(1), 0.0),
        (info(3, 2 * SECOND, 90 * SECOND), 2.0),  # one other makes a quorum of three
        (info(5, SECOND, 9 * SECOND, 3 * SECOND, 4 * SECOND), 3.0),
        (info(3, 7 * SECOND, 8 * SECOND), 7.0),  # it has lost touch, and may have been replaced
        (info(3, 0, 0), math.inf),  # none was ever heard of
        (info(3), math.inf),
        (info(3, SECOND, SECOND, leader=""), math.inf),  # a server that answers because nobody leads
    ],
)
def test_what_a_leader_says_counts_from_when_it_last_heard_of_a_quorum(answer: StreamInfo, seconds: float) -> None:
    assert answer.alone_seconds == seconds
