"""Events as plain lines for a person or a grep: ``12:00  alice │ hello``. Text of other people is cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import assert_never

from chatty.cli.environment import Environment
from chatty.cli.terminal.cleaning import VERIFIED, clean, clean_name, uncolored
from chatty.cli.terminal.folding import columns_of, folded
from chatty.cli.terminal.phrases import change, departure
from chatty.cli.terminal.quotes import Quotes
from chatty.cli.terminal.width import width
from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    Moderated,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)

__all__ = ["Plain", "plain_for"]


def plain_for(env: Environment) -> Plain:
    """Lines for a command's standard output: a terminal, a file or a pipe."""
    return Plain(datetime.fromtimestamp(env.now()).astimezone().date(), columns=lambda: columns_of(env.stdout))


class Plain:
    """Lines for events, in order. Each new day gets a line of its own, ``today`` excepted.

    ``local`` turns an aware time into the reader's own. ``columns`` gives the
    width of the terminal that the lines are for: they are folded there. With 0
    they are for a file or a pipe.
    """

    def __init__(
        self,
        today: date,
        local: Callable[[datetime], datetime] = datetime.astimezone,
        *,
        columns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._day = today
        self._local = local
        self._columns = columns
        self._quotes = Quotes()

    def lines(self, event: Happening) -> Iterator[str]:
        """The lines that show ``event``. No row of a text begins as a line of chatty's own does.

        There are none for a change of a message that was shown changed already.
        """
        columns = self._columns()
        for line in self._lines(event):
            yield from folded(line, columns) if columns else [line]

    def _lines(self, event: Happening) -> Iterator[str]:
        if not self._quotes.note(event):
            return
        when = self._local(event.time)
        if when.date() != self._day:
            self._day = when.date()
            yield f"-- {self._day.isoformat()} --"
        start = f"{when:%H:%M}  "
        match event:
            case Message():
                yield from self._message(start, event)
            case MessageEdited(participant=participant, of=of, text=text):
                author = _author(participant, action=self._quotes.is_action(of), verified=event.verified)
                yield from _rows(f"{start}✎ {author}", text)
            case Reaction(participant=participant, of=of, reaction=reaction, removed=removed):
                did = f"took back {_sign(reaction)}" if removed else _sign(reaction)
                yield f"{start}-- {clean_name(participant)} {did} → {self._quotes.about(of)}"
            case ParticipantJoined(participant=participant):
                yield f"{start}-- {clean_name(participant)} joined"
            case ParticipantLeft(participant=participant, reason=reason):
                yield f"{start}-- {clean_name(participant)} {departure(reason)}"
            case MessageDeleted(of=of):
                yield f"{start}-- {change(event, self._quotes.said(of, self._local, when))}"
            case Moderated() | TopicChanged() | ParticipantRenamed() | RoomClosed():
                yield f"{start}-- {change(event)}"
            case _:
                assert_never(event)

    def _message(self, start: str, event: Message) -> Iterator[str]:
        if event.reply_to:
            yield f"{start}↪ {self._quotes.about(event.reply_to)}"
        if event.deleted:
            yield f"{start}-- {clean_name(event.participant)}: (deleted)"
            return
        suffix = " (edited)" if event.edited else ""
        yield from _rows(
            f"{start}{_author(event.participant, action=event.action, verified=event.verified)}", event.text, suffix
        )
        if event.reactions:
            counts = "  ".join(f"{_sign(reaction)} {count:,}" for reaction, count in event.reactions.items())
            yield f"{start}-- {counts}"


def _rows(start: str, text: str, suffix: str = "") -> Iterator[str]:
    """The rows of ``text``: the first one behind ``start``, all others behind a mark."""
    first, *more = f"{clean(uncolored(text))}{suffix}".split("\n")
    yield f"{start}{first}"
    indent = " " * width(start.removesuffix("│ ").rstrip())
    for row in more:
        yield f"{indent} │ {row}"


def _author(name: str, *, action: bool, verified: bool) -> str:
    """The beginning of a line with somebody's words. The mark stands before the name, where nobody can write it."""
    name = f"{VERIFIED} {clean_name(name)}" if verified else clean_name(name)
    return f"* {name} " if action else f"{name} │ "


def _sign(reaction: str) -> str:
    return clean(reaction, newlines=False)
