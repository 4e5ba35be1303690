"""How late the event loop is: whatever takes long there lets everybody wait, and this shows it before users do."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from chatty.server.platform.pipeline.metrics import Metrics

LOOK_SECONDS: Final = 0.1


async def measure(metrics: Metrics) -> None:
    """Ask for a turn again and again, and count how much later it comes."""
    while True:
        due = time.monotonic() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        metrics.loop_lag.observe(max(0.0, time.monotonic() - due))
