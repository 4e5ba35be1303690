"""Events as plain lines for a person or a grep: ``12:00  alice │ hello``. Text of other people is cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final, assert_never

from chatty.cli.environment import Environment
from chatty.cli.terminal.cleaning import VERIFIED, clean, clean_name, uncolored
from chatty.cli.terminal.folding import columns_of, folded
from chatty.cli.terminal.output_report import output_report
from chatty.cli.terminal.phrases import change, comings, departure
from chatty.cli.terminal.quotes import Quotes
from chatty.cli.terminal.width import clip, width
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

ROW: Final = 80
"""Columns that a terminal is counted to have where it doesn't tell."""


def plain_for(env: Environment, *, brief: bool = False) -> Plain:
    """Lines for a command's standard output: a terminal, a file or a pipe. ``brief`` is as in `Plain`."""
    today = datetime.fromtimestamp(env.now()).astimezone().date()
    return Plain(today, columns=lambda: columns_of(env.stdout), brief=brief)


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
        brief: bool = False,
    ) -> None:
        self._day = today
        self._local = local
        self._columns = columns
        self._brief = brief
        self._quotes = Quotes()
        self._above = 0  # the message in the line above

    def lines(self, event: Happening) -> Iterator[str]:
        """The lines that show ``event``. No row of a text begins as a line of chatty's own does.

        There are none for a change of a message that was shown changed already.
        """
        if self._quotes.note(event):
            yield from self._folded(self._lines(event))
            self._above = event.seq if isinstance(event, Message) else 0

    def together(self, events: Sequence[Happening]) -> Iterator[str]:
        """The lines that show joins and leaves as one."""
        if line := self.comings(events):
            yield from self._folded([*self._new_day(self._local(events[-1].time)), line])
            self._above = 0

    def comings(self, events: Sequence[Happening]) -> str:
        """That line, before it is to stay and whole; empty if all are as before."""
        words = comings(events)
        return f"{self._local(events[-1].time):%H:%M}  {words}" if words else ""

    def _folded(self, lines: Iterable[str]) -> Iterator[str]:
        columns = self._columns()
        for line in lines:
            yield from folded(line, columns) if columns else [line]

    def _new_day(self, when: datetime) -> Iterator[str]:
        if when.date() != self._day:
            self._day = when.date()
            yield f"-- {self._day.isoformat()} --"

    def _lines(self, event: Happening) -> Iterator[str]:
        when = self._local(event.time)
        yield from self._new_day(when)
        start = f"{when:%H:%M}  "
        match event:
            case Message():
                yield from self._message(start, event)
            case MessageEdited(participant=participant, of=of, text=text):
                author = _author(participant, action=self._quotes.is_action(of), verified=event.verified)
                yield from self._rows(f"{start}✎ {author}", text, automatic=self._quotes.is_automatic(of))
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
        if event.reply_to and not (self._brief and event.reply_to == self._above):
            quote = f"{start}↪ {self._quotes.about(event.reply_to)}"
            yield clip(quote, columns) if self._brief and (columns := self._columns()) else quote
        if event.deleted:
            yield f"{start}-- {clean_name(event.participant)}: (deleted)"
            return
        suffix = " (edited)" if event.edited else ""
        author = _author(event.participant, action=event.action, verified=event.verified)
        yield from self._rows(f"{start}{author}", event.text, suffix, automatic=event.automatic > 0)
        if event.reactions:
            counts = "  ".join(f"{_sign(reaction)} {count:,}" for reaction, count in event.reactions.items())
            yield f"{start}-- {counts}"

    def _rows(self, start: str, text: str, suffix: str = "", *, automatic: bool) -> Iterator[str]:
        """The rows of ``text``: the first one behind ``start``, all others behind a mark."""
        text = clean(uncolored(text))
        indent = " " * width(start.removesuffix("│ ").rstrip())
        left = (self._columns() or ROW) - width(f"{indent} │ ")
        if self._brief and automatic and (report := output_report(text.expandtabs(), left)):
            left_out = [f"… {report.left_out:,} more row{'s' * (report.left_out > 1)}"] if report.left_out else []
            text = "\n".join([report.title, *left_out, *report.lines])
        first, *more = f"{text}{suffix}".split("\n")
        yield f"{start}{first}"
        for row in more:
            yield f"{indent} │ {row}"


def _author(name: str, *, action: bool, verified: bool) -> str:
    """The beginning of a line with somebody's words. The mark stands before the name, where nobody can write it."""
    name = f"{VERIFIED} {clean_name(name)}" if verified else clean_name(name)
    return f"* {name} " if action else f"{name} │ "


def _sign(reaction: str) -> str:
    return clean(reaction, newlines=False)
