"""Runs a command's coroutine until it is done or a signal stops it."""

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
    """Makes the loop's blocking calls, such as name lookups, in threads that nobody waits for at the end."""

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

    The first SIGINT, SIGTERM or SIGHUP cancels it, so that it can clean up; the
    status is then 128 + the signal's number. A second one ends the process at
    once. Signals that are ignored, as under nohup, stay ignored.
    """
    return run_plainly(_until_signal(command))


def run_plainly(command: Coroutine[None, None, T]) -> T:
    """The result of ``command``, as from `asyncio.run`, but without waiting for threads, such as a slow name lookup."""

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
