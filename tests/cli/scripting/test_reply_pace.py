"""However many messages there are to answer, no more replies begin in a minute than were said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.scripting.reply_pace import ReplyPace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    most=st.integers(1, 4),
    steps=st.lists(st.tuples(st.integers(0, 90), st.none() | st.integers(0, 3)), max_size=30),
)
def test_no_minute_has_more_replies_than_it_may(most: int, steps: list[tuple[int, int | None]]) -> None:
    """Each step is a pause before a reply begins, and which of the last few then turns out not to come."""
    clock = Clock()
    pace = ReplyPace(most, clock)
    begun: list[float] = []
    for pause, withdrawn in steps:
        clock.now += pause
        wait = pace.wait()
        assert wait == 0 or len([at for at in begun if at > clock.now - 60]) >= most, "it waits for nothing"
        clock.now += wait
        begun.append(pace.begin())
        assert begun[-1] == clock.now
        assert len([at for at in begun if at > clock.now - 60]) <= most
        if withdrawn is not None and withdrawn < len(begun):
            pace.take_back(begun.pop(-1 - withdrawn))


def test_a_job_without_a_reply_does_not_count() -> None:
    pace = ReplyPace(1, Clock())
    for _ in range(3):
        assert pace.wait() == 0
        pace.take_back(pace.begin())
    entry = pace.begin()
    assert pace.wait() == 60
    pace.take_back(entry)
    pace.take_back(entry)
    assert pace.wait() == 0


def test_a_reply_that_is_taken_back_late_leaves_the_others_their_time() -> None:
    clock = Clock()
    pace = ReplyPace(2, clock)
    first = pace.begin()
    clock.now += 50
    pace.begin()
    clock.now += 5
    pace.take_back(first)
    pace.begin()
    clock.now += 5.5
    assert pace.wait() == 49.5
