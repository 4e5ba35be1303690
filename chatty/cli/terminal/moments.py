"""Times of the wire as people read them, in their own zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["moment", "recent", "until"]


def until(at: str | None) -> str:
    """``until`` and a time; "" for never."""
    return f"until {moment(at)}" if at else ""


def moment(at: str) -> str:
    """A time to the minute. One that is none comes back as it is, and is to be cleaned as everything else is."""
    from datetime import datetime

    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return at


def recent(when: datetime, now: datetime) -> str:
    """``when`` in as many words as it takes to know it ``now``; both are in the reader's zone.

    ``18:02``, ``yesterday 18:02``, ``Monday 23 November 18:02``; with the year where that is another one.
    """
    from datetime import timedelta

    if when.date() == now.date():
        return f"{when:%H:%M}"
    if when.date() == now.date() - timedelta(days=1):
        return f"yesterday {when:%H:%M}"
    year = "" if when.year == now.year else f" {when.year}"
    return f"{when:%A} {when.day} {when:%B}{year} {when:%H:%M}"
