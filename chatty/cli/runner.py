"""Runs a command's coroutine until it is done or a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["run", "run_plainly"]

P = ParamSpec("P")
T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Helpers(ThreadPoolExecutor):
    """Does the loop's blocking calls, such as asking for an address, in threads that nobody waits for at the end."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is wanted
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future


def run(command: Coroutine[None, None, int]) -> int:
    """The exit status of ``command``.

    The first SIGINT, SIGTERM or SIGHUP cancels it, so that it can leave in
    order, and gives 128 + the signal's number; a second one ends the process
    at once. Signals that are ignored, as under nohup, stay so.
    """
    return run_plainly(_until_signal(command))


def run_plainly(command: Coroutine[None, None, T]) -> T:
    """What ``command`` gives, as `asyncio.run`, but without waiting for threads, one of which may ask a name server."""

    async def beside_helpers() -> T:
        asyncio.get_running_loop().set_default_executor(_Helpers())
        return await command

    return asyncio.run(beside_helpers())


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
