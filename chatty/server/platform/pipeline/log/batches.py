"""The rules for batches that every log has: how large one may be, and how its writer thread waits for the next."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Final, TypeVar

from chatty.server.platform.store.applying import Store

T = TypeVar("T")

MOST_ENTRIES: Final = 1024
"""Entries in one batch, which share an fsync, or an envelope."""
SIZE_SHARE: Final = 4
"""What may wait for a reader, as a multiple of a batch's bytes of events, not counting its last entry. A batch has to
be far smaller, or a burst of long texts would cut readers that are not slow."""

QUIET_SECONDS: Final = 0.05
"""How long nothing must have come before the write-ahead log is tidied up."""
AGAIN_SECONDS: Final = 1.0
"""How long to wait before trying that again, if a reader was in the way."""


def next_batch(queue: SimpleQueue[T], store: Store) -> T:
    """Wait for the next batch. A pause in the traffic is the time for a checkpoint of ``store``."""
    patience: float | None = QUIET_SECONDS
    while True:
        try:
            return queue.get(timeout=patience)
        except Empty:
            patience = AGAIN_SECONDS if store.checkpoint(quiet=True) else None
