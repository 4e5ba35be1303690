"""A clock that watches itself, over the store whose times it corrects: only what was wrong moves, and can move back."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chatty.events import milliseconds
from chatty.server.business.entries import CorrectTimes, CreateRoom, Post
from chatty.server.platform.pipeline.clock import JUMP_MS, STEADY_SECONDS, YOUNG_SECONDS, Clock
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.schema import ROOM_BITS, decode_time
from chatty.server.platform.store.times import newest_before, span_since
from tests.server.principals import speaker

BEGIN = 1_800_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY


def _fail(error: BaseException) -> None:
    raise AssertionError("a rule failed") from error


class Moment(NamedTuple):
    """When something happened, by the right clock and by the server's, and of what errors that was the sum."""

    right: int
    shown: int
    errors: list[int]

    def check(self, stored: int, steps: int) -> None:
        """It is stored as it was at first, or without some or all of the errors, the newest of them."""
        off = [abs(stored - self.right - error) for error in accumulate(self.errors, initial=0)]
        assert stored == self.shown or min(off) <= JUMP_MS * max(1, steps)


class Server:
    """A clock and a store, in a world that knows the right time."""

    def __init__(self, path: Path) -> None:
        self.right, self.up = BEGIN, 10_000.0
        self.wrong: list[int] = []
        self.jumped: set[int] = set()
        self.typed = self.steps = 0
        self.said: dict[int, Moment] = {}
        self.made: dict[str, Moment] = {}
        self.store = Store(path, on_error=_fail)
        self.store.open()
        self.db = sqlite3.connect(path)
        self.start()

    def start(self) -> None:
        self.clock = Clock(self._correct, self._wall, lambda: self.up)
        self.started_up = self.up
        self.clock.learn(newest_before(self.db, BEGIN + 100 * YEAR, -1))

    def _correct(self, entry: CorrectTimes) -> None:
        self.store.apply([entry])

    def _wall(self) -> int:
        return self.right + sum(self.wrong) - self.typed

    def wait(self, seconds: float) -> None:
        self.up += seconds
        self.right += round(seconds * 1000)
        self.clock.now()
        question = self.clock.wants_to_ask()
        if question is not None:
            span = span_since(self.db, question.ahead, -1)
            self.clock.answer(question, newest_before(self.db, question.before, -1), span)

    def make(self) -> None:
        room, now = f"room-{len(self.made) + 1}", self.clock.now()
        self.store.apply([CreateRoom(room, now, room, "", "epoch", b"o" * 32, now + 100 * YEAR)])
        self.made[room] = Moment(self.right, now, list(self.wrong))

    def say(self, number: int) -> None:
        room, now = f"room-{number % len(self.made) + 1}", self.clock.now()
        said = Post(room, now, speaker("Ada", b"a" * 16), "text", f"producer-{len(self.times())}", 1)
        applied = self.store.apply([said]).events[room]
        (key,) = self.db.execute("SELECT key FROM rooms WHERE id = ?", (room,)).fetchone()
        if milliseconds(applied[0][2].at) == now:  # otherwise the room's time stands still
            self.said[key << ROOM_BITS | applied[0][0]] = Moment(self.right, now, list(self.wrong))

    # --- what happens to its clock ---

    def pause(self, by: int) -> None:
        """As of a virtual machine: its clock is put right when it goes on."""
        self.right += by
        self._stepped()

    def jump(self, by: int) -> None:
        """The same jump again would look as if it had been right."""
        if by not in self.jumped:
            self.jumped.add(by)
            self.wrong.append(by)
            self._stepped()

    def put_right(self, count: int) -> None:
        """As many of the jumps as ``count`` go away at once."""
        if count and self.wrong:
            del self.wrong[-count:]
            self._stepped()

    def mistype(self, by: int) -> None:
        """Or put that right, if it is so already. Just after a start, it would look as if that had been wrong."""
        if self.up - self.started_up > YOUNG_SECONDS:
            self.typed = 0 if self.typed else by
            self._stepped()

    def _stepped(self) -> None:
        self.steps += 1
        self.wait(1)

    # --- what is stored ---

    def dump(self) -> list[str]:
        return list(self.db.iterdump())

    def times(self) -> dict[int, int]:
        events = self.db.execute("SELECT key, body FROM events")
        return {key: milliseconds(decode_time(body).at) for key, body in events}

    def check(self) -> None:
        times = self.times()
        for key, moment in self.said.items():
            moment.check(times[key], self.steps)
        for room, made, end in self.db.execute("SELECT id, created_at, expires_at FROM rooms"):
            self.made[room].check(made, self.steps)
            self.made[room].check(end - 100 * YEAR, self.steps)


@contextmanager
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as scratch:
        one = Server(Path(scratch) / "chatty.db")
        with closing(one.db):
            for _ in range(2):
                one.make()
                one.say(len(one.made) - 1)
                one.wait(10)
            yield one
            one.store.close()


# No pause is as long as an error, and no typing error as large as a jump or several: those can't be told apart.
PAUSES = st.sampled_from([3 * MINUTE, 7 * MINUTE])
JUMPS = st.sampled_from([HOUR, 5 * HOUR, 30 * HOUR, YEAR])
MISTAKES = st.sampled_from([20 * MINUTE, 2 * HOUR, 40 * HOUR, 40 * DAY])
TALK: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("say"), st.integers(0, 9)),
    st.tuples(st.just("say"), st.integers(0, 9)),
    st.tuples(st.just("make")),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 30.0, 600.0, 6 * 3600.0])),
)
STEPS: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("pause"), PAUSES),
    st.tuples(st.just("jump"), JUMPS),
    st.tuples(st.just("jump"), JUMPS),
    st.tuples(st.just("put_right"), st.integers(1, 3)),
)
MISTYPES = st.tuples(st.just("mistype"), MISTAKES)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


def happens(one: Server, actions: list[tuple[Any, ...]]) -> None:
    for name, *values in actions:
        getattr(one, name)(*values)


@settings(max_examples=25, deadline=None)
@given(
    ahead=st.sampled_from([0, 0, HOUR, YEAR]),
    actions=st.lists(TALK | STEPS | MISTYPES, min_size=1, max_size=25),
)
def test_errors_leave_a_time_from_the_newest_on_or_not_at_all(ahead: int, actions: list[tuple[Any, ...]]) -> None:
    with server() as one:
        if ahead:
            one.wrong.append(ahead)
            one.jumped.add(ahead)
        one.start()
        happens(one, actions)
        if one.typed:
            one.mistype(0)
        one.put_right(len(one.wrong))
        one.wait(STEADY_SECONDS)
        one.check()


@settings(max_examples=20, deadline=None)
@given(
    restarts=st.booleans(),
    actions=st.lists(TALK | STEPS, max_size=20),
    error=st.one_of(JUMPS, MISTAKES, PAUSES, st.integers(1, 4)),
    lasting=st.sampled_from([1.0, STEADY_SECONDS, 1_000.0]),
)
def test_a_clock_that_is_set_wrong_and_then_right_leaves_everything_as_it_was(
    restarts: bool, actions: list[tuple[Any, ...]], error: int, lasting: float
) -> None:
    with server() as one:
        happens(one, actions)
        if restarts:
            one.start()
        one.wait(10)
        before = one.dump()
        one.typed = sum(one.wrong[-error:]) if error < MINUTE else error
        one.wait(lasting)
        one.typed = 0
        one.wait(lasting)
        assert one.dump() == before


def test_hours_of_talk_between_two_jumps_keep_their_distances() -> None:
    with server() as one:
        one.jump(HOUR)
        for _ in range(6):
            one.wait(3600)
            one.say(0)
        one.jump(YEAR)
        one.say(0)
        one.make()
        one.put_right(2)
        assert one.times() == {key: pytest.approx(right, abs=2) for key, (right, *_) in one.said.items()}
        one.check()


@pytest.mark.parametrize("error", [2 * HOUR, 3 * DAY])
def test_two_bursts_of_talk_with_days_between_survive_a_clock_that_is_wrongly_set_back(error: int) -> None:
    with server() as one:
        one.wait(5 * 86_400)
        one.say(0)
        one.wait(YOUNG_SECONDS)
        one.say(1)
        before = one.dump()
        one.typed = error
        one.start()
        one.wait(600)
        assert one.dump() == before
