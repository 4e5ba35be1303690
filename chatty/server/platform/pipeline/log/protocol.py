"""The promises of every log. The rest of the server does not know which log it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chatty.server.business.entries import Entry
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.store.applied import Applied

Reply = Callable[[Outcome], None]
"""Takes the outcome of one entry, on the event loop."""

Proposal = tuple[Entry, Reply | None]


class Log(Protocol):
    """Takes proposed entries and delivers committed batches, in order.

    1. An entry's outcome is given once, to its ``reply`` and on the event loop. Entries of one proposer
       take effect in the order in which it proposed them.
    2. `Rejection("unavailable")` means that the entry was certainly not accepted. An entry that is not
       durable gets that outcome, or none at all if the process ends.
    3. Batches are delivered in the log's order, each after it is durable. So nobody sees an event that a crash
       can undo.
    """

    def propose(self, entry: Entry, reply: Reply | None = None) -> None:
        """Ask for ``entry``; ``reply`` is called with its outcome. Call it on the event loop."""

    async def commit(self, entry: Entry) -> Outcome:
        """Ask for ``entry`` and wait for its outcome."""

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
