"""Rate limits: token buckets, one for each connection or address."""

from __future__ import annotations

from msgspec import Struct


class TokenBucket(Struct):
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


class PerAddress:
    """One token bucket for each address."""

    def __init__(self, per_minute: float) -> None:
        """``per_minute`` 0 for no limit."""
        self._rate = per_minute / 60
        self._buckets: dict[str, TokenBucket] = {}

    def try_take(self, address: str, now: float) -> float:
        """As `TokenBucket.try_take`, for ``address``; an empty address has no limit."""
        if not self._rate or not address:
            return 0.0
        if len(self._buckets) > 10_000:
            # A bucket that is full again by now need not be kept.
            full = 60 * self._rate
            self._buckets = {a: b for a, b in self._buckets.items() if (now - b.at) * b.rate + b.level < full}
        known = self._buckets.get(address)
        if known is None:
            known = self._buckets[address] = TokenBucket.full(self._rate, max(1.0, self._rate * 60), now)
        return known.try_take(now)
