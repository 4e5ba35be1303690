"""The prompt: the line being typed, its keys, and the status line below. It doesn't know what a line means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.buffer import Buffer
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
from rich.text import Text

from chatty.cli.join.rendering.view import failure
from chatty.cli.join.window.line import Candidates, FrontLine, Visible
from chatty.cli.join.window.paste import PasteGuard
from chatty.cli.join.window.pointing import Pointed, Pointing
from chatty.cli.join.window.room_keys import room_keys
from chatty.cli.join.window.screen import PromptApplication, TerminalOutput
from chatty.cli.terminal.cleaning import as_utf8
from chatty.cli.terminal.width import clip

__all__ = ["Desk", "Desks", "Prompt"]

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


class Desk(Pointed, Protocol):
    """The side of a conversation that the prompt types into."""

    def enter(self, line: str) -> bool:
        """A line was entered. False: it was refused, and stays in the prompt."""

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""

    def pending(self) -> list[str]:
        """The messages on their way, oldest first, safe to show."""

    def rows(self, columns: int) -> list[Text]:
        """The rows that change by themselves, each at most so many ``columns`` wide."""

    def pressed(self) -> None:
        """A key was pressed."""

    def begin(self) -> None:
        """A line is begun out of sight: in an editor."""

    def drafted(self, draft: str) -> None:
        """The line is ``draft`` now."""

    def target(self) -> str:
        """The message that the line is about, safe to show; empty if it isn't about one."""

    def people(self) -> list[str]:
        """The others, the latest to speak first."""

    def can(self) -> Collection[str]:
        """The rights that one has here."""

    draft: str
    """The line that is being typed."""


class Desks(Protocol):
    """All that can be typed into, each with a line of its own, and the keys that concern them all."""

    @property
    def front(self) -> Desk:
        """The one that is typed into."""

    @property
    def desks(self) -> Collection[Desk]:
        """All of them."""

    def leave(self) -> None:
        """The person wants to leave."""

    def status(self, columns: int) -> list[tuple[str, str]]:
        """The status line, as pairs of style and text."""

    def rooms_known(self) -> list[str]:
        """The names of the rooms that one could go to."""

    def turn_to(self, number: int) -> None:
        """Bring desk ``number`` to the front."""

    def turn(self, by: int) -> None:
        """Bring the next one to the front, or the previous one."""

    def turn_to_news(self) -> None:
        """Bring the next one to the front in which something is new."""


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
        self._lines: dict[Desk, Buffer] = {}
        self._open = edit
        self.color = False
        """Whether it has colours; it may be set anew at any time."""
        self._pager = pager
        self._leaving: asyncio.TimerHandle | None = None
        self._guard = PasteGuard()
        self._pointing = Pointing(lambda: self._desk)
        self._typing = Condition(lambda: get_app().layout.current_buffer is self.buffer)  # and not the search
        self.editing = False
        """Whether an editor or a pager has the terminal, and with it Ctrl-C."""
        self._search = SearchToolbar(
            backward_search_prompt="search back: ", forward_search_prompt="search on: ", ignore_case=True
        )
        self.app = PromptApplication(
            layout=self._layout(),
            key_bindings=merge_key_bindings([self._keys(), self._pointing.keys(self._typing), room_keys(desks)]),
            style=_STYLE,
            include_default_pygments_style=False,
            color_depth=lambda: ColorDepth.DEPTH_4_BIT if self.color else ColorDepth.DEPTH_1_BIT,
            erase_when_done=True,
            input=input,
            output=output,
        )
        self.app.ttimeoutlen = ESCAPE
        self.app.key_processor.before_key_press += lambda _: self._before_key()
        self.app.key_processor.after_key_press += lambda _: self._after_key()

    @property
    def _desk(self) -> Desk:
        return self._desks.front

    @property
    def buffer(self) -> Buffer:
        """The line of the desk in front."""
        desk = self._desks.front
        if desk not in self._lines:
            self._lines = {one: line for one, line in self._lines.items() if one in self._desks.desks}
            self._lines[desk] = Buffer(
                document=Document(desk.draft),
                multiline=True,
                history=self._history(desk),
                completer=Candidates(desk, self._desks.rooms_known),
                complete_while_typing=True,
                on_text_changed=lambda line: self._text_changed(desk, line.text),
            )
        return self._lines[desk]

    def _before_key(self) -> None:
        self._desk.pressed()
        self._pointing.before_key()

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
            self._guard.pasted(text)
            self.buffer.insert_text(text)

        @keys.add("c-c", filter=typing)
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            self._interrupt()

        @keys.add("c-d", filter=typing & empty)
        def _(event: KeyPressEvent) -> None:
            self._desks.leave()

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
        if question := self._guard.question(line):
            desk.hint(question)
        elif desk.enter(line):
            buffer.append_to_history()
            self._clear(desk, buffer)

    def _clear(self, desk: Desk, buffer: Buffer) -> None:
        buffer.reset()
        # Else the next drawing would begin to load what was typed, and show a search that had found nothing in it.
        buffer.load_history_if_not_yet_loaded()
        desk.drafted("")

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
        before = self.draft
        self._desk.begin()
        after: list[str | None] = []  # the thread puts the edited draft here, even if this is cancelled meanwhile
        self.editing = True
        try:
            try:
                await run_in_terminal(lambda: after.append(self._open(before)), in_executor=True)
            finally:
                if after and after[0] is not None:
                    self.buffer.set_document(Document(after[0]))
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
        elif self._guard.withdraw():
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
            self._desk.hint("^C again to leave")

    def _text_changed(self, desk: Desk, draft: str) -> None:
        self._stay()
        if self._guard.changed(draft):
            desk.hint("")
        desk.drafted(draft)

    def _stay(self) -> None:
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None
            self._desk.hint("")
