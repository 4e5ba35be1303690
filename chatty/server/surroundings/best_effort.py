"""Things that make a server better, and that it can do without if a sandbox, a container or a system refuses them."""

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


def attempt(feature: str, ask: Callable[[], object]) -> bool:
    """Call ``ask``, and give whether it was granted. If not, that is logged once, under the name ``feature``."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - for any reason at all, the server goes on without it
        _note(feature, str(error) or type(error).__name__)
        return False
    return True


@lru_cache(maxsize=64)
def _note(feature: str, error: str) -> None:
    _LOG.warning("an optional feature is not available", feature=feature, error=error)


def descriptor_limit() -> float:
    """The number of files and connections that may be open."""
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
