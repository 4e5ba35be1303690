"""Reads several connections at the same moments: a process that wakes up once for all of them has less to do."""

from __future__ import annotations

import asyncio
from typing import Final

from chatty.client.connection import Connection

__all__ = ["Beat"]

SECONDS: Final = 0.25
"""Seconds between two moments. They are the same for all connections of an event loop."""


class Beat:
    """Lets one connection after another rest between two moments while it is ``unhurried``."""

    def __init__(self) -> None:
        self._unhurried = False
        self._resting: tuple[Connection, asyncio.TimerHandle] | None = None

    @property
    def unhurried(self) -> bool:
        """Whether frames may come a moment late, several at once."""
        return self._unhurried

    @unhurried.setter
    def unhurried(self, unhurried: bool) -> None:
        self._unhurried = unhurried
        if not unhurried:
            self.wake()

    def received(self, connection: Connection) -> None:
        """A frame came. The next ones wait for their moment, unless one is in a hurry."""
        if not self._unhurried or self._resting is not None:
            return
        loop = asyncio.get_running_loop()
        connection.pause()
        self._resting = connection, loop.call_at((loop.time() // SECONDS + 1) * SECONDS, self.wake)

    def wake(self) -> None:
        """Read at once: an answer is awaited, or the moment has come."""
        if self._resting is not None:
            connection, timer = self._resting
            self._resting = None
            timer.cancel()
            connection.resume()
