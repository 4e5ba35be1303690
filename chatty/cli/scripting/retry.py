"""Says a thing until it is known to be stored, and has it stored once: its receipt, and the trying again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from chatty.client.outbox import TRANSIENT
from chatty.errors import ProtocolError, Refused, Unreachable

__all__ = ["persistently", "receipt"]

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.1  # seconds; it doubles
_LONGEST_PAUSE: Final = 2.0
_TRANSIENT_SECONDS: Final = 30.0
"""How long a server may say that it can store nothing just now."""

_MISTAKES: Final = 5
"""How many answers may make no sense, as those of a proxy in trouble, before this is taken for no chatty server."""


def receipt(*parts: str) -> str:
    """An idempotency key that is the same for the same ``parts``, and for no others."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()  # a file's name may be no UTF-8, and escaped there


async def persistently(attempt: Callable[[], Awaitable[T]], *, wait: float = math.inf) -> T:
    """What ``attempt`` gives, tried again while nothing sensible answers, or the server can store nothing just now.

    ``wait``: seconds for which nothing may answer. Raises what ``attempt``
    raised last.
    """
    now = asyncio.get_running_loop().time
    began = now()
    pause = _FIRST_PAUSE
    mistakes = 0
    while True:
        at_least = 0.0
        try:
            return await attempt()
        except (Unreachable, ProtocolError) as error:
            mistakes += isinstance(error, ProtocolError)
            if now() - began + pause > wait or mistakes > _MISTAKES:
                raise
        except Refused as refused:
            if refused.code not in TRANSIENT or now() - began > max(wait, _TRANSIENT_SECONDS):
                raise
            at_least = refused.retry_after or 0.0
        await asyncio.sleep(max(pause, at_least))
        pause = min(2 * pause, _LONGEST_PAUSE)
