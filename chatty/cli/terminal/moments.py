"""Times of the wire as people read them, in their own zone, and times as people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["moment", "read_moment", "recent", "until"]

_UNIX_TIME: Final = r"@(\d{1,12}(?:\.\d{1,9})?)"


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


def read_moment(text: str, now: float) -> datetime | None:
    """The time that ``text`` gives: in ISO 8601, in seconds since 1970 (``@1795437000``), or as how long ago (``10m``).

    ``now`` is in seconds since 1970. A time without a zone is local. None for anything else.
    """
    from datetime import UTC, datetime

    from chatty.durations import parse_duration

    with suppress(ValueError, OverflowError, OSError):
        if unix_time := re.fullmatch(_UNIX_TIME, text):
            return datetime.fromtimestamp(float(unix_time[1]), UTC)
    with suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone()
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(now - parse_duration(text, unit_needed=True), UTC)
    return None


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
