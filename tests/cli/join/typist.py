"""A prompt without a process: keys go in by a pipe, what it draws goes to a `Glass`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from rich.text import Text

from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.selection import Selection
from chatty.cli.join.window.prompt import Prompt
from tests.cli.join.glass import Glass

PATIENCE = 20.0


class Desk:
    """Notes what is typed into it; refuses what begins with "bad". ``incoming`` has messages to point at."""

    draft = ""

    def __init__(self) -> None:
        self.incoming = Incoming(clock=lambda: 0.0, now=lambda: 0.0, local=lambda time: time, changed=lambda: None)
        self.incoming.look()
        self.selection = Selection(self.incoming, lambda time: time)
        self.acts: list[str] = []
        self.entered: list[str] = []
        self.said: list[str] = []
        self.hinted, self.brief = "", False
        self.changing: list[str] = []
        self.pointed = ""
        self.keys = self.begun = 0
        self.drafts: list[str] = []
        self.waiting: list[str] = []

    def enter(self, line: str) -> bool:
        self.entered.append(line)
        return not line.startswith("bad")

    def act(self, line: str) -> bool:
        self.acts.append(line)
        return True

    def show(self, *lines: Text) -> None:
        self.said += [line.plain for line in lines]

    def hint(self, text: str, *, briefly: bool = False) -> None:
        self.hinted, self.brief = text, briefly

    def rows(self, columns: int) -> list[Text]:
        return [Text(row[:columns]) for row in self.changing]

    def pressed(self) -> None:
        self.keys += 1
        if self.brief:
            self.hint("")

    def begin(self) -> None:
        self.begun += 1

    def drafted(self, draft: str) -> None:
        self.draft = draft
        self.drafts.append(draft)

    def target(self) -> str:
        return self.pointed or self.selection.row()

    def can(self) -> tuple[str, ...]:
        return ()

    def people(self) -> list[str]:
        return ["Bob", "Ada"]

    def pending(self) -> list[str]:
        return self.waiting


class Desks:
    """Several desks, the first of which is in front."""

    def __init__(self, *desks: Desk) -> None:
        self.desks = list(desks)
        self.front = desks[0]
        self.left = 0

    def leave(self) -> None:
        self.left += 1

    def status(self, columns: int) -> list[tuple[str, str]]:
        return [("", f" ● connected · {self.front.hinted}")]

    def rooms_known(self) -> list[str]:
        return ["general", "ops"]

    def turn_to(self, number: int) -> None:
        self.front = self.desks[number - 1]

    def turn(self, by: int) -> None:
        self.front = self.desks[(self.desks.index(self.front) + by) % len(self.desks)]

    def turn_to_news(self) -> None:
        self.turn(1)


class Typist:
    """A person at a prompt: presses keys and sees the screen."""

    def __init__(self, prompt: Prompt, keys: PipeInput, glass: Glass, desks: Desks) -> None:
        self.prompt, self.glass, self.desks, self.desk = prompt, glass, desks, desks.front
        self.running = asyncio.create_task(prompt.app.run_async(handle_sigint=False, set_exception_handler=False))
        self._keys = keys
        self._drawn = asyncio.Event()
        prompt.app.after_render += lambda _: self._drawn.set()

    async def press(self, keys: str | bytes, until: Callable[[], bool]) -> None:
        self._keys.send_bytes(keys if isinstance(keys, bytes) else keys.encode())
        await self.sees(until)

    async def sees(self, what: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not what():
                    self._drawn.clear()
                    await self._drawn.wait()
        except TimeoutError:
            raise AssertionError("\n".join(self.glass.rows)) from None


class Editor:
    """An editor, for `at_prompt`: is ``opened``, and adds something to the draft when a test says that it is saved."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.saved = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, draft: str) -> str:
        self._loop.call_soon_threadsafe(self.opened.set)
        self.saved.wait()
        return f"{draft}, and more"


@asynccontextmanager
async def at_prompt(
    history: History | None = None,
    *,
    columns: int = 60,
    rows: int = 12,
    edit: Callable[[str], str] = str,
    pager: Callable[[str], bool] = bool,
) -> AsyncIterator[Typist]:
    desks, glass = Desks(Desk(), Desk()), Glass(columns, rows)
    with create_pipe_input() as keys:
        prompt = Prompt(
            desks,
            history=lambda _: history or InMemoryHistory(),
            input=keys,
            output=glass.output(),
            edit=edit,
            pager=pager,
        )
        typist = Typist(prompt, keys, glass, desks)
        try:
            await typist.sees(lambda: glass.rows == [">", " ● connected ·"])
            yield typist
        finally:
            typist.running.cancel()
            await asyncio.wait([typist.running])
