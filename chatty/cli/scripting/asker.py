"""Asks a question in a room, waits for the answer, and posts the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain
from chatty.cli.scripting.retry import retry
from chatty.cli.targets import RoomTarget, check_may_read
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.phrases import unverified
from chatty.client.answers import Answer, Question
from chatty.client.asking import announce
from chatty.client.http import Http
from chatty.client.identity import Credential
from chatty.errors import ChattyError, Refused
from chatty.events import Event, MessageDeleted, StreamPosition
from chatty.protocol import Gap, encode

__all__ = ["Asker", "Found"]

_MOMENT: Final = 5.0
"""Seconds that posting the outcome may take."""
_PARTING_MOMENT: Final = 1.0
"""The same after a signal."""


class Found(NamedTuple):
    """An answer, the JSON of its event, and that event if it is older than this run."""

    answer: Answer
    raw: str
    old: Event | None


class Asker:
    """Asks one question as ``name`` in ``target``. ``key`` identifies the asker to the server."""

    def __init__(
        self, env: Environment, target: RoomTarget, http: Http, *, name: str, key: Credential, as_json: bool
    ) -> None:
        self._env = env
        self._target = target
        self._http = http
        self._name = name
        self._key = key
        self._as_json = as_json
        self._question = 0
        self._before = 0  # the room's newest event when this run began

    async def ask(self, text: str, unique: str, *, wait: float, again: bool) -> None:
        """Post the question, unless this idempotency key was used for it. Raises the errors of `Http.send`.

        ``again``: an earlier run may have posted it.
        """
        if again:
            self._before = (await retry(lambda: self._http.room(self._target.room_id), wait=wait)).last
        self._question = await retry(
            lambda: self._http.send(self._target.room_id, text, name=self._name, idempotency_key=unique, automatic=1),
            wait=wait,
        )

    async def answer(self, choices: Sequence[str], answerers: Sequence[str]) -> Found:
        """Wait for the answer, which may have come while nobody waited.

        Raises Failure if the question is gone, and the error that ended the room for good.
        """
        target = self._target
        async with AsyncExitStack() as stack:
            room = await retry(
                lambda: stack.enter_async_context(target.read(self._key, StreamPosition("", self._question)))
            )
            check_may_read(room)
            if answerers and not room.verifies_names:
                self._note(unverified("answer", answerers), unverified=list(answerers))
            question = Question(
                self._question, choices, answerers, asker=self._name, verified=room.verifies_names
            )  # fmt: skip
            async for received in room.frames():
                frame = received.frame
                if isinstance(frame, Gap) and frame.reason != "retention":
                    message = "the server's data was replaced, and the question may be gone with it"
                    raise Failure(ExitStatus.FAILED, "failed", message, "ask again, with another --key if it had one")
                if isinstance(frame, MessageDeleted) and frame.of == question.seq:
                    raise Failure(ExitStatus.FAILED, "failed", "the question was deleted before an answer came")
                answer = question.hear(frame)
                if answer is not None and isinstance(frame, Event):
                    return Found(answer, received.raw, frame if frame.seq <= self._before else None)
        raise Refused("room_closed", "the room was closed before an answer came")

    async def announce(self, outcome: str, *, at_once: bool = False) -> None:
        """Post the outcome, so that nobody wonders whether an answer arrived.

        It may take some seconds, or with ``at_once`` only one. If it is
        cancelled, one more second goes to another try: the outcome is known.
        """
        try:
            async with asyncio.timeout(_PARTING_MOMENT if at_once else _MOMENT):
                await retry(
                    lambda: announce(self._http, self._target.room_id, self._question, outcome, name=self._name)
                )
            return
        except TimeoutError:
            why = "no answer in time"
        except ChattyError as error:
            why = clean(explain(error).message, newlines=False)
        except asyncio.CancelledError:
            if not at_once:
                await self.announce(outcome, at_once=True)
            raise
        self._note(f"the room was not told the outcome ({why})", not_told=why)

    def note_old_answer(self, answer: Answer, event: Event) -> None:
        """Print whose the answer is, and from when, if it is older than this run."""
        name = clean_name(answer.participant)
        when = event.time.astimezone()
        self._note(f"answered by {name} on {when:%Y-%m-%d at %H:%M}", answered_by=answer.participant, at=event.at)

    def _note(self, text: str, **keys: object) -> None:
        self._env.err(encode({"event_type": "note", **keys}).decode() if self._as_json else f"note:  {text}")
