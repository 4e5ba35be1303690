"""A question to the people in a room, and waiting for what they answer.

An answer is a reply to the question, or a reaction to it. Both are events
after it in the room, so a program that knows the question's number can begin to
wait at any time, also after a crash, and gets the first answer that the room has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from msgspec import Struct

from chatty.client.answers import Question, question_text
from chatty.errors import Refused
from chatty.events import Event, Message, MessageDeleted, MessageEdited, Reaction
from chatty.names import same
from chatty.protocol import Ack, Gap

__all__ = ["Answer", "ask", "pose"]

Kind = Literal["reply", "reaction", "default"]


class Answer(Struct, frozen=True):
    """What ``participant`` answered: ``text``, by the event number ``seq``.

    Where choices were given, ``text`` is the choice as it was spelled there.
    A ``default`` is nobody's, and has ``seq`` 0.
    """

    text: str
    participant: str
    seq: int
    kind: Kind


class Asker(Protocol):
    """What asking needs of a `chatty.client.room.Room`."""

    @property
    def name(self) -> str | None:
        """Under which name it speaks."""

    async def send(self, text: str) -> Ack:
        """Says ``text``."""

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
) -> Answer:
    """Waits for the first answer to message number ``question``, from that on: it may be there already.

    Arguments and errors are those of `Room.ask`. It listens by a connection of
    its own, which outlasts restarts of the server, and takes no event from a
    task that reads ``room``.
    """
    return await _within(timeout, default, _wait(room, Question(question, choices, answerers)))


async def pose(
    room: Asker,
    text: str,
    *,
    choices: Sequence[str] = (),
    answerers: Sequence[str] = (),
    timeout: float | None = None,
    default: str | None = None,
) -> Answer:
    """Posts a question, and waits for its answer: `Room.ask`."""

    async def posted() -> Answer:
        question = question_text(text, choices)
        seq = (await room.send(question)).seq or await _find(room, question)
        return await _wait(room, Question(seq, choices, answerers))

    return await _within(timeout, default, posted())


async def _find(room: Asker, text: str) -> int:
    """The number of one's newest message that says just ``text``: a question that an earlier run has posted."""
    async for message in room.history(newest_first=True):
        if message.text == text and same(message.participant, room.name or ""):
            return message.seq
    raise Refused("message_not_found", "The question is no longer in the room.")


async def _within(timeout: float | None, default: str | None, answer: Awaitable[Answer]) -> Answer:
    try:
        async with asyncio.timeout(timeout):
            return await answer
    except TimeoutError:
        if default is None:
            raise
        return Answer(default, "", 0, "default")


async def _wait(room: Asker, question: Question) -> Answer:
    async with room.reader(since=question.seq) as reader:
        return await _first_answer(reader, question)


async def _first_answer(events: AsyncIterator[Event | Gap], question: Question) -> Answer:
    replies: set[int] = set()
    async for event in events:
        if _withdraws(event, question.seq):
            raise Refused("message_not_found", "The question is no longer in the room.")
        if isinstance(event, Message) and question.is_reply(event):
            replies.add(event.seq)
        if not isinstance(event, (Message, MessageEdited, Reaction)):
            continue
        if isinstance(event, MessageEdited) and event.of not in replies:
            continue
        said = question.answer(event)
        if said is not None:
            kind: Kind = "reaction" if isinstance(event, Reaction) else "reply"
            return Answer(said, event.participant, event.seq, kind)
    raise Refused("room_closed")


def _withdraws(event: Event | Gap, question: int) -> bool:
    """Whether there is nothing left to answer: the question was deleted, or a backup from before it was restored."""
    if isinstance(event, Gap):
        return event.reason != "retention"
    return isinstance(event, MessageDeleted) and event.of == question
