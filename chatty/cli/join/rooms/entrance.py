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


Door = Callable[[str], Awaitable[Entrance]]
"""Finds the way into the room that somebody typed: its name, id or URL, or an invitation.

Raises `chatty.errors.ChattyError`, Failure and OSError.
"""
