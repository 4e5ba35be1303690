"""Times of the wire as people read them, in their own zone."""

from __future__ import annotations

__all__ = ["moment", "until"]


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
