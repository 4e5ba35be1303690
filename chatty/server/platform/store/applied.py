"""The results of applying a batch of entries."""

from __future__ import annotations

from msgspec import Struct

from chatty.events import Happening
from chatty.server.business.outcomes import Outcome
from chatty.server.platform.store.access.loading import Rulings

StoredEvent = tuple[int, bytes, Happening]
"""An event: its number, its JSON as it is sent, and itself."""


class Applied(Struct):
    """The results of a batch: each entry's outcome, the new events by room, and the participants that went away.

    ``renamed`` has, for each participant that has a new name: the room's id, its identity, its name's key, its name.

    ``rulings`` is there if any rights have changed.
    """

    outcomes: list[Outcome]
    events: dict[str, list[StoredEvent]]
    away: list[tuple[str, str, int]]
    rulings: Rulings | None = None
    renamed: list[tuple[str, bytes, str, str]] = []
