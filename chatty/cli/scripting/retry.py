"""Tries a request again until it is known to have succeeded, and marks it so that it succeeds only once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Set
from typing import Final, TypeVar

from chatty.client.outbox import TOO_FAST, TRANSIENT
from chatty.errors import ProtocolError, Refused, Unreachable

__all__ = ["PASSING", "idempotency_key", "retry"]

T = TypeVar("T")

PASSING: Final = TRANSIENT | {"uncertain"}
"""Refusals because of the moment. A request that may have been accepted is repeated, too: see `idempotency_key`."""

_FIRST_PAUSE: Final = 0.1  # seconds; it doubles
_LONGEST_PAUSE: Final = 1.0
_TRANSIENT_SECONDS: Final = 30.0
"""How long a server may say that it can store nothing just now."""

_MISTAKES: Final = 5
"""How many nonsensical answers, such as a proxy's error pages, it takes to conclude that no chatty server is there."""


def idempotency_key(*parts: str) -> str:
    """An idempotency key that is the same for the same ``parts``, and for no others."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()  # JSON escapes what is not UTF-8 in a file's name


async def retry(
    attempt: Callable[[], Awaitable[T]],
    *,
    wait: float = math.inf,
    transient: float | None = None,
    passing: Set[str] = PASSING,
) -> T:
    """The result of ``attempt``, which is repeated while no chatty server answers, or one that can do nothing just now.

    ``wait``: for how many seconds there may be no server. ``transient``: for
    how many seconds the server may refuse because of the moment, such as a
    full disk (30 or ``wait``, whichever is longer, unless given); ``passing``
    are the codes of such refusals. A room in slow mode is waited for. Raises what ``attempt`` raised last, at once
    if that is lasting.
    """
    if transient is None:
        transient = max(wait, _TRANSIENT_SECONDS)
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
            left = wait - (now() - began)
            lasting = mistakes > _MISTAKES or (isinstance(error, Unreachable) and error.lasting)
            if left <= 0 or lasting:
                raise
        except Refused as refused:
            at_least = refused.retry_after or 0.0
            # Slow mode is the room's rule, and not trouble that could last too long.
            left = math.inf if refused.code == TOO_FAST else transient - (now() - began)
            if refused.code not in {*passing, TOO_FAST} or left <= at_least:
                raise
        await asyncio.sleep(min(max(pause, at_least), left))  # the last attempt is made when the time is up
        pause = min(2 * pause, _LONGEST_PAUSE)
