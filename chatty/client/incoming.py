"""A room's incoming frames, for the one task that reads them until the room has ended."""

from __future__ import annotations

import asyncio
from typing import Self

from chatty.client.inbox import Inbox, Received
from chatty.client.link import Link

__all__ = ["Incoming"]


class Incoming:
    """An `Inbox` as an async iterator of frames that waits for new ones.

    It isn't a generator, so that cancelling one ``anext`` doesn't end it.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._link: Link | None = None
        self._arrived = asyncio.Event()
        self._reading = False
        self.ended = False
        self._error: BaseException | None = None  # why it ended, unless that was meant

    def attach(self, link: Link) -> None:
        """Frames come by ``link`` from here on."""
        self._link = link

    def wake(self) -> None:
        """The reader may have something to do."""
        self._arrived.set()
        self._arrived.clear()

    def end(self, error: BaseException | None) -> None:
        """Nothing follows the held frames: the reader then gets ``error``, or the end."""
        self.ended, self._error = True, error
        self.wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Received:
        if self._link is None:
            raise RuntimeError("enter the room first: async with chatty.join(…) as room")
        while True:
            received = self._inbox.get()
            if received is not None:
                self._link.taken()
                return received
            if self.ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            if self._inbox.behind:
                self._link.catch_up()
            if self._reading:
                raise RuntimeError("another task is reading this room")
            self._reading = True
            try:
                await self._arrived.wait()
            finally:
                self._reading = False
