"""Asks before a long paste is sent: it may have been the wrong one. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["PasteGuard"]

LINES: Final = 5
"""Lines that a paste may have to be sent without a question."""


class PasteGuard:
    """Knows whether the draft was pasted, and whether its sender was asked."""

    def __init__(self) -> None:
        self._pasted = False
        self._asked = False

    def pasted(self, text: str) -> None:
        """``text`` was pasted into the draft."""
        self._pasted |= "\n" in text

    def question(self, draft: str) -> str:
        """A question to ask before ``draft`` is sent; empty if it may go, because it is short or was asked about."""
        lines = draft.count("\n") + 1
        if not self._pasted or self._asked or lines <= LINES:
            return ""
        self._asked = True
        return f"{lines:,} lines: Enter again sends them"

    def withdraw(self) -> bool:
        """The question was answered by no. False: there was none."""
        asked, self._asked = self._asked, False
        return asked

    def changed(self, draft: str) -> bool:
        """The draft is another one now. True if that ends a question."""
        self._pasted &= bool(draft)
        return self.withdraw()
