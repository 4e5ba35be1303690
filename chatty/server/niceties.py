"""What a server is better with, and does without where a sandbox, a container or another system refuses it."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import structlog

DESCRIPTORS: Final = (1_048_576, 65_536, 10_240)
"""Limits that are asked for where the highest one is refused: it may be without bound, which no kernel takes.
The last one is as many as macOS gives at most."""

_LOG = structlog.get_logger("chatty")


def attempt(nicety: str, ask: Callable[[], object]) -> bool:
    """Call ``ask`` for what ``nicety`` names; whether it was granted. That it is not is logged, once."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever the reason, it is gone without
        _note(nicety, str(error) or type(error).__name__)
        return False
    return True


@lru_cache(maxsize=64)
def _note(nicety: str, error: str) -> None:
    _LOG.warning("the server goes without a nicety", nicety=nicety, error=error)


def descriptor_limit() -> float:
    """How many files and connections may be open."""
    try:
        return _finite(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    except OSError:  # a sandbox: it will show
        return math.inf


def raise_descriptor_limit() -> None:
    """Allow as many open files and connections as the system gives. Raises OSError or ValueError where it refuses."""
    soft, hard = map(_finite, resource.getrlimit(resource.RLIMIT_NOFILE))
    refusal: Exception | None = None
    for limit in (hard, *DESCRIPTORS):
        if soft < limit <= hard:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (_as_limit(limit), _as_limit(hard)))
            except (OSError, ValueError) as error:
                refusal = refusal or error
            else:
                return
    if refusal is not None:
        raise refusal


def _finite(limit: int) -> float:
    return math.inf if limit == resource.RLIM_INFINITY else limit


def _as_limit(limit: float) -> int:
    return resource.RLIM_INFINITY if limit == math.inf else int(limit)
