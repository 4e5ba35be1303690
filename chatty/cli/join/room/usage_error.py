"""Why a line that was typed can't be done."""

from __future__ import annotations

__all__ = ["Wrong"]


class Wrong(ValueError):
    """A line that is neither sent nor done; its text tells the person why, and what to type instead."""
