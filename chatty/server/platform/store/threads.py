"""Threads that are there from the start: a limit of processes shows then, and not under load."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog

_LOG = structlog.get_logger("chatty")


def started_pool(threads: int, name: str) -> ThreadPoolExecutor:
    """A pool whose threads run already: ``threads`` of them, or as many as the system gives. Raises RuntimeError
    where that is none.
    """
    pool, gate = ThreadPoolExecutor(threads, name), threading.Event()
    refusal: RuntimeError | None = None
    for started in range(threads):
        try:
            pool.submit(gate.wait)  # none of them is free, so each needs a thread of its own
        except RuntimeError as error:
            refusal, threads = error, started
            break
    gate.set()
    if refusal is None:
        return pool
    pool.shutdown()
    if not threads:
        raise refusal
    _LOG.warning("fewer threads than wanted", pool=name, threads=threads, error=str(refusal))
    return started_pool(threads, name)
