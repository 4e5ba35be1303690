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

__all__ = [
    "NOTHING_SAID", "SIZE", "UNKNOWN", "chained", "deleted", "edited", "reacted", "renamed", "sent", "topic_set",
]  # fmt: skip

SIZE: Final = 16
NOTHING_SAID: Final = bytes(SIZE)
UNKNOWN: Final = b""


def chained(before: bytes, message: str) -> bytes:
    """The digest that follows ``before``. ``message`` is a command as text, without its number: see below."""
    return blake2b(before + message.encode(), digest_size=SIZE).digest() if before else UNKNOWN


# The texts. docs/protocol.md publishes them, so they never change.


def sent(text: str, reply_to: int, action: bool) -> str:
    """Of a message."""
    if not reply_to and not action:
        return f"send\n0\n0\n{text}"  # nearly every message, and formatting takes ten times as long
    return f"send\n{reply_to:d}\n{action:d}\n{text}"


def edited(of: int, text: str) -> str:
    """Of a change of the message ``of``."""
    return f"edit\n{of:d}\n{text}"


def deleted(of: int) -> str:
    """Of the deletion of the message ``of``."""
    return f"delete\n{of:d}"


def reacted(of: int, reaction: str, remove: bool) -> str:
    """Of a reaction to the message ``of``, or of taking it back."""
    return f"react\n{of:d}\n{remove:d}\n{reaction}"


def topic_set(topic: str) -> str:
    """Of a new topic."""
    return f"topic\n{topic}"


def renamed(name: str) -> str:
    """Of a new name, with single spaces, as the server takes one."""
    return f"rename\n{' '.join(name.split())}"
