"""All that can be said in a room: a method for each command, so that a program reads as what it does."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from chatty.protocol import Ack, Delete, Edit, React, Rename, Say, Send, SetTopic

__all__ = ["Verbs"]


class Verbs(ABC):
    """What a `chatty.client.room.Room` says: each of these is one `say`."""

    @abstractmethod
    async def say(self, command: Say) -> asyncio.Future[Ack]:
        """Queues a command; the future has its outcome."""

    async def send(self, text: str, *, reply_to: int = 0, action: bool = False) -> Ack:
        """Says ``text``, and returns when the server has stored it, once, however often the connection breaks.

        ``reply_to``: the number of the message that this one answers.
        ``action``: say that you do what ``text`` says. Raises `Refused` if
        the server will not have it, and what ended the connection for good
        otherwise. ``send`` that is cancelled may or may not have sent.
        """
        return await (await self.post(text, reply_to=reply_to, action=action))

    async def post(self, text: str, *, reply_to: int = 0, action: bool = False) -> asyncio.Future[Ack]:
        """Queues ``text``, as `say` does with any command; the future has the outcome of `send`."""
        return await self.say(Send(text=text, reply_to=reply_to, action=action))

    async def edit(self, of: int, text: str) -> Ack:
        """Changes one's own message number ``of``, which says ``text`` from then on.

        This and what follows return and raise as `send` does. Whose message
        it is, the server tells by the key.
        """
        return await (await self.say(Edit(of=of, text=text)))

    async def delete(self, of: int) -> Ack:
        """Deletes one's own message number ``of``: its text is gone for everybody, and from the server's files."""
        return await (await self.say(Delete(of=of)))

    async def react(self, of: int, reaction: str, *, remove: bool = False) -> Ack:
        """Reacts to message number ``of`` with up to 32 characters, or takes that back.

        The ack has no ``seq`` if nothing changed by it: you had already reacted so.
        """
        return await (await self.say(React(of=of, reaction=reaction, remove=remove)))

    async def set_topic(self, topic: str) -> Ack:
        """Says what the room is about, in up to 512 characters; with none, takes that away."""
        return await (await self.say(SetTopic(topic=topic)))

    async def rename(self, name: str) -> Ack:
        """Takes another name, under which the room also comes back when its connection breaks.

        Only for who is in the room: without ``participate`` it is refused (``not_allowed``).
        """
        return await (await self.say(Rename(name=name)))
