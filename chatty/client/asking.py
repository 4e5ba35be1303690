"""Asks the people in a room a question, and waits for the answer.

`chatty.client.answers` decides which events are answers. They all come after
the question, so a program that knows the question's number can begin to wait at
any time, even after a crash, and gets the first answer that the room has.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, Protocol

from chatty.client.answers import CANCELLED, TIMED_OUT, Answer, Question, outcome_text, question_text
from chatty.client.requests import Requests
from chatty.errors import ChattyError, Refused
from chatty.events import Event, Message, MessageDeleted
from chatty.names import same
from chatty.protocol import Ack, Gap, RoomInfo

__all__ = ["Answer", "announce", "ask", "pose"]

_MOMENT: Final = 5.0
"""Seconds for which the room may be told the outcome."""
_PARTING_MOMENT: Final = 1.0
"""The same where the program wants to end."""


class Asker(Protocol):
    """The part of a `chatty.client.room.Room` that asking needs."""

    @property
    def name(self) -> str | None:
        """Under which name it speaks."""

    @property
    def info(self) -> RoomInfo:
        """The room."""

    @property
    def verifies_names(self) -> bool:
        """Whether only verified names prove who speaks."""

    async def send(self, text: str, *, automatic: int) -> Ack:
        """Says ``text``."""

    def http(self) -> Requests:
        """The server's HTTP interface, as the same one."""

    def history(self, *, newest_first: bool) -> AsyncIterator[Message]:
        """The room's messages."""

    def reader(self, *, since: int) -> AbstractAsyncContextManager[AsyncIterator[Event | Gap]]:
        """Another view of the same room, which begins after event ``since``."""


async def ask(
    room: Asker,
    question: int,
    *,
    choices: Sequence[str] = (),
    answerers: Sequence[str] = (),
    timeout: float | None = None,
    default: str | None = None,
    tell: bool = True,
) -> Answer:
    """Waits for the first answer to message number ``question``, from that on: it may be there already.

    Arguments and errors are those of `Room.ask`. It listens by a connection of
    its own, which outlasts restarts of the server, and takes no event from a
    task that reads ``room``.
    """

    async def asked() -> int:
        return question

    return await _Asking(room, choices, answerers, tell=tell).outcome(asked(), timeout, default)


async def pose(
    room: Asker,
    text: str,
    *,
    choices: Sequence[str] = (),
    answerers: Sequence[str] = (),
    timeout: float | None = None,
    default: str | None = None,
    tell: bool = True,
) -> Answer:
    """Posts a question, and waits for its answer: `Room.ask`."""

    async def posted() -> int:
        question = question_text(text, choices)
        return (await room.send(question, automatic=1)).seq or await _find(room, question)

    return await _Asking(room, choices, answerers, tell=tell).outcome(posted(), timeout, default)


async def announce(http: Requests, room_id: str, question: int, outcome: str, *, name: str, automatic: int = 1) -> None:
    """Tells the room the outcome of message number ``question``: once, however many runs find the same outcome."""
    unique = hashlib.sha256(json.dumps(["outcome", question, outcome]).encode()).hexdigest()
    await http.send(room_id, outcome, name=name, reply_to=question, idempotency_key=unique, automatic=automatic)


class _Asking:
    """One question, from when it is posted to when the room knows the outcome."""

    def __init__(self, room: Asker, choices: Sequence[str], answerers: Sequence[str], *, tell: bool) -> None:
        self._room = room
        self._choices = choices
        self._answerers = answerers
        self._tells = tell
        self._question = 0

    async def outcome(self, question: Awaitable[int], timeout: float | None, default: str | None) -> Answer:
        try:
            async with asyncio.timeout(timeout):
                self._question = await question
                answer = await self._answer()
        except TimeoutError:
            if default is None:
                await self._tell(TIMED_OUT, within=_MOMENT)
                raise
            answer = Answer(default, "", 0, "default")
        except asyncio.CancelledError:
            await self._tell(CANCELLED, within=_PARTING_MOMENT)
            raise
        await self._tell(outcome_text(answer), within=_MOMENT)
        return answer

    async def _answer(self) -> Answer:
        room = self._room
        question = Question(
            self._question, self._choices, self._answerers, asker=room.name or "", verified=room.verifies_names
        )
        async with self._room.reader(since=question.seq) as reader:
            async for event in reader:
                if _withdraws(event, question.seq):
                    raise Refused("message_not_found", "The question is no longer in the room.")
                answer = question.hear(event)
                if answer is not None:
                    return answer
        raise Refused("room_closed")

    async def _tell(self, outcome: str, *, within: float) -> None:
        """Tells the room, if it can be told: the answer doesn't depend on that."""
        room = self._room
        if not self._tells or not self._question or room.name is None:
            return
        try:
            with suppress(ChattyError, TimeoutError):
                async with asyncio.timeout(within), room.http() as http:
                    await announce(http, room.info.id, self._question, outcome, name=room.name)
        except asyncio.CancelledError:
            if within > _PARTING_MOMENT:  # the outcome is known: the room gets another moment to learn it
                await self._tell(outcome, within=_PARTING_MOMENT)
            raise


async def _find(room: Asker, text: str) -> int:
    """The number of the asker's newest message with just this text: the question that an earlier run posted."""
    async for message in room.history(newest_first=True):
        if message.text == text and same(message.participant, room.name or ""):
            return message.seq
    raise Refused("message_not_found", "The question is no longer in the room.")


def _withdraws(event: Event | Gap, question: int) -> bool:
    """Whether there is nothing left to answer: the question was deleted, or a backup from before it was restored."""
    if isinstance(event, Gap):
        return event.reason != "retention"
    return isinstance(event, MessageDeleted) and event.of == question
