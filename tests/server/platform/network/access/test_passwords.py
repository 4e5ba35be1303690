"""Attack 12: a password is guessed slowly, and that hurts nobody else."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from chatty.errors import Refused
from chatty.server.platform.network.access.passwords import (
    MOST_WAITING,
    ROOM_TRIES,
    ROOMS_AT_ONCE,
    WINDOW,
    Guesses,
    Hashing,
    prepared,
)


@pytest.mark.parametrize(
    ("given", "as_compared"),
    [
        ("correct horse", "correct horse"),
        ("correct\u00a0horse", "correct horse"),
        ("correct\u3000horse", "correct horse"),
        ("pa\u0308sswort", "pässwort"),
        ("passwo\u0308rt", "passwört"),
        ("ＡＢＣＤＥＦＧＨ", "ＡＢＣＤＥＦＧＨ"),
        ("PassWord", "PassWord"),
        ("密码密", "密码密"),
        ("🐎" * 32, "🐎" * 32),
        (" spaces ", " spaces "),
        ("x" * 128, "x" * 128),
        ("x" * 129, None),
        ("🐎" * 33, None),
        ("x" * 7, None),
        ("", None),
        ("new\nlines here", None),
        ("tabs\tin here", None),
        ("nul\0 in here", None),
        ("half of a pair \ud800", None),
    ],
)
def test_two_passwords_that_look_the_same_are_the_same(given: str, as_compared: str | None) -> None:
    """RFC 8265, OpaqueString: composed, with one kind of space, and otherwise as it is."""
    assert prepared(given) == as_compared


async def test_a_hash_is_argon2_s_with_a_salt_of_its_own_and_matches_its_password_alone() -> None:
    hashing = Hashing()
    stored = [await hashing.hashed("correct horse") for _ in range(2)]
    assert stored[0] != stored[1]
    assert all(re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}", one) for one in stored)
    assert await hashing.matches(stored[0], "correct horse")
    assert not await hashing.matches(stored[0], "correct house")
    for password in ("correct horse", "", "\0" * 32):
        assert not await hashing.matches("", password), "there is none"


class Gate(Hashing):
    """A thread that is busy until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()

    def enter(self) -> asyncio.Task[bool]:
        return asyncio.ensure_future(self._run(self.opened.wait))


async def test_nine_are_served_and_the_tenth_is_told_to_come_again() -> None:
    gate = Gate()
    inside = [gate.enter() for _ in range(MOST_WAITING + 1)]
    with pytest.raises(Refused) as refused:
        await gate.enter()
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("rate_limited", 429, 1)
    gate.opened.set()
    assert await asyncio.gather(*inside) == [True] * len(inside)
    assert await gate.enter()


async def test_a_client_that_hangs_up_keeps_its_place_until_the_thread_is_done() -> None:
    """Otherwise somebody who asks and hangs up, again and again, has any number of hashes computed."""
    gate = Gate()
    inside = [gate.enter() for _ in range(MOST_WAITING + 1)]
    await asyncio.sleep(0)
    for task in inside:
        task.cancel()
    await asyncio.gather(*inside, return_exceptions=True)
    assert all(task.cancelled() for task in inside)
    with pytest.raises(Refused):
        await gate.enter()
    gate.opened.set()
    last = gate._pool.submit(lambda: True)  # behind all of them
    assert await asyncio.wrap_future(last)
    assert await gate.enter()


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    """Were the interpreter's lock held, it would get a turn between two hashes, and no more."""
    hashing, turns = Hashing(), 0
    waiting = asyncio.gather(*(hashing.hashed("correct horse") for _ in range(MOST_WAITING + 1)))
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(set(await waiting)) == MOST_WAITING + 1
    assert turns > 20 * (MOST_WAITING + 1)


def allowed(guesses: Guesses, room: str, address: str, now: float = 0.0) -> bool:
    try:
        guesses.begin(room, address, now)
    except Refused:
        return False
    return True


def test_one_source_has_five_guesses_for_a_room_in_a_quarter_of_an_hour() -> None:
    guesses = Guesses(5)
    assert sum(allowed(guesses, "room", "192.0.2.1", second * 0.89) for second in range(1_000)) == 5
    assert allowed(guesses, "room", "192.0.2.2")
    assert allowed(guesses, "another", "192.0.2.1")
    assert allowed(guesses, "room", "192.0.2.1", WINDOW)
    assert sum(allowed(guesses, "room", "") for _ in range(100)) == 5, "this machine, too"


def test_somebody_who_guessed_too_often_is_told_how_long_to_wait() -> None:
    guesses = Guesses(1)
    guesses.begin("room", "192.0.2.1", 100.0)
    with pytest.raises(Refused) as refused:
        guesses.begin("room", "192.0.2.1", 400.0)
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("rate_limited", 429, WINDOW - 300)


def test_a_thousand_sources_have_two_hundred_guesses_for_a_room() -> None:
    guesses = Guesses(5)
    assert sum(allowed(guesses, "room", f"192.0.{n // 250}.{n % 250}") for n in range(1_000)) == ROOM_TRIES
    assert allowed(guesses, "another", "192.0.2.1")


def test_one_source_doesn_t_keep_the_thread_busy_with_room_after_room() -> None:
    guesses = Guesses(5)
    assert sum(allowed(guesses, f"room {n}", "192.0.2.1") for n in range(1_000)) == 5 * ROOMS_AT_ONCE
    assert allowed(guesses, "room 1", "192.0.2.2")


def test_a_right_password_is_no_guess_and_a_refused_one_counts_for_nothing() -> None:
    guesses = Guesses(5)
    for now in range(100):
        assert allowed(guesses, "room", "192.0.2.1", float(now))
        guesses.take_back("room", "192.0.2.1", float(now))
    assert sum(allowed(guesses, "room", "192.0.2.1") for _ in range(100)) == 5
    assert sum(allowed(guesses, "room", f"2001:db8::{n}") for n in range(1_000)) == ROOM_TRIES - 5


def test_without_a_limit_everybody_may_guess() -> None:
    guesses = Guesses(0)
    assert all(allowed(guesses, "room", "192.0.2.1") for _ in range(1_000))
