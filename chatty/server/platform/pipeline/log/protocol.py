"""The promises of every log. The rest of the server does not know which log it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from chatty.clusters import ClusterStatus, Examination
from chatty.server.business.entries import Entry, Rejection
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.pipeline.log.whispers import Whisper
from chatty.server.platform.store.applied import Applied

Reply = Callable[[Outcome], None]
"""Takes the outcome of one entry, on the event loop."""

Proposal = tuple[Entry, Reply | None]


class ClusterOperator(Protocol):
    """A cluster, as those see it who run it."""

    async def status(self) -> ClusterStatus:
        """What this node knows."""

    async def raise_level(self, level: int, at: int) -> Outcome:
        """Let the log hold what ``level`` brings. `Rejection("bad_request")` if not all nodes know it."""

    async def examine(self, at: int) -> Examination | Rejection:
        """Compare the tables of all nodes, and look whether the log and its snapshots have everything."""


def expected() -> tuple[asyncio.Future[Outcome], Reply]:
    """An outcome that is to come, and the reply that brings it. Nothing happens if nobody waits for it any longer."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def reply(result: Outcome) -> None:
        if not outcome.done():
            outcome.set_result(result)

    return outcome, reply


class Log(Protocol):
    """Takes proposed entries and delivers committed batches, in order.

    1. An entry's outcome is given once, to its ``reply`` and on the event loop. Entries of one proposer
       take effect in the order in which it proposed them.
    2. `Rejection("unavailable")` means that the entry was certainly not accepted, and never will be. An entry that
       is not durable gets that outcome, or none at all: then the process ends, or `Delivery.abandon` is called.
    3. Batches are delivered in the log's order, each after it is durable. So nobody sees an event that a crash
       can undo.
    """

    def propose(self, entry: Entry, reply: Reply | None = None) -> None:
        """Ask for ``entry``; ``reply`` is called with its outcome. Call it on the event loop."""

    async def commit(self, entry: Entry) -> Outcome:
        """Ask for ``entry`` and wait for its outcome.

        That may be `Rejection("uncertain")`, after a while: the entry may still be accepted.
        """

    async def barrier(self) -> bool:
        """Wait until everything is applied here of which anybody was told before. False if it was so anyway.

        Raises Refused ("unavailable") if that can't be said in time.
        """

    async def trouble(self) -> str:
        """Why this node can't be relied on at the moment, as a sentence; empty if it can."""

    @property
    def is_current(self) -> bool:
        """Whether this node knows everything that the log had a few seconds ago. Otherwise it must let nobody in."""

    @property
    def is_stalled(self) -> bool:
        """Whether entries wait for unusually long, so that nobody new had better wait, too."""

    def rank(self, room: str) -> int:
        """Which turn this node has to propose, for ``room``, what any node may propose; 0 is the first."""

    def whisper(self, whisper: Whisper) -> None:
        """Pass ``whisper`` on to the other nodes, if they can be reached."""

    @property
    def operator(self) -> ClusterOperator | None:
        """The cluster whose log it is, or None for the log of one machine."""

    @property
    def waiting(self) -> int:
        """Entries that the log has not taken yet."""

    @property
    def is_alive(self) -> bool:
        """Whether it can still take entries."""

    async def close(self) -> None:
        """Commit everything that was proposed, and stop."""


class Delivery(Protocol):
    """Receives every committed batch, on the event loop."""

    def deliver(self, applied: Applied, replies: list[Reply | None], seconds: float, since: float) -> None:
        """``seconds`` is how long the commit took; ``since`` (monotonic) is when the batch's first entry came."""

    def hear(self, whisper: Whisper) -> None:
        """Another node has passed this on."""

    def abandon(self) -> None:
        """Send all clients away. They may come back, here or to another node."""

    def begin_incarnation(self, incarnation: str) -> None:
        """The others took this node for dead. From here on it is ``incarnation``, and nobody is connected to it."""
