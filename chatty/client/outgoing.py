"""A room's outgoing commands, with a future for the outcome of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from chatty.client.link import Link
from chatty.client.outbox import Outbox, Settled, unsendable
from chatty.errors import Refused
from chatty.protocol import Ack, Rename, Say

__all__ = ["Outgoing"]


class Outgoing:
    """An `Outbox` whose tickets are futures, for any number of tasks that send."""

    def __init__(self, outbox: Outbox[asyncio.Future[Ack]]) -> None:
        self._outbox = outbox
        self._link: Link | None = None
        self._settled = asyncio.Event()
        self._refusal: BaseException | None = None  # why nothing can be sent any more
        self._unsent = False  # whether messages were lost by that

    def __len__(self) -> int:
        return len(self._outbox)

    def attach(self, link: Link) -> None:
        """Sends by ``link`` from here on."""
        self._link = link

    async def add(self, command: Say, *, message_bytes: int) -> asyncio.Future[Ack]:
        """Queues a command, and returns once fewer than 1,000 wait for their ack: see `chatty.client.room.Room.say`.

        ``message_bytes``: the size of the longest text that the server takes.
        """
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        refusal = unsendable(command, message_bytes)
        if refusal is not None:
            future.set_exception(refusal)
            return future
        while self._outbox.full and self._refusal is None:
            await self._settled.wait()
        if self._refusal is not None:
            raise self._refusal
        settled = self._outbox.add(command, future)
        if settled is not None:
            self.settle((settled,))
            if self._outbox.conflict is not None:
                self.fail(self._outbox.conflict)
        elif self._link is not None:
            self._link.wake()
        return future

    async def flush(self) -> None:
        """Returns when every command has been acked or refused. Raises the error that ended the connection."""
        while len(self._outbox):
            await self._settled.wait()
        if self._unsent and self._refusal is not None:
            raise self._refusal

    async def stored_before(self) -> int:
        """How many messages the room had from earlier runs. Raises the error that ended the connection."""
        while self._outbox.stored_before is None and self._refusal is None:
            await self._settled.wait()
        if self._outbox.stored_before is None and self._refusal is not None:
            raise self._refusal
        return self._outbox.stored_before or 0

    def settle(self, commands: Iterable[Settled[asyncio.Future[Ack]]]) -> None:
        """These have their outcome."""
        for future, result, command in commands:
            if type(command) is Rename and type(result) is Ack and self._link is not None:
                self._link.renamed(command.name, before=result.duplicate)
            if future.done():
                continue  # its caller has been cancelled
            if isinstance(result, Refused):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._wake_senders()

    def fail(self, error: BaseException) -> None:
        """Nothing can be sent any more, because of ``error``. The first one counts."""
        if self._refusal is None:
            self._refusal = error
        for future in self._outbox.abandon():
            if not future.done():
                future.set_exception(self._refusal)
                if self._unsent:
                    future.exception()  # asyncio logs those that nobody retrieves: one of a thousand is enough
                self._unsent = True
        self._wake_senders()

    def _wake_senders(self) -> None:
        self._settled.set()
        self._settled.clear()
