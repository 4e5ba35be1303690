"""The way into a room: where it is, and as whom one is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from chatty.cli.targets import RoomTarget
from chatty.client.identity import Credential

__all__ = ["Door", "Entrance"]


class Entrance(NamedTuple):
    """A room that is called ``room_name``, and that one is let into under ``name``.

    ``chosen`` is the name that was asked for, None if it is the usual one.
    """

    target: RoomTarget
    room_name: str
    name: str
    key: Credential
    chosen: str | None = None

    def leads_to(self, other: Entrance) -> bool:
        """Whether ``other`` is a way into the same room, as the same person.

        Their keys don't tell: each token is an object of its own, though it is the same one.
        """
        return (self.target.room_id, self.target.profile) == (other.target.room_id, other.target.profile)


Door = Callable[[str, Callable[[str], None]], Awaitable[Entrance]]
"""Finds the way into the room that somebody typed: its name, id or URL, or an invitation. It may warn of something.

Raises `chatty.errors.ChattyError`, Failure and OSError.
"""
