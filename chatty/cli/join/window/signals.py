"""Signals that end the client in order, so that the terminal is left as it was found."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from chatty.cli.exits import ExitStatus

__all__ = ["ending"]

_STATUS: Final = {
    signal.SIGINT: ExitStatus.INTERRUPTED,  # at the prompt, Ctrl-C is a key and not a signal
    signal.SIGTERM: ExitStatus.TERMINATED,
    signal.SIGHUP: ExitStatus.HUNG_UP,
}


@contextmanager
def ending(end: Callable[[ExitStatus], None]) -> Iterator[None]:
    """Inside, these signals call ``end`` with the exit status. One that is ignored, as under nohup, stays so."""
    loop = asyncio.get_running_loop()
    numbers = [number for number in _STATUS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in numbers:
        loop.add_signal_handler(number, end, _STATUS[number])
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
