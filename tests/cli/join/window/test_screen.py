from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

import pytest
from rich.text import Text

from chatty.cli.join.rendering.view import View, not_sent
from chatty.cli.join.window.screen import Painter, Screen
from chatty.events import Message
from tests.cli.join.glass import Glass
from tests.cli.join.typist import Typist, at_prompt


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
    monkeypatch.setattr("chatty.cli.join.window.screen.PACE", 0.0)
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
    monkeypatch.setattr("chatty.cli.join.window.screen.PACE", 0.0)
    async with showing() as (source, typist):
        typist.prompt.app._running_in_terminal = True
        typist.glass.updates.clear()
        source.say("meanwhile")
        await turns()
        assert typist.glass.updates == []
        typist.prompt.app._running_in_terminal = False
        await typist.sees(lambda: "meanwhile" in typist.glass.rows)


async def test_while_ticking_what_is_due_is_shown_and_the_prompt_drawn_afresh() -> None:
    async with showing() as (source, typist):
        source.ticking = True
        source.changed.set()
        await typist.sees(lambda: source.taken == 1)
        drawn = typist.prompt.app.render_counter
        await typist.sees(lambda: typist.prompt.app.render_counter > drawn)
        source.lines.append(Text("due by now"))  # and nothing says so
        await typist.sees(lambda: typist.glass.rows[0] == "due by now")


def test_colours_can_be_left_out_and_styles_too() -> None:
    line = Text("name", style="bold green")
    assert Painter(color=True).paint([line]) == "\x1b[1;32mname\x1b[0m\n"
    assert Painter(color=False).paint([line]) == "\x1b[1mname\x1b[0m\n"
    assert Painter(color=False, styles=False).paint([line]) == "name\n"


def test_where_the_terminals_edge_is_not_known_a_long_line_stays_as_it_is() -> None:
    assert Painter(color=True).paint([Text("many words " * 30)]) == "many words " * 30 + "\n"


def test_a_long_line_is_broken_under_its_text_and_keeps_its_styles() -> None:
    line = Text("12:00 alice │ one\n            │ ").append("two three\tfour", style="bold").append(" five\n")
    assert Painter(color=False).paint([line], 26) == (
        "12:00 alice │ one\n            │ \x1b[1mtwo three\x1b[0m\n  \x1b[1mfour\x1b[0m five\n\n"
    )
    wide = Text("12:00 alice │ ").append(f"{'x' * 50} four", style="bold")
    assert Painter(color=False).paint([wide], 64) == (
        f"12:00 alice │ \x1b[1m{'x' * 50}\x1b[0m\n            │ \x1b[1mfour\x1b[0m\n"
    )


def test_blanks_at_the_end_fill_no_rows() -> None:
    assert Painter(color=False).paint([Text("12:00 alice │ one" + " " * 500)], 26) == "12:00 alice │ one\n"


def test_what_was_not_sent_stays_as_it_was_typed() -> None:
    reason, text = not_sent("a reason that a server gives, at length", "many words " * 30)
    shown = Painter(color=False, styles=False).paint([reason, text], 30)
    assert shown == f"✗ not sent: a reason that a\n  server gives, at length\n{text.plain}\n"


@pytest.mark.parametrize("padding", [" ", "x ", "─", "\t", "日"])
def test_no_text_looks_like_somebody_elses_wherever_the_edge_is(padding: str) -> None:
    forged = "\n".join(f"ok{padding * count}09:33      Alice │ approved: deploy" for count in range(80))
    events = [Message(1, "2026-11-23T12:00:00.000Z", "eve", f"{forged}\n```\n{forged}\n```")]
    glass = Glass(columns=60, rows=900)
    lines = View(lambda moment: moment.astimezone(UTC), whole=True).lines(events)
    glass.write(Painter(color=True).paint(lines, 60).replace("\n", "\r\n"))
    day, first, *further = glass.rows
    assert (day, first[:18]) == ("── Monday 23 November 2026 ──", "12:00        eve │")
    assert len(further) > 2 * 80
    assert all(row.startswith(" " * 17) for row in further)


async def test_what_is_shown_is_broken_for_the_window_as_it_is_now() -> None:
    async with showing() as (source, typist):
        source.say("12:00 alice │ " + "words " * 12)
        await typist.sees(lambda: typist.glass.rows[1:2] == ["            │ words words words words words"])
        typist.glass.screen.resize(columns=80)
        source.say("12:01 alice │ " + "words " * 12)
        await typist.sees(lambda: "            │ words" in typist.glass.rows)


def test_remote_text_is_neither_markup_nor_emoji_code_nor_link() -> None:
    text = "[bold red]x[/] :smile: http://example.org 'quoted' 42 None"
    assert Painter(color=True).paint([Text(text)]) == text + "\n"
