"""KSUIDs: the ids of rooms and producers, which nobody can guess and which sort by the second they were made in.

A KSUID is 20 bytes: a big-endian count of seconds since May 2014, then 128 random
bits. Written, it has 27 characters of base 62, whose alphabet is in the order of
ASCII, so texts sort as their bytes do (https://github.com/segmentio/ksuid).
"""

from __future__ import annotations

import secrets
from typing import Final

__all__ = ["EPOCH", "SIZE", "as_text", "new_ksuid"]

EPOCH: Final = 1_400_000_000
"""Where a KSUID's seconds begin, in seconds since 1970."""
SIZE: Final = 20
"""A KSUID's length in bytes."""

_LENGTH: Final = 27
_RANDOM: Final = 16
_LAST_SECOND: Final = 2**32 - 1
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_ksuid(now: float) -> str:
    """A new KSUID of the second ``now``, in seconds since 1970.

    A clock before 2014 or after 2150 gives the first or the last second there
    is: a machine whose clock begins in 1970 still makes ids, and no two alike.
    """
    second = min(max(int(now) - EPOCH, 0), _LAST_SECOND)
    return as_text(second.to_bytes(SIZE - _RANDOM) + secrets.token_bytes(_RANDOM))


def as_text(raw: bytes) -> str:
    """The 27 characters of the KSUID that is ``raw``. Raises ValueError unless it has 20 bytes."""
    if len(raw) != SIZE:
        raise ValueError(f"a KSUID has {SIZE} bytes, not {len(raw)}")
    number = int.from_bytes(raw)
    letters = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))
