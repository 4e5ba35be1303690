"""Waiting until everything is applied here of which anybody was told before.

For that an envelope without entries is published: when it comes back, so has all that was in the log before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chatty.errors import Refused
from chatty.server.business.entries import Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.protocol import Reply


class Barriers:
    """All who ask while one is under way share the next."""

    def __init__(self, send: Callable[[Reply], None]) -> None:
        """``send`` publishes one, and has its outcome told. It is only called after `open`."""
        self._send = send
        self._asked: list[asyncio.Future[bool]] = []
        self._is_open = self._is_out = False

    def open(self) -> None:
        """From here on they can be published."""
        self._is_open = True
        self._go_on()

    def shut(self) -> None:
        """None can be published for now: those who ask wait until `open`."""
        self._is_open = False

    async def wait(self, seconds: float) -> None:
        """Returns when one has come back that was published after this call. Raises Refused if that takes longer."""
        here: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append(here)
        self._go_on()
        await asyncio.wait([here], timeout=seconds)
        if not here.done() or not here.result():
            here.cancel()
            raise Refused("unavailable", "This server can't reach its cluster's log; another one may be well.")

    def _go_on(self) -> None:
        asked = [here for here in self._asked if not here.done()]
        if not self._is_open or self._is_out or not asked:
            return
        self._asked, self._is_out = [], True

        def reply(outcome: Outcome) -> None:
            self._is_out = False
            for here in asked:
                if not here.done():
                    here.set_result(not isinstance(outcome, Rejection))
            self._go_on()

        self._send(reply)
