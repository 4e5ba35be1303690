"""Thread pools that start all threads at once, so that a limit on processes shows at the start, not under load."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog

_LOG = structlog.get_logger("chatty")


def started_pool(threads: int, name: str) -> ThreadPoolExecutor:
    """A pool whose threads are running: ``threads`` of them, or as many as the system allows.

    Raises RuntimeError if it allows none.
    """
    pool, gate = ThreadPoolExecutor(threads, name), threading.Event()
    refusal: RuntimeError | None = None
    for started in range(threads):
        try:
            pool.submit(gate.wait)  # every thread is kept busy, so each task starts a new one
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
