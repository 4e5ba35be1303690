"""Runs a command's coroutine until it is done or a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine

__all__ = ["run"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(command: Coroutine[None, None, int]) -> int:
    """The exit status of ``command``.

    The first SIGINT, SIGTERM or SIGHUP cancels it, so that it can leave in
    order, and gives 128 + the signal's number; a second one ends the process
    at once. Signals that are ignored, as under nohup, stay so.
    """
    return asyncio.run(_until_signal(command))


async def _until_signal(command: Coroutine[None, None, int]) -> int:
    task = asyncio.current_task()
    assert task is not None
    received: list[int] = []

    def stop(number: int) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop, number)
    try:
        return await command
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]
