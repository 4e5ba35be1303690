"""Events as plain lines for a person or a grep: ``12:00  alice │ hello``. What came from somebody else is cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import assert_never

from chatty.cli.environment import Environment
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.folding import columns_of, folded
from chatty.cli.terminal.quotes import Quotes, leave, passage
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

__all__ = ["Plain", "plain_for"]


def plain_for(env: Environment) -> Plain:
    """Lines for a command's standard output, whatever that is."""
    return Plain(datetime.fromtimestamp(env.now()).astimezone().date(), columns=lambda: columns_of(env.stdout))


class Plain:
    """Lines for events, in order. A new day gets a line of its own, but for ``today``.

    ``local`` turns an aware time into the reader's own. ``columns`` gives the
    width of the terminal that the lines are for, where they are folded; 0: it is none.
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
        """The lines that show ``event``; every line of a text begins as none that chatty says does.

        A change of a message that was already shown as changed has none.
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
                yield from _said(f"{start}✎ {_who(participant, action=self._quotes.is_action(of))}", text)
            case Reaction(participant=participant, of=of, reaction=reaction, removed=removed):
                way = "took back " if removed else ""
                yield f"{start}-- {_name(participant)} {way}{_name(reaction)} → {self._quotes.about(of)}"
            case ParticipantJoined(participant=participant):
                yield f"{start}-- {_name(participant)} joined"
            case ParticipantLeft(participant=participant, reason=reason):
                yield f"{start}-- {_name(participant)} {leave(reason)}"
            case MessageDeleted() | TopicChanged() | ParticipantRenamed() | RoomClosed():
                yield f"{start}-- {passage(event)}"
            case _:
                assert_never(event)

    def _message(self, start: str, event: Message) -> Iterator[str]:
        if event.reply_to:
            yield f"{start}↪ {self._quotes.about(event.reply_to)}"
        if event.deleted:
            yield f"{start}-- {_name(event.participant)}: (deleted)"
            return
        since = " (edited)" if event.edited else ""
        yield from _said(f"{start}{_who(event.participant, action=event.action)}", event.text, since)
        if event.reactions:
            counts = "  ".join(f"{_name(reaction)} {count:,}" for reaction, count in event.reactions.items())
            yield f"{start}-- {counts}"


def _said(start: str, text: str, since: str = "") -> Iterator[str]:
    """The lines of ``text`` behind ``start``, the last one with what became of it ``since``."""
    first, *more = f"{clean(text)}{since}".split("\n")
    yield f"{start}{first}"
    indent = " " * len(start.removesuffix("│ ").rstrip())
    for line in more:
        yield f"{indent} │ {line}"


def _who(name: str, *, action: bool) -> str:
    return f"* {_name(name)} " if action else f"{_name(name)} │ "


def _name(name: str) -> str:
    return clean(name, newlines=False)
