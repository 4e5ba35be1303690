"""Waits for a server that isn't there yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from chatty.errors import Unreachable

__all__ = ["patiently"]

T = TypeVar("T")

_PAUSE: Final = 0.25  # seconds


async def patiently(attempt: Callable[[], Awaitable[T]], *, wait: float) -> T:
    """What ``attempt`` gives. While nothing answers it is tried again, for ``wait`` seconds. Raises what it raises."""
    now = asyncio.get_running_loop().time
    deadline = now() + wait
    while True:
        try:
            return await attempt()
        except Unreachable:
            if now() + _PAUSE > deadline:
                raise
        await asyncio.sleep(_PAUSE)
