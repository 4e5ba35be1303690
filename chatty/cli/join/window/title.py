"""The window's title, which the shell gets back as it was."""

from __future__ import annotations

from typing import Final

from prompt_toolkit.output.vt100 import Vt100_Output

__all__ = ["Title"]

_SAVE, _RESTORE = "\x1b[22;2t", "\x1b[23;2t"
_WITHOUT: Final = ("linux", "eterm-color", "dumb")
"""Terminals without a title, which would show it as text."""


class Title:
    """The title of the window that ``output`` writes to. A change waits for the output's next flush."""

    def __init__(self, output: Vt100_Output) -> None:
        self._output = output
        self._has_one = output.term not in _WITHOUT
        self._shown: str | None = None

    def show(self, title: str) -> None:
        """Call the window ``title``, which is safe to show."""
        if not self._has_one or title == self._shown:
            return
        if self._shown is None:
            self._output.write_raw(_SAVE)
        self._output.set_title(title)
        self._shown = title

    def restore(self) -> None:
        """Give the window the title back that it had."""
        if self._shown is not None:
            self._output.write_raw(_RESTORE)
            self._shown = None
