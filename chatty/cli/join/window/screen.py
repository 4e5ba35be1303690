"""The one writer: everything that reaches the terminal while the prompt is up goes through here.

Lines are collected and written together, above the prompt, in one write that
terminals show at once: erase the prompt, write the lines, draw the prompt.
Nothing else may write to the terminal meanwhile.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Self, TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point, Size
from prompt_toolkit.layout.screen import Screen as Drawn
from prompt_toolkit.output.vt100 import Vt100_Output
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

from chatty.cli.join.rendering.layouts import INDENT
from chatty.cli.terminal.folding import NARROW, folds, hang

__all__ = ["Painter", "PromptApplication", "Screen", "TerminalOutput", "reflowed"]

PACE: Final = 0.05
"""Seconds between two updates: lines that come in meanwhile are shown together."""
CALM: Final = 0.25
"""The same while nobody types. Each update draws the prompt anew, which costs more than a line does."""
TYPING: Final = 1.0
"""Seconds after a key in which somebody is still typing."""

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""A synchronized update: the terminal shows everything between these two at once."""


class Painter:
    """Turns rich texts into text with escapes for a terminal.

    Without ``color`` bold and dim remain; without ``styles`` nothing but the
    text does. Both may be set anew at any time. Rich gives the escapes alone: where a row ends is decided here.
    """

    def __init__(self, *, color: bool, styles: bool = True) -> None:
        self.color = color
        self.styles = styles
        self._console = Console(file=io.StringIO(), _environ={})  # knows the styles by their names

    def paint(self, lines: Iterable[Text], columns: int = 0) -> str:
        """``lines`` with the terminal's escapes, each ended by a line feed.

        Rows that are too long for so many ``columns`` are folded; 0: it is not known where they end.
        """
        return "".join(f"{self._escaped(row)}\n" for line in lines for row in _rows(line, columns))

    def _escaped(self, row: Text) -> str:
        if not self.styles:
            return row.plain
        if not row.spans:  # for these, rich leaves the style of the whole out
            row.stylize(row.style)
        return "".join(self._piece(segment.text, segment.style) for segment in row.render(self._console))

    def _piece(self, text: str, style: Style | None) -> str:
        if style is None:
            return text
        return (style if self.color else style.without_color).render(text, color_system=ColorSystem.STANDARD)


def _rows(line: Text, columns: int) -> Iterator[Text]:
    """The rows of ``line``, each of which fits the ``columns``."""
    if "\t" in line.plain:
        line = line.copy()
        line.expand_tabs(8)
    for row in line.split("\n", allow_blank=True):
        further = INDENT if columns < NARROW else hang(row.plain, columns)
        whole = [(0, len(row))]
        for start, end in whole if line.no_wrap or columns < 1 else folds(row.plain, columns, columns - len(further)):
            piece = row if (start, end) == whole[0] else row[start:end]
            yield Text(further).append_text(piece) if start else piece


class TerminalOutput(Vt100_Output):
    """prompt_toolkit's output, made to ask the terminal nothing and to write an update as a whole.

    The cursor's place is never asked for: until the answer comes nothing could
    be drawn below the prompt, and there would be a question in each update.
    """

    _held = False

    @classmethod
    def of(cls, stream: TextIO, term: str | None) -> Self:
        """The terminal that ``stream`` writes to; ``term`` is its type, as in ``TERM``."""

        def size() -> Size:
            try:
                columns, rows = os.get_terminal_size(stream.fileno())
            except OSError:
                columns, rows = 0, 0
            return Size(rows=rows or 24, columns=columns or 80)

        return cls(stream, size, term=term)

    @property
    def responds_to_cpr(self) -> bool:
        """False, whatever the terminal could do."""
        return False

    def flush(self) -> None:
        """Write the buffer, unless an update is not complete yet. If the terminal is gone, nothing happens."""
        if self._held:
            return
        try:
            super().flush()
        except OSError:  # reading fails too, and ends the conversation in order
            self._buffer.clear()

    def erase_down(self) -> None:
        """Erase from the cursor, which is in the first column, to the end of the screen."""
        # In two steps: tmux puts a screen that is erased from its corner into the scrollback.
        self.write_raw("\x1b[K\x1b[C\x1b[J\r")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Text that is written inside reaches the terminal in one write, and is shown at once. Nests."""
        if self._held:
            yield
            return
        self._held = True
        self.write_raw(BEGIN)
        try:
            yield
        finally:
            self.write_raw(END)
            self._held = False
            self.flush()


def reflowed(drawn: Drawn, cursor: Point, columns: int) -> Point:
    """The cursor's place, seen from the prompt's first row, once the terminal is only ``columns`` wide.

    Terminals wrap the rows that no longer fit, so that those above the cursor
    take more room than when they were drawn.
    """
    row = 0
    for y in range(cursor.y):
        used = max((x + cell.width for x, cell in drawn.data_buffer[y].items() if cell.char.strip()), default=1)
        row += -(-used // columns)
    # Behind a row that just fits, the cursor stays: else the row above the prompt would be taken for one of it.
    further = max(cursor.x - 1, 0) // columns
    return Point(x=cursor.x - further * columns, y=row + further)


class PromptApplication(Application[int]):
    """prompt_toolkit's application, for a prompt that stays up while the window changes and lines come in above it."""

    output: TerminalOutput

    def clear(self) -> None:
        """Clear the window. Terminals may keep its rows in their scrollback."""
        with self.output.together():
            self.renderer.clear()
            self._redraw()

    def show(self, text: str) -> None:
        """Put ``text``, complete lines, above the prompt. Not while the terminal is lent (`lent`)."""
        with self.output.together():
            if self._is_running:
                self._settle()
                self.renderer.erase()
            self.output.write_raw(text.replace("\n", "\r\n"))
            self._redraw()

    @property
    def lent(self) -> bool:
        """Whether something else has the terminal: an editor, or the shell while chatty is suspended."""
        return self._running_in_terminal

    def _settle(self) -> None:
        """After a narrower window has wrapped the prompt's rows: know again where its first one is."""
        renderer = self.renderer
        drawn, before, now = renderer.last_rendered_screen, renderer._last_size, self.output.get_size()
        if drawn is not None and before is not None and now.columns < before.columns:
            renderer._cursor_pos = reflowed(drawn, renderer._cursor_pos, now.columns)
            renderer.erase()

    def _redraw(self, render_as_done: bool = False) -> None:
        with self.output.together():
            if self._is_running and not self.lent:
                self._settle()
            super()._redraw(render_as_done)

    def _on_resize(self) -> None:
        with self.output.together():
            self._settle()
            super()._on_resize()


class Screen:
    """Shows lines above the prompt, at most every ``PACE`` or ``CALM`` seconds.

    ``changed`` is set when there is something to show, ``take`` gives the lines
    that are due. While ``ticking`` that is asked, and the prompt drawn, each second.
    """

    def __init__(
        self,
        app: PromptApplication,
        painter: Painter,
        *,
        changed: asyncio.Event,
        take: Callable[[], list[Text]],
        ticking: Callable[[], bool],
    ) -> None:
        self._app = app
        self._painter = painter
        self._changed = changed
        self._take = take
        self._ticking = ticking
        self._pressed = -TYPING
        app.key_processor.before_key_press += lambda _: self._press()

    def _press(self) -> None:
        self._pressed = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Show lines as they become due, until cancelled. Waits while the terminal is lent."""
        while True:
            try:
                async with asyncio.timeout(1.0 if self._ticking() else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
            if not self._app.lent:
                self._changed.clear()
                self.show(self._take())
            typing = asyncio.get_running_loop().time() - self._pressed < TYPING
            await asyncio.sleep(PACE if typing else CALM)

    def show(self, lines: list[Text]) -> None:
        """Show ``lines`` now, and the prompt as it is now if there is one."""
        if lines:
            self._app.show(self._painter.paint(lines, self._app.output.get_size().columns))
        else:
            self._app.invalidate()
