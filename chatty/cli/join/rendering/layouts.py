"""Where the parts of a line stand: beside a gutter for times and names, or without one where there is no room for it.

Each beginning of a line comes with the beginning of its further rows. Nothing
that came from other people stands in a line's first column.
"""

from __future__ import annotations

from typing import Final, Protocol

from rich.text import Text

from chatty.cli.terminal.folding import NARROW
from chatty.cli.terminal.width import width

__all__ = ["EDIT", "INDENT", "MENTION", "Layout", "layout_for"]

NAME: Final = 10
"""Columns that names are aligned in. A longer one is shown whole: cut short, it could be somebody else's."""
INDENT: Final = "  "
"""Before each row of a text where there is no gutter."""

MENTION: Final = "!"
EDIT: Final = "✎"


class Layout(Protocol):
    """Begins lines. ``time`` is shown as it is, and may be empty; a ``mark`` stands before the name of an author."""

    def text(self, time: str, mark: str, author: Text, *, follows: bool) -> tuple[Text, str]:
        """For a text by ``author``, which ``follows`` another one of theirs without anything between; and its rows."""

    def action(self, time: str, mark: str, author: Text) -> tuple[Text, str]:
        """For an action of ``author``."""

    def quote(self, time: str) -> Text:
        """For the message that the next line answers."""

    def people(self, time: str) -> Text:
        """For what people did without a word: they came, went, or reacted."""

    def change(self, time: str) -> Text:
        """For a change of the room."""


def layout_for(columns: int) -> Layout:
    """The layout for a window of so many ``columns``; 0: it is not known how many there are."""
    return _NARROW if 0 < columns < NARROW else _WIDE


class _Wide:
    """``12:07 !      Ada │ good morning``, further rows under the text."""

    def text(self, time: str, mark: str, author: Text, *, follows: bool) -> tuple[Text, str]:
        line = _begun(time, mark, NAME - width(author.plain)).append_text(author)
        further = f"{' ' * (width(line.plain) + 1)}│ "
        return line.append(" │ ", style="dim"), further

    def action(self, time: str, mark: str, author: Text) -> tuple[Text, str]:
        line = _begun(time, mark, NAME - 1).append("* ").append_text(author).append(" ")
        return line, f"{self._blanks(time)}│ "

    def quote(self, time: str) -> Text:
        return Text(self._blanks(time))

    def people(self, time: str) -> Text:
        return _begun(time, "", NAME - 1)

    def change(self, time: str) -> Text:
        return _begun(time)

    def _blanks(self, time: str) -> str:
        return " " * (width(f"{time} ") * bool(time) + NAME + 1)


class _Narrow:
    """``12:07 ! Ada``, and below it the text.

    A row begins with the time or a sign of chatty's own, and so passes for none of a text.
    """

    def text(self, time: str, mark: str, author: Text, *, follows: bool) -> tuple[Text, str]:
        if follows:
            return Text(INDENT), INDENT
        line = _begun(time, mark or ("" if time else "·")).append_text(author)
        return line.append(f"\n{INDENT}"), INDENT

    def action(self, time: str, mark: str, author: Text) -> tuple[Text, str]:
        return _begun(time, mark).append("* ").append_text(author).append(" "), INDENT

    def quote(self, time: str) -> Text:
        return Text()

    def people(self, time: str) -> Text:
        return _begun(time) if time else Text(INDENT)

    def change(self, time: str) -> Text:
        return _begun(time)


_WIDE: Final = _Wide()
_NARROW: Final = _Narrow()


def _begun(time: str, mark: str = "", columns: int = 0) -> Text:
    """The ``time`` and, at the left of so many ``columns``, the ``mark``."""
    line = Text().append(f"{time} ", style="dim") if time else Text()
    needed = len(mark) + 1 if mark else 0
    return line.append(f"{mark:<{max(columns, needed)}}", style="bold" if MENTION in mark else "dim")
