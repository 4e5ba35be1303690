"""What a producer has said so far, as 16 bytes: so that a second run can tell whether it says the same again.

The digest of nothing is `NOTHING_SAID`. Each accepted message is chained to the
digest before it, so equal digests mean equal messages in an equal order, and
nobody has to keep a list. `UNKNOWN` stands for what nobody counted, such as
messages from before there were digests: it is equal to nothing, and whatever
is chained to it is unknown, too.
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
