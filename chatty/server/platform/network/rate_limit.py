"""Rate limits: token buckets, one for each connection, address or identity."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from msgspec import Struct

MOST_SOURCES: Final = 10_000
"""Beyond so many, those are forgotten that have been quiet for long enough."""


FLEET: Final = 10
"""How much more an identity may do from all its addresses together than one address: machines may share a token."""


class TokenBucket(Struct, weakref=True):
    """Allows ``rate`` a second after a burst of ``burst``. Times are seconds of any clock that never runs backwards."""

    rate: float
    burst: float
    level: float
    at: float

    @classmethod
    def full(cls, rate: float, burst: float, now: float) -> TokenBucket:
        """A bucket that nothing was taken from yet."""
        return cls(rate, burst, burst, now)

    def take(self, now: float) -> float:
        """Take a token, and give the seconds to wait before using it; 0 for none."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate) - 1
        self.at = now
        return -self.level / self.rate if self.level < 0 else 0.0

    def try_take(self, now: float) -> float:
        """Take a token if there is one, and give 0; otherwise give the seconds until there will be one."""
        level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if level < 1:
            self.level = level
            return (1 - level) / self.rate
        self.level = level - 1
        return 0.0


class Pace(Struct):
    """The pace of a connection, which shares ``common`` with all others of its identity, if it has one."""

    own: TokenBucket
    common: TokenBucket | None = None

    def take(self, now: float) -> float:
        """As `TokenBucket.take`."""
        wait = self.own.take(now)
        return wait if self.common is None else max(wait, self.common.take(now))


class PerSource:
    """One token bucket for each source: an address, or an identity, which is bytes.

    See `TokenBucket` for an address's ``rate`` and ``burst``.
    """

    def __init__(self, rate: float, burst: float) -> None:
        """``rate`` 0 for no limit."""
        self._rate = rate
        self._burst = max(1.0, burst)
        self._buckets: dict[Hashable, TokenBucket] = {}

    def try_take(self, sources: Iterable[Hashable], now: float) -> float:
        """As `TokenBucket.try_take`, of all ``sources`` of a request, which may be none."""
        return max((self._bucket(source, now).try_take(now) for source in sources), default=0.0) if self._rate else 0.0

    def _bucket(self, source: Hashable, now: float) -> TokenBucket:
        if len(self._buckets) > MOST_SOURCES:
            # A bucket that is full again by now need not be kept.
            self._buckets = {s: b for s, b in self._buckets.items() if (now - b.at) * b.rate + b.level < b.burst}
        known = self._buckets.get(source)
        if known is None:
            times = FLEET if isinstance(source, bytes) else 1
            known = self._buckets[source] = TokenBucket.full(self._rate * times, self._burst * times, now)
        return known
