"""A digest of all messages of a producer, by which a second run can tell whether it sends the same again.

It begins as `NOTHING_SAID`. Each accepted message is chained to the digest
before it, so equal digests mean the same messages in the same order, and nobody
has to keep a list. `UNKNOWN` stands for messages that nobody counted, from
before there were digests: it can't be compared, and the digests that follow it
are unknown, too.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

__all__ = ["NOTHING_SAID", "SIZE", "UNKNOWN", "chained"]

SIZE: Final = 16
NOTHING_SAID: Final = bytes(SIZE)
UNKNOWN: Final = b""


def chained(before: bytes, message: str) -> bytes:
    """The digest that follows ``before``. ``message`` is a command as text, see `chatty.protocol.said`."""
    return blake2b(before + message.encode(), digest_size=SIZE).digest() if before else UNKNOWN
