"""Work that goes on while somebody types."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["start"]


def start(work: Coroutine[Any, Any, object], tasks: asyncio.TaskGroup) -> bool:
    """Let ``work`` go on among ``tasks``. False: these are ending, and it is left undone."""
    try:
        tasks.create_task(work)
    except RuntimeError:
        work.close()
        return False
    return True
