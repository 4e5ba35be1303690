"""How the rooms are shown: with a prompt that stays at the bottom, or as plain lines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from prompt_toolkit.input import create_input
from rich.text import Text

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.join.rendering import view
from chatty.cli.join.rooms.open_rooms import OpenRooms
from chatty.cli.join.window.editor import edited
from chatty.cli.join.window.history import FileHistory
from chatty.cli.join.window.notify import Notifier
from chatty.cli.join.window.pager import paged
from chatty.cli.join.window.prompt import Prompt
from chatty.cli.join.window.screen import Painter, Screen, TerminalOutput
from chatty.cli.join.window.title import Title
from chatty.cli.terminal.cleaning import clean_name
from chatty.cli.terminal.folding import columns_of

__all__ = ["Face", "Inline", "Plain"]

READ: Final = 65_536


class Face(Protocol):
    """Shows the rooms, and takes the lines that are typed."""

    @property
    def lent(self) -> bool:
        """Whether another program has the terminal, and gets its Ctrl-C: an editor."""

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines that have to run beside the rooms."""

    def leave_behind(self, lines: list[Text]) -> None:
        """Afterwards: show ``lines``, and a draft that must not be lost."""


class Inline:
    """The prompt and the status line at the bottom. Everything else goes into the terminal's own scrollback."""

    def __init__(self, env: Environment, rooms: OpenRooms) -> None:
        self._env = env
        self._rooms = rooms
        self._painter = Painter(color=False)
        self._output = TerminalOutput.of(env.stdout, env.environ.get("TERM"))
        self._title = Title(self._output)
        self._prompt = Prompt(
            rooms,
            history=lambda desk: FileHistory(rooms.directory(desk) / "history", rooms.warn_once),
            input=create_input(env.stdin),
            output=self._output,
            edit=partial(edited, environ=env.environ),
            pager=partial(paged, environ=env.environ),
        )
        self._prompt.app.before_render += lambda _: self._fit()
        self._recolor()
        self._notifier = Notifier(self._output.write_raw, env.environ, self._warn)
        rooms.pager = self._prompt.page if env.environ.get("PAGER") else None
        self._screen = Screen(
            self._prompt.app,
            self._painter,
            changed=rooms.changed,
            take=self._take,
            ticking=lambda: rooms.ticking,
        )

    @property
    def lent(self) -> bool:
        """Whether an editor has the terminal."""
        return self._prompt.editing

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """The prompt, and the screen above it."""
        return [self._type(), self._screen.run(), self._notifier.run()]

    def _recolor(self) -> None:
        self._painter.color = self._prompt.color = _color(self._env, self._rooms)

    async def _type(self) -> None:
        try:
            await self._prompt.app.run_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:  # the terminal is gone
            self._rooms.end(ExitStatus.HUNG_UP)

    def _take(self) -> list[Text]:
        # What these write waits in the output for the update that this is part of.
        front = self._rooms.front
        self._recolor()
        self._title.show(self._rooms.window_title())
        _notify(self._notifier, self._rooms)
        if front.clearing():
            self._prompt.app.clear()
        for text, line in front.returned():
            if self._prompt.restore(text):
                front.drafted(text, line)
        self._fit()
        return self._rooms.take()

    def _fit(self) -> None:
        self._rooms.front.fit(self._output.get_size().columns)

    def _warn(self, text: str) -> None:
        self._rooms.show(view.failure(text))

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

    def __init__(self, env: Environment, rooms: OpenRooms) -> None:
        self._env = env
        self._rooms = rooms
        self._painter = Painter(color=False, styles=False)
        self._notifier = Notifier(self._write if env.stdout.isatty() else None, env.environ, self._warn)
        self._typed = b""  # a line without an end yet

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """Reading and showing."""
        return [self._read(), self._show(), self._notifier.run()]

    def _warn(self, text: str) -> None:
        self._rooms.show(view.failure(text))

    def _write(self, text: str) -> None:
        self._env.stdout.write(text)
        self._env.stdout.flush()

    async def _show(self) -> None:
        shown = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0 if self._rooms.ticking else None):
                    await self._rooms.changed.wait()
            self._rooms.changed.clear()
            self._painter.color = self._painter.styles = _color(self._env, self._rooms)
            if self._rooms.front.connection not in (shown, "connecting"):
                shown = self._rooms.front.connection
                self._print([view.notice(shown)])
                self._rooms.front.interrupted()
            self._rooms.front.fit(columns_of(self._env.stdout))
            self._rooms.front.returned()  # they are shown, and can't be put into the terminal's own line
            self._print(self._rooms.take())
            _notify(self._notifier, self._rooms)

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
                    self._rooms.front.pressed()
                    self._rooms.front.fit(columns_of(self._env.stdout))
                    self._rooms.front.enter_plain(line.decode(errors="replace"))
        finally:
            loop.remove_reader(descriptor)
        # Nobody pressed Enter behind the rest, and leaving must not do it for them.
        await self._rooms.quit(insist=True)

    def leave_behind(self, lines: list[Text]) -> None:
        """Show ``lines``, and the draft."""
        draft = self._typed.decode(errors="replace")
        if draft.strip():
            lines = [*lines, *view.not_sent("it was still being typed", draft)]
        self._print(lines)

    def _print(self, lines: list[Text]) -> None:
        if lines:
            self._env.out(self._painter.paint(lines, columns_of(self._env.stdout)).removesuffix("\n"))


def _color(env: Environment, rooms: OpenRooms) -> bool:
    return env.color({"always": True, "never": False}.get(rooms.front.preferences.settings.color))


def _notify(notifier: Notifier, rooms: OpenRooms) -> None:
    for room, ring in rooms.rings():
        notifier.notify(room.preferences.settings.notify, room.title, f"{clean_name(ring.name)}: {ring.text}")
