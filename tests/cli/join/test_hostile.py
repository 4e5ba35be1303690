"""Not one foreign escape sequence reaches the terminal, whatever others send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatty.cli.join.rendering.view import View, failure, head, mention_elsewhere, not_sent, notice
from chatty.cli.join.window.screen import Painter
from chatty.cli.terminal.plain_lines import Plain
from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)
from tests.cli.join.hostile import LIST, Terminal, foreign, hostile_text
from tests.support.scale import scaled

NOON = "2026-11-23T12:00:00.000Z"
PAINTER = Painter(color=True)
NARROW = 30
ALL = slice(None)


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    with Terminal() as terminal:
        yield terminal


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def conversation(name: str, text: str, other: str) -> list[Happening]:
    """Everything that can happen, said by ``name`` and ``other``."""
    return [
        ParticipantJoined(1, NOON, name),
        Message(2, NOON, name, text),
        Message(3, NOON, name, text, reply_to=2, edited=9, reactions={other: 2, text: 1}),
        Message(4, NOON, other, text, reply_to=3, action=True),
        Message(5, NOON, name, "", deleted=9),
        Message(6, NOON, other, f"{name}: {text}", reply_to=5),
        MessageEdited(7, NOON, name, 2, other),
        Reaction(8, NOON, other, 2, text),
        Reaction(9, NOON, name, 4, other, removed=True),
        MessageDeleted(10, NOON, name, 6),
        TopicChanged(11, NOON, name, text),
        ParticipantRenamed(12, NOON, name, other),
        ParticipantLeft(13, NOON, other, "lost"),
        RoomClosed(14, NOON),
    ]


def joined(name: str, text: str, other: str, *columns: int, time_format: str = "%H:%M", part: slice = ALL) -> str:
    """What `chatty join` writes to terminals of so many ``columns``."""
    shown = ""
    for width in columns:
        view = View(utc, me=name, time_format=time_format)
        view.columns = width
        own = [notice(text), failure(other), *not_sent(name, text), head(name, text, [other], 2)]
        own.append(mention_elsewhere(other, name, text))
        shown += PAINTER.paint([*view.lines(conversation(name, text, other)[part]), *own], width)
    return shown


def tailed(name: str, text: str, other: str, *columns: int, part: slice = ALL) -> str:
    """What `chatty tail` writes to terminals of so many ``columns``."""
    plains = [Plain(date(2026, 11, 23), utc, columns=lambda width=width: width) for width in columns]  # type: ignore[misc]
    events = conversation(name, text, other)[part]
    return "".join(f"{line}\n" for plain in plains for event in events for line in plain.lines(event))


@given(st.randoms(use_true_random=True), st.sampled_from([slice(0, None, 2), slice(1, None, 2)]))
@settings(max_examples=scaled(1_112, least=222), suppress_health_check=list(HealthCheck), deadline=None)
def test_thousands_of_hostile_texts_names_and_topics_bring_nothing_of_their_own(
    terminal: Terminal, chance: Random, part: slice
) -> None:
    """Nine strings an example: half of three conversations, each of somebody, what they say, and somebody else.

    In full it is ten thousand strings (tests/support/scale.py). Hypothesis gives the seeds alone: to make the strings
    itself, it takes longer than all else here.
    """
    a, b, c, d, e, f, g, h, i = strings = [hostile_text(chance) for _ in range(9)]
    shown = [joined(a, b, c, 0, part=part), joined(d, e, f, NARROW, part=part), tailed(g, h, i, NARROW, part=part)]
    assert foreign(terminal.shows("".join(shown))) == [], strings


@pytest.mark.parametrize("text", LIST)
def test_each_known_trick_comes_to_nothing_wherever_it_stands(terminal: Terminal, text: str) -> None:
    for name, said in ((text, text), ("Eve", text), (text, "hello"), (text[::-1], f"**{text}** `{text}` [x]({text})")):
        assert foreign(terminal.shows(joined(name, said, text, 0, NARROW))) == []
        assert foreign(terminal.shows(joined(name, said, text, 0, NARROW, time_format=""))) == []
        assert foreign(terminal.shows(tailed(name, said, text, 0, NARROW))) == []


@pytest.mark.parametrize(
    "text", ["\x1b[5mx", "\x1b]0;x\x07", "\x9b2J", "\u202e", "a\rb", "e" + "\u0301" * 5, "\U000e0041"]
)
def test_the_watch_would_see_them(terminal: Terminal, text: str) -> None:
    assert foreign(terminal.shows(text))
    assert not foreign(terminal.shows("\x1b[1;32mour own\x1b[0m\n"))
