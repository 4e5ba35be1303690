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


@given(most=st.integers(1, 4), pauses=st.lists(st.integers(0, 90), max_size=30))
def test_no_minute_has_more_replies_than_it_may(most: int, pauses: list[int]) -> None:
    clock = Clock()
    pace = ReplyPace(most, clock)
    begun: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = pace.wait()
        assert wait == 0 or len([at for at in begun if at > clock.now - 60]) >= most, "it waits for nothing"
        clock.now += wait
        pace.begin()
        begun.append(clock.now)
        assert len([at for at in begun if at > clock.now - 60]) <= most


def test_a_job_without_a_reply_does_not_count() -> None:
    pace = ReplyPace(1, Clock())
    for _ in range(3):
        assert pace.wait() == 0
        pace.begin()
        pace.take_back()
    pace.begin()
    assert pace.wait() == 60
    pace.take_back()
    pace.take_back()
