"""A room's outgoing commands: a method for each of them, and a future for its outcome."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable

from chatty.client.link import Link
from chatty.client.outbox import Outbox, Queued, Settled, unsendable
from chatty.errors import Refused
from chatty.protocol import Ack, Delete, Edit, React, Rename, Say, Send, SetTopic

__all__ = ["Outgoing", "Speaker"]


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

    def resume(self) -> list[Queued[asyncio.Future[Ack]]]:
        """Queues what an earlier run left without an outcome, where a journal kept it."""
        loop = asyncio.get_running_loop()
        resumed = self._outbox.resume(loop.create_future)
        for message in resumed:  # asyncio logs errors that nobody retrieves, and nobody asked for these
            message.ticket.add_done_callback(lambda future: future.cancelled() or future.exception())
        return resumed

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

    def fail(self, error: BaseException, *, kept: bool = False) -> None:
        """Nothing can be sent any more, because of ``error``. The first one counts. ``kept``: in a journal, if any."""
        if self._refusal is None:
            self._refusal = error
        for future in self._outbox.abandon(kept=kept):
            if not future.done():
                future.set_exception(self._refusal)
                if self._unsent:
                    future.exception()  # asyncio logs those that nobody retrieves: one of a thousand is enough
                self._unsent = True
        self._wake_senders()

    def _wake_senders(self) -> None:
        self._settled.set()
        self._settled.clear()


class Speaker(ABC):
    """Something that can `say` a command, with a method for each kind of them."""

    @abstractmethod
    async def say(self, command: Say) -> asyncio.Future[Ack]:
        """Queues a command; the future has its outcome."""

    async def send(self, text: str, *, reply_to: int = 0, action: bool = False, automatic: int = 0) -> Ack:
        """Says ``text``, and returns when the server has stored it, once, however often the connection breaks.

        ``reply_to``: the number of the message that this one answers.
        ``action``: say that you do what ``text`` says. ``automatic``: a
        program says it, 1 on its own account or to a person, and one more
        than ``automatic`` of the message that it answers (see
        `chatty.events.Message`). Raises `Refused` if the server will not have
        it, and otherwise the error that ended the connection for good. A
        ``send`` that is cancelled may or may not have sent.
        """
        return await (await self.post(text, reply_to=reply_to, action=action, automatic=automatic))

    async def post(
        self, text: str, *, reply_to: int = 0, action: bool = False, automatic: int = 0
    ) -> asyncio.Future[Ack]:
        """Queues ``text``, as `say` does with any command; the future has the outcome of `send`."""
        return await self.say(Send(text=text, reply_to=reply_to, action=action, automatic=automatic))

    async def edit(self, of: int, text: str) -> Ack:
        """Changes your message number ``of``, which says ``text`` from then on.

        This and what follows return and raise as `send` does. Whose message
        it is, the server tells by the key.
        """
        return await (await self.say(Edit(of=of, text=text)))

    async def delete(self, of: int) -> Ack:
        """Deletes your message number ``of``: its text is gone for everybody, and from the server's files."""
        return await (await self.say(Delete(of=of)))

    async def react(self, of: int, reaction: str, *, remove: bool = False) -> Ack:
        """Reacts to message number ``of`` with up to 32 characters, or takes that back.

        The ack has no ``seq`` if nothing changed by it: you had already reacted so.
        """
        return await (await self.say(React(of=of, reaction=reaction, remove=remove)))

    async def set_topic(self, topic: str) -> Ack:
        """Sets the room's topic, of up to 512 characters; an empty one removes it."""
        return await (await self.say(SetTopic(topic=topic)))

    async def rename(self, name: str) -> Ack:
        """Takes another name, under which the room also comes back when its connection breaks.

        Only a participant has a name to change: with ``participate=False`` it is refused (``not_allowed``).
        """
        return await (await self.say(Rename(name=name)))
