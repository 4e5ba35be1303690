"""The prompt: the line being typed, its keys, and the status line below. It doesn't know what a line means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    CompletionsMenu,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from chatty.cli.join.rendering.view import failure, not_sent
from chatty.cli.join.window.desks import Desk, Desks
from chatty.cli.join.window.line import Candidates, FrontLine, Line, Visible, line_keys
from chatty.cli.join.window.pointing import Pointing
from chatty.cli.join.window.room_keys import room_keys
from chatty.cli.join.window.screen import PromptApplication, TerminalOutput
from chatty.cli.terminal.cleaning import as_utf8
from chatty.cli.terminal.width import clip

__all__ = ["Prompt"]

AGAIN: Final = 3.0
"""Seconds in which the second Ctrl-C has to follow."""
SETTLE: Final = 0.5
"""Seconds after an editor in which the signal that ended it may still come in."""
ESCAPE: Final = 0.15
"""Seconds that Esc waits for the rest of a key that begins so, and then once more for a key that makes it Alt."""
SEQUENCE: Final = 1.0
"""Seconds in which Ctrl-E has to follow on Ctrl-X."""
PENDING: Final = 5
"""Rows of messages on their way, above the line."""

_STYLE = Style.from_dict(
    {
        "completion-menu": "noreverse bg:default fg:default",
        "completion-menu.completion": "noreverse bg:default fg:default",
        "completion-menu.completion.current": "reverse",
        "completion-menu.meta.completion": "noreverse dim bg:default fg:default",
        "completion-menu.meta.completion.current": "noreverse nodim bg:default fg:default",
        "scrollbar.background": "bg:default",
        "scrollbar.button": "bg:default",
    }
)


class Prompt:
    """One prompt for all ``desks``; ``app.run_async()`` runs it until ``app.exit(result=exit code)``.

    Each desk has a line of its own, which begins with its draft, and a ``history`` of what was typed. ``edit`` gives
    the draft as the person's editor leaves it, and None if there is none; ``pager`` shows a text, and gives whether it
    could. Both run in a thread.
    """

    def __init__(
        self,
        desks: Desks,
        *,
        history: Callable[[Any], History],
        input: Input,
        output: TerminalOutput,
        edit: Callable[[str], str | None],
        pager: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._desks = desks
        self._history = history
        self._lines: dict[Desk, Line] = {}
        self._open = edit
        self.color = False
        """Whether it has colours; it may be set anew at any time."""
        self._pager = pager
        self._leaving: asyncio.TimerHandle | None = None
        self._asked: Desk | None = None
        """The desk whose status line says how to leave."""
        self._pointing = Pointing(lambda: self._desk)
        self._typing = Condition(lambda: get_app().layout.current_buffer is self.buffer)  # and not the search
        self.editing = False
        """Whether an editor or a pager has the terminal, and with it Ctrl-C."""
        self._search = SearchToolbar(
            backward_search_prompt="search back: ", forward_search_prompt="search on: ", ignore_case=True
        )
        self.app = PromptApplication(
            layout=self._layout(),
            key_bindings=merge_key_bindings(
                [line_keys(self._typing), self._keys(), self._pointing.keys(self._typing), room_keys(desks)]
            ),
            style=_STYLE,
            include_default_pygments_style=False,
            color_depth=lambda: ColorDepth.DEPTH_4_BIT if self.color else ColorDepth.DEPTH_1_BIT,
            erase_when_done=True,
            input=input,
            output=output,
        )
        self.app.ttimeoutlen = ESCAPE
        self.app.key_processor.before_key_press += lambda _: self._desk.pressed()
        self.app.key_processor.after_key_press += lambda _: self._after_key()

    @property
    def _desk(self) -> Desk:
        return self._desks.front

    @property
    def buffer(self) -> Line:
        """The line of the desk in front."""
        desk = self._desks.front
        if desk not in self._lines:
            self._lines = {one: line for one, line in self._lines.items() if one in self._desks.desks}
            line = self._lines[desk] = Line(
                document=Document(desk.draft),
                multiline=True,
                history=self._history(desk),
                completer=Candidates(desk, self._desks.rooms_known),
                complete_while_typing=True,
            )
            line.on_text_changed += lambda _: self._text_changed(desk, line)
        return self._lines[desk]

    def _after_key(self) -> None:
        self._pointing.after_key()
        # Esc is a key, and the beginning of those with Alt; Ctrl-X is nothing but the beginning of others.
        begun = self.app.key_processor.key_buffer
        self.app.timeoutlen = ESCAPE if begun and begun[0].key == Keys.Escape else SEQUENCE

    @property
    def draft(self) -> str:
        """The text in the line."""
        return self.buffer.text

    def restore(self, draft: str) -> bool:
        """Put ``draft`` back into the line. False, and nothing happens, if something else has been typed since."""
        if self.buffer.text:
            return False
        self.buffer.set_document(Document(draft))
        return True

    def _layout(self) -> Layout:
        line = Window(
            FrontLine(
                lambda: self.buffer,
                input_processors=[Visible()],
                search_buffer_control=self._search.control,
                preview_search=True,
            ),
            height=self._line_height,
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=lambda number, wraps: [("bold", "> " if number == wraps == 0 else "  ")],
        )
        pending = ConditionalContainer(
            Window(FormattedTextControl(self._pending), dont_extend_height=True, wrap_lines=False),
            filter=Condition(lambda: bool(self._desk.pending())),
        )
        target = ConditionalContainer(
            Window(FormattedTextControl(self._target), height=1, wrap_lines=False),
            filter=Condition(lambda: bool(self._pointing.asking or self._desk.target())),
        )
        changing = ConditionalContainer(
            Window(FormattedTextControl(self._changing), dont_extend_height=True, wrap_lines=False),
            filter=Condition(lambda: bool(self._changing())),
        )
        status = Window(FormattedTextControl(self._status), height=1, wrap_lines=False)
        return Layout(
            HSplit([changing, pending, target, line, self._search, CompletionsMenu(max_height=8), status]),
            focused_element=line,
        )

    def _status(self) -> StyleAndTextTuples:
        return list(self._desks.status(get_app().output.get_size().columns))

    def _line_height(self) -> Dimension:
        """A long draft scrolls within half of the window, so that the room stays in sight above it."""
        return Dimension(min=1, max=max(1, get_app().output.get_size().rows // 2))

    def _changing(self) -> StyleAndTextTuples:
        rows = self._desk.rows(get_app().output.get_size().columns)
        # The blank: prompt_toolkit draws a mark twice that ends a row.
        return [("dim", "\n".join(f"{row.plain} " for row in rows))] if rows else []

    def _target(self) -> StyleAndTextTuples:
        columns = get_app().output.get_size().columns
        question = self._pointing.row
        return [("" if question else "dim", clip(f"  {question or self._desk.target()}", columns))]

    def _pending(self) -> StyleAndTextTuples:
        pending = self._desk.pending()
        rows = [text.partition("\n")[0] for text in pending[:PENDING]]
        if len(pending) > PENDING:
            rows[-1] = f"… and {len(pending) - PENDING + 1:,} more"
        return [("dim", "\n".join(f"  {row}" for row in rows))]

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        empty = Condition(lambda: not self.buffer.text)
        typing = self._typing

        @keys.add("enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._enter()

        @keys.add("escape", "enter", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self.buffer.newline(copy_margin=False)

        @keys.add(Keys.BracketedPaste, filter=typing)
        def _(event: KeyPressEvent) -> None:
            text = event.data.replace("\r\n", "\n").replace("\r", "\n")
            self.buffer.guard.pasted(text)
            self.buffer.insert_text(text)

        @keys.add("c-c", filter=typing)
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            self._interrupt()

        @keys.add("c-d", filter=typing & empty)
        def _(event: KeyPressEvent) -> None:
            self._desks.leave()

        @keys.add("pageup", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._desk.hint("scroll in your terminal; /history shows more", briefly=True)

        @keys.add("c-x", "c-e", filter=typing)
        def _(event: KeyPressEvent) -> None:
            event.app.create_background_task(self._edit())

        @keys.add("c-z")
        def _(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        return keys

    def _enter(self) -> None:
        if self._pointing.enter():
            return
        # A line feed at the end came with a paste, and shows nothing.
        desk, buffer = self._desk, self.buffer  # entering may bring another one to the front
        line = buffer.text = as_utf8(buffer.text).rstrip("\n")
        if not line.strip():
            return
        if question := buffer.guard.question(line):
            desk.hint(question)
        elif desk.enter(line):
            buffer.append_to_history()
            self._clear(desk, buffer)

    def _clear(self, desk: Desk, buffer: Line) -> None:
        buffer.reset()
        # Else the next drawing would begin to load what was typed, and show a search that had found nothing in it.
        buffer.load_history_if_not_yet_loaded()
        self._text_changed(desk, buffer)

    async def page(self, text: str) -> bool:
        """Show ``text``, which is safe to show, in the person's pager. False: that can't be started."""
        shown: list[bool] = []
        self.editing = True
        try:
            with set_app(self.app):
                await run_in_terminal(lambda: shown.append(self._pager(text)), in_executor=True)
            await asyncio.sleep(SETTLE)
        finally:
            self.editing = False
        return shown == [True]

    async def _edit(self) -> None:
        desk, buffer = self._desk, self.buffer  # while the editor is open, another one may come to the front
        before = buffer.text
        desk.begin()
        after: list[str | None] = []  # the thread puts the edited draft here, even if this is cancelled meanwhile
        self.editing = True
        try:
            try:
                await run_in_terminal(lambda: after.append(self._open(before)), in_executor=True)
            finally:
                if after and after[0] is not None:
                    buffer.set_document(Document(after[0]))
                    if desk not in self._desks.desks:
                        self._desk.show(*not_sent("its room is over", after[0]))
            if after == [None]:
                self._desk.show(failure("no editor could be started: set $VISUAL or $EDITOR to one that is there"))
                return
            await asyncio.sleep(SETTLE)
        finally:
            self.editing = False

    def _interrupt(self) -> None:
        """Ctrl-C: close the menu, else answer a question by no, clear the draft, let go of a message; twice: leave."""
        if self.buffer.complete_state:
            self.buffer.cancel_completion()
        elif self.buffer.guard.withdraw():
            self._desk.hint("")
        elif self._pointing.asking:
            self._pointing.cancel()
        elif self.buffer.text:
            self._clear(self._desk, self.buffer)
        elif self._pointing.cancel():
            return
        elif self._leaving:
            self._desks.leave()
        else:
            self._leaving = asyncio.get_running_loop().call_later(AGAIN, self._stay)
            self._asked = self._desk
            self._asked.hint("^C again to leave")

    def _text_changed(self, desk: Desk, line: Line) -> None:
        self._stay()
        if line.guard.changed(line.text):
            desk.hint("")
        desk.drafted(line.text)

    def _stay(self) -> None:
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None
        if self._asked:
            self._asked.hint("")
            self._asked = None
