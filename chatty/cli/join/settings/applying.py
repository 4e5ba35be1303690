"""Makes a room look as the settings say."""

from __future__ import annotations

from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.settings.table import Settings

__all__ = ["apply"]


def apply(settings: Settings, incoming: Incoming) -> None:
    """Let ``incoming`` ring, hide and show what ``settings`` say, from now on."""
    incoming.attention.bell = settings.bell
    incoming.hidden.joins = settings.joins
    incoming.hidden.ignore_only(settings.ignore)
    incoming.restyle(settings.time)
    incoming.highlight(settings.highlight)
