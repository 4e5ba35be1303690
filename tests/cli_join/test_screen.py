from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.text import Text

from chatty.cli.join.screen import Painter, Screen
from tests.cli_join.typist import Typist, at_prompt


class Source:
    """Lines that are to be shown."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.lines: list[Text] = []
        self.taken = 0
        self.ticking = False

    def say(self, *lines: str) -> None:
        self.lines += [Text(line) for line in lines]
        self.changed.set()

    def take(self) -> list[Text]:
        self.taken += 1
        lines, self.lines = self.lines, []
        return lines


@asynccontextmanager
async def showing() -> AsyncIterator[tuple[Source, Typist]]:
    source = Source()
    async with at_prompt() as typist:
        screen = Screen(
            typist.prompt.app,
            Painter(color=True),
            changed=source.changed,
            take=source.take,
            ticking=lambda: source.ticking,
        )
        running = asyncio.create_task(screen.run())
        yield source, typist
        running.cancel()
        await asyncio.wait([running])


async def turns(count: int = 100) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_lines_that_come_together_are_one_update() -> None:
    async with showing() as (source, typist):
        typist.glass.updates.clear()
        source.say("one")
        source.say("two", "three")
        await typist.sees(lambda: "three" in typist.glass.rows)
        assert typist.glass.rows[:3] == ["one", "two", "three"]
        assert sum("one" in update for update in typist.glass.updates) == 1
        assert sum("three" in update for update in typist.glass.updates) == 1


async def test_while_nothing_happens_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatty.cli.join.screen.PACE", 0.0)
    async with showing() as (source, typist):
        source.say("one")
        await typist.sees(lambda: "one" in typist.glass.rows)
        typist.glass.updates.clear()
        await turns()
        assert source.taken == 1
        assert typist.glass.updates == []


async def test_while_the_terminal_is_lent_nothing_is_written_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatty.cli.join.screen.PACE", 0.0)
    async with showing() as (source, typist):
        typist.prompt.app._running_in_terminal = True
        typist.glass.updates.clear()
        source.say("meanwhile")
        await turns()
        assert typist.glass.updates == []
        typist.prompt.app._running_in_terminal = False
        await typist.sees(lambda: "meanwhile" in typist.glass.rows)


async def test_while_ticking_the_prompt_is_drawn_afresh() -> None:
    async with showing() as (source, typist):
        source.ticking = True
        source.changed.set()
        await typist.sees(lambda: source.taken == 1)
        drawn = typist.prompt.app.render_counter
        await typist.sees(lambda: typist.prompt.app.render_counter > drawn)
        assert source.taken == 1


def test_colours_can_be_left_out_and_styles_too() -> None:
    line = Text("name", style="bold green")
    assert Painter(color=True).paint([line]) == "\x1b[1;32mname\x1b[0m\n"
    assert Painter(color=False).paint([line]) == "\x1b[1mname\x1b[0m\n"
    assert Painter(color=False, styles=False).paint([line]) == "name\n"


def test_a_long_line_is_left_to_the_terminal_to_wrap() -> None:
    assert Painter(color=True).paint([Text("x" * 300)]) == "x" * 300 + "\n"


def test_remote_text_is_neither_markup_nor_emoji_code_nor_link() -> None:
    text = "[bold red]x[/] :smile: http://example.org 'quoted' 42 None"
    assert Painter(color=True).paint([Text(text)]) == text + "\n"
