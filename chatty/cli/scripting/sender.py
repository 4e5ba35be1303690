"""Posts messages to a room, as many at a time as it takes, and keeps track of their outcomes."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.scripting.standard_streams import Output
from chatty.client.room import Room
from chatty.errors import Refused
from chatty.protocol import IN_FLIGHT, Ack, encode

__all__ = ["Sender"]

_ABOUT_ONE: Final = frozenset({"message_empty", "message_too_long"})
"""Refusals of one message that say nothing about the next ones."""

_AHEAD: Final = 10 * IN_FLIGHT
"""How many messages are posted before the outcome of the first of them is printed."""

_STOPPED: Final = 0.1
"""A timer that fires so many seconds late shows that the process was stopped, as by Ctrl-Z."""


class Sender:
    """One command's messages on their way.

    ``timeout``: seconds without an ack, while messages wait for one, after
    which `everything` gives up. Acks are written to ``acks`` as on the wire,
    one a line. ``stored_before``: how many messages earlier runs with the same
    producer have stored. ``hold`` is to be called when the room is in slow mode.
    """

    def __init__(self, room: Room, *, timeout: float, acks: Output | None = None) -> None:
        self.acked = 0
        self.stored_before = 0
        self.refused: list[Refused] = []
        self._room = room
        self._timeout = timeout
        self._acks = acks
        self._held_until = 0.0
        self._pending: deque[asyncio.Future[Ack]] = deque()
        self._posted = asyncio.Event()
        self._settled = asyncio.Event()
        self._all_posted = False

    @property
    def unacked(self) -> int:
        """Messages of which it isn't known whether they are stored."""
        return len(self._pending)

    def hold(self, seconds: float) -> None:
        """The next message goes out in so many seconds, and no ack comes before."""
        self._held_until = asyncio.get_running_loop().time() + seconds

    async def everything(self, messages: AsyncIterator[str]) -> None:
        """Post all ``messages``, and return when each has been acked or refused.

        If reading them fails, waits for those before the failure, and raises
        it. Raises Failure where acks don't come in time, and what ended the
        room for good: with ``idempotency_conflict``, the message after the
        last one of ``acked`` is not the one that an earlier run sent.
        """
        posting = asyncio.create_task(self._post(messages))
        try:
            await self._settle()
        except BaseException:
            posting.cancel()
            await asyncio.wait([posting])
            outcomes: list[asyncio.Future[Any]] = [posting, *self._pending]
            for outcome in outcomes:
                if not outcome.cancel() and not outcome.cancelled():
                    outcome.exception()  # one failure is reported; asyncio must not log the others
            raise
        await posting
        await self._ask_what_was_stored()

    async def _post(self, messages: AsyncIterator[str]) -> None:
        try:
            async for text in messages:
                self._pending.append(await self._room.post(text))
                self._posted.set()
                while len(self._pending) > _AHEAD:  # the reader of the acks is slow
                    self._settled.clear()
                    await self._settled.wait()
        finally:
            self._all_posted = True
            self._posted.set()

    async def _settle(self) -> None:
        shown: list[bytes] = []
        while self._pending or not self._all_posted:
            if not self._pending:
                self._posted.clear()
                await self._show(shown)
                await self._posted.wait()
                continue
            if not self._pending[0].done():
                await self._show(shown)
                await self._one_more()
            try:
                ack = self._pending[0].result()
            except Refused as refusal:
                if refusal.code not in _ABOUT_ONE:
                    if refusal.code == "idempotency_conflict":
                        await self._ask_what_was_stored()
                    raise
                self.refused.append(refusal)
            else:
                self.acked += 1
                if ack.duplicate:
                    await self._ask_what_was_stored()
                if self._acks and self.acked >= self.stored_before:
                    await self._acknowledge(ack, shown)
            self._pending.popleft()
            self._settled.set()
        await self._show(shown)

    async def _acknowledge(self, ack: Ack, shown: list[bytes]) -> None:
        """Shows an ack. Those of an earlier run's messages wait until the last of them shows that they are the same."""
        if self.acked == self.stored_before:
            for number in range(1, self.acked):
                shown.append(encode(Ack(n=number, duplicate=True)))
                if number % IN_FLIGHT == 0:
                    await self._show(shown)
        shown.append(encode(ack))

    async def _ask_what_was_stored(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                self.stored_before = await self._room.stored_before()
        except TimeoutError:
            raise self._too_late() from None

    def _too_late(self) -> Failure:
        return Failure(ExitStatus.UNREACHABLE, "timed_out", f"no ack for {self._timeout:g} s")

    async def _one_more(self) -> None:
        now = asyncio.get_running_loop().time
        late = math.inf
        while late > _STOPPED:  # if the process was stopped, acks may have come that it hasn't seen
            deadline = max(now(), self._held_until) + self._timeout
            done, _ = await asyncio.wait([self._pending[0]], timeout=deadline - now())
            if done:
                return
            late = now() - deadline if self._held_until + self._timeout <= deadline else math.inf
        raise self._too_late()

    async def _show(self, shown: list[bytes]) -> None:
        if self._acks and shown:
            await self._acks.write(b"\n".join(shown) + b"\n")
            shown.clear()
