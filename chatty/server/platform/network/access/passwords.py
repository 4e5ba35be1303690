"""Passwords of rooms: their form, their hashes, and how often somebody may try one.

A hash takes some hundredths of a second and 19 MiB on purpose. So one thread
computes them all, one after the other, and only a few may wait for it.
"""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from chatty.errors import Refused
from chatty.server.platform.network.access.tries import Tries

T = TypeVar("T")

MOST_WAITING: Final = 8
"""Passwords that wait while one is hashed."""
LEAST_BYTES: Final = 8
MOST_BYTES: Final = 128
WINDOW: Final = 15 * 60.0
"""Seconds in which tries are counted."""
ROOM_TRIES: Final = 200
"""Wrong passwords for one room in that time, from everywhere. Members need none, so no member is shut out."""
ROOMS_AT_ONCE: Final = 10
"""For how many rooms one address may use up its tries in that time: each of them costs a hash."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
"""OWASP's parameters for Argon2id."""
_NONE: Final = "$argon2id$v=19$m=19456,t=2,p=1$bm8gcGFzc3dvcmQgaGVyZQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""A hash that stands where there is no password, so that a guess costs the same there."""


def prepared(password: str) -> str | None:
    """A password as RFC 8265 compares it (OpaqueString), or None if it can't be one.

    It is in NFC, its spaces are all the same, it has no control characters, and from 8 to 128 bytes.
    """
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    normal = unicodedata.normalize("NFC", spaced)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in normal):
        return None
    return normal if LEAST_BYTES <= len(normal.encode()) <= MOST_BYTES else None


class Hashing:
    """The thread that hashes. Every method raises Refused if too many wait for it already."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "passwords")
        self._places = threading.BoundedSemaphore(MOST_WAITING + 1)

    async def hashed(self, password: str) -> str:
        """The string that is stored for a `prepared` password."""
        return await self._run(lambda: _HASHER.hash(password))

    async def matches(self, stored: str, password: str) -> bool:
        """Whether ``stored`` is the string of ``password``. It takes as long if nothing is stored."""
        return await self._run(lambda: _verified(stored or _NONE, password)) and bool(stored)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Refused("rate_limited", "Too many passwords are being checked; try again in a moment.", retry_after=1)

        def job() -> T:
            # The thread gives the place back: a client that hangs up doesn't end the work that it caused.
            try:
                return work()
            finally:
                self._places.release()

        try:
            done = self._pool.submit(job)
        except RuntimeError:  # the system allows no more threads
            self._places.release()
            raise Refused("unavailable") from None
        return await asyncio.shield(asyncio.wrap_future(done))


def _verified(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except VerifyMismatchError:
        return False


class Guesses:
    """Limits on wrong passwords: by room and address, by address, and by room. Those that are right don't count.

    A room counts by the id that somebody names, so a room without a password, or none at all, counts the same.
    """

    def __init__(self, tries: int) -> None:
        """``tries``: for one room, from one address; 0 for no limit."""
        most = (tries, tries * ROOMS_AT_ONCE, ROOM_TRIES if tries else 0)
        self._limits = tuple(Tries(one, WINDOW) for one in most)

    def begin(self, room: str, address: str, now: float) -> None:
        """Count a guess. Raises Refused if there were too many."""
        counts = list(zip(self._limits, self._keys(room, address), strict=True))
        wait = max(limit.wait(key, now) for limit, key in counts)
        if wait:
            raise Refused("rate_limited", "Too many wrong passwords; try again later.", retry_after=wait)
        for limit, key in counts:
            limit.count(key, now)

    def take_back(self, room: str, address: str, at: float) -> None:
        """What was counted at ``at`` was right, or wasn't checked."""
        for limit, key in zip(self._limits, self._keys(room, address), strict=True):
            limit.take_back(key, at)

    def _keys(self, room: str, address: str) -> tuple[tuple[str, str], str, str]:
        return (room, address), address, room
