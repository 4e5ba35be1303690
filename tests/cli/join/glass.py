"""A terminal in memory: what is written to it can be read as a person would see it, and it can be resized."""

from __future__ import annotations

import io
from typing import Any

import pyte
from prompt_toolkit.data_structures import Size

from chatty.cli.join.window.screen import TerminalOutput


class _Screen(pyte.Screen):
    """As pyte's, which knows no dim text: here it stands as blinking, which nothing does.

    It also shows nothing of a text behind a selector of a variant, so these are left out.
    Rows that scroll out are put into ``gone``.
    """

    def __init__(self, columns: int, lines: int, gone: list[str]) -> None:
        super().__init__(columns, lines)
        self._gone = gone

    def row(self, y: int) -> str:
        # display breaks on wide characters, whose second cell is empty
        cells: Any = self.buffer[y]
        return "".join(cells[x].data for x in range(self.columns)).rstrip()

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self._gone.append(self.row(0))
        super().index()

    def draw(self, data: str) -> None:
        super().draw(data.replace("\ufe0f", ""))

    def select_graphic_rendition(self, *attrs: int) -> None:
        known = {2: (5,), 22: (22, 25)}
        super().select_graphic_rendition(*(one for attr in attrs for one in known.get(attr, (attr,))))


class Glass(io.StringIO):
    """A stream that is a terminal of ``columns`` × ``rows``.

    ``updates`` holds all that was written, in its pieces, and ``gone`` the rows that were scrolled out.
    """

    def __init__(self, columns: int = 60, rows: int = 12) -> None:
        super().__init__()
        self.gone: list[str] = []
        self.screen = _Screen(columns, rows, self.gone)
        self._stream = pyte.Stream(self.screen)
        self.updates: list[str] = []

    def write(self, text: str) -> int:
        self.updates.append(text)
        self._stream.feed(text)
        return len(text)

    def output(self) -> TerminalOutput:
        return TerminalOutput(self, lambda: Size(rows=self.screen.lines, columns=self.screen.columns), term="xterm")

    @property
    def rows(self) -> list[str]:
        """What is to be seen, from the top; rows below the last one with text are left out."""
        rows = [self.screen.row(y) for y in range(self.screen.lines)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        return self.screen.cursor.y, self.screen.cursor.x

    def narrow(self, columns: int) -> None:
        """Make the window narrower, as terminals do that wrap the rows which no longer fit."""
        screen = self.screen
        y, x = self.cursor
        wrapped: list[str] = []
        cursor = (0, 0)
        for number in range(max(len(self.rows), y + 1)):
            row = screen.row(number)
            if number == y:
                row = row.ljust(x)
                further = max(x - 1, 0) // columns  # behind a row that just fits, it stays
                cursor = (len(wrapped) + further, x - further * columns)
            wrapped += [row[start : start + columns] for start in range(0, max(len(row), 1), columns)]
        gone = max(0, len(wrapped) - screen.lines)
        self.screen = screen = _Screen(columns, screen.lines, self.gone)
        self._stream = pyte.Stream(screen)
        for number, row in enumerate(wrapped[gone:]):
            screen.cursor_position(number + 1, 1)
            screen.draw(row)
        screen.cursor_position(cursor[0] - gone + 1, cursor[1] + 1)
