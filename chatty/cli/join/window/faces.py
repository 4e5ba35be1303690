"""How a conversation is shown: with a prompt that stays at the bottom, or as plain lines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, Protocol

from prompt_toolkit.input import create_input
from rich.text import Text

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.join.conversation import Conversation
from chatty.cli.join.rendering import view
from chatty.cli.join.window.editor import edited
from chatty.cli.join.window.history import FileHistory
from chatty.cli.join.window.prompt import Prompt
from chatty.cli.join.window.screen import Painter, Screen, TerminalOutput
from chatty.cli.join.window.title import Title
from chatty.cli.terminal.folding import columns_of

__all__ = ["Face", "Inline", "Plain"]

READ: Final = 65_536


class Face(Protocol):
    """Shows a conversation, and takes the lines that are typed."""

    @property
    def lent(self) -> bool:
        """Whether another program has the terminal, and gets its Ctrl-C: an editor."""

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines that have to run beside the conversation."""

    def leave_behind(self, lines: list[Text]) -> None:
        """Afterwards: show ``lines``, and a draft that must not be lost."""


class Inline:
    """The prompt and the status line at the bottom. Everything else goes into the terminal's own scrollback."""

    def __init__(self, env: Environment, conversation: Conversation, *, color: bool) -> None:
        self._conversation = conversation
        self._output = TerminalOutput.of(env.stdout, env.environ.get("TERM"))
        self._title = Title(self._output)
        self._prompt = Prompt(
            conversation,
            history=FileHistory(env.convenience("join-history"), self._warn),
            input=create_input(env.stdin),
            output=self._output,
            color=color,
            edit=partial(edited, environ=env.environ),
        )
        self._screen = Screen(
            self._prompt.app,
            Painter(color=color),
            changed=conversation.changed,
            take=self._take,
            ticking=lambda: conversation.ticking,
        )

    @property
    def lent(self) -> bool:
        """Whether an editor has the terminal."""
        return self._prompt.editing

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """The prompt, and the screen above it."""
        return [self._type(), self._screen.run()]

    async def _type(self) -> None:
        try:
            await self._prompt.app.run_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:  # the terminal is gone
            self._conversation.end(ExitStatus.HUNG_UP)

    def _take(self) -> list[Text]:
        # Both wait in the output for the update that this is part of.
        self._title.show(self._conversation.title())
        if self._conversation.rings():
            self._output.write_raw("\a")
        if self._conversation.clearing():
            self._prompt.app.clear()
        for text, line in self._conversation.returned():
            if self._prompt.restore(text):
                self._conversation.drafted(text, line)
        return self._conversation.take()

    def _warn(self, text: str) -> None:
        self._conversation.show(view.failure(text))

    def leave_behind(self, lines: list[Text]) -> None:
        """Show ``lines``, and the draft."""
        if self._prompt.draft.strip():
            lines = [*lines, *view.not_sent("it was still being typed", self._prompt.draft)]
        self._title.restore()
        if lines:
            self._screen.show(lines)
        self._output.flush()


class Plain:
    """Lines only: for terminals that can't do more, for screen readers, for output that goes to a file.

    The terminal itself edits the line that is typed.
    """

    lent = False

    def __init__(self, env: Environment, conversation: Conversation, *, color: bool) -> None:
        self._env = env
        self._conversation = conversation
        self._painter = Painter(color=color, styles=color)
        self._typed = b""  # a line without an end yet

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """Reading and showing."""
        return [self._read(), self._show()]

    async def _show(self) -> None:
        shown = None
        while True:
            await self._conversation.changed.wait()
            self._conversation.changed.clear()
            if self._conversation.connection not in (shown, "connecting"):
                shown = self._conversation.connection
                self._print([view.notice(shown)])
            self._print(self._conversation.take())
            if self._conversation.rings() and self._env.stdout.isatty():
                self._env.stdout.write("\a")
                self._env.stdout.flush()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        descriptor = self._env.stdin.fileno()
        arrived: asyncio.Queue[bytes] = asyncio.Queue()

        def read() -> None:
            try:
                arrived.put_nowait(os.read(descriptor, READ))
            except OSError:  # the terminal is gone
                arrived.put_nowait(b"")

        loop.add_reader(descriptor, read)
        try:
            while data := await arrived.get():
                *lines, self._typed = (self._typed + data).split(b"\n")
                for line in lines:
                    self._conversation.pressed()
                    self._conversation.enter_plain(line.decode(errors="replace"))
        finally:
            loop.remove_reader(descriptor)
        # Nobody pressed Enter behind the rest, and leaving must not do it for them.
        await self._conversation.quit(insist=True)

    def leave_behind(self, lines: list[Text]) -> None:
        """Show ``lines``, and the draft."""
        draft = self._typed.decode(errors="replace")
        if draft.strip():
            lines = [*lines, *view.not_sent("it was still being typed", draft)]
        self._print(lines)

    def _print(self, lines: list[Text]) -> None:
        if lines:
            self._env.out(self._painter.paint(lines, columns_of(self._env.stdout)).removesuffix("\n"))
