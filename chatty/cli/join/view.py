"""How a room looks: events in, rich texts out. Knows neither a terminal nor a connection.

Everything that came from somebody else is cleaned here, once, on its way in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, assert_never
from zlib import crc32

from rich.cells import cell_len
from rich.text import Text

from chatty.cli.join.emoji import replace_shortcodes
from chatty.cli.join.markdown import HIGHLIGHTED_CHARACTERS, has_markup, rows
from chatty.cli.join.mentions import is_mention
from chatty.cli.terminal import quotes
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.quotes import Quotes, passage
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
from chatty.protocol import Gap

__all__ = ["View", "color", "failure", "gap", "not_sent", "notice", "skipped"]

COLORS: Final = (
    "red", "green", "yellow", "blue", "magenta", "cyan",
    "bright_red", "bright_green", "bright_yellow", "bright_blue", "bright_magenta", "bright_cyan",
)  # fmt: skip
"""The terminal's own colours: whoever chose its theme chose ones that can be read on it."""

NAME: Final = 10
"""Columns that names are aligned in; a longer one is shown whole, since a name cut short could be anybody's."""
NAMES: Final = 8
"""Names on one line of people who came and went, or reacted; more are counted."""
REACTIONS: Final = 12
"""Kinds of reactions shown with a message."""

ROWS: Final = 2_000
"""Further rows of texts that are shown at once; of a text with more of them than are left, the beginning."""
FEW: Final = 8
"""Further rows that any text may have."""
ROW: Final = 80
"""Characters that count as a row, wherever a line is broken."""

MENTION: Final = "!"
EDIT: Final = "✎"


def color(name: str) -> str:
    """The colour of ``name``: always the same one, here and in every terminal."""
    return COLORS[crc32(name.casefold().encode("utf-8", "replace")) % len(COLORS)]


def notice(text: str) -> Text:
    """A line that chatty itself says."""
    return Text(f"-- {clean(text)}", style="dim")


def failure(text: str) -> Text:
    """A line that says what went wrong."""
    return Text(f"!! {clean(text)}", style="bold red")


def not_sent(why: str, text: str) -> Text:
    """What became of a message that did not go out, with the message, so that it isn't lost."""
    line = Text("✗ not sent: ", style="bold red", no_wrap=True)  # to be copied as it is
    line.append(clean(why, newlines=False))
    return line.append(f"\n  {_indent(clean(text), 2)}", style="not bold dim")


def gap(frame: Gap) -> Text:
    """A gap in what can be shown, in words."""
    return notice(f"gap: {quotes.gap(frame)}")


def skipped(count: int) -> Text:
    """``count`` messages that came during an absence and are not shown."""
    return Text(f"… {count:,} skipped · /history {min(count + 100, 5000)}", style="dim")


class View:
    """Renders a room's events in order, each day under its own line.

    ``local`` turns an aware time into the reader's own, as
    ``datetime.astimezone`` does. ``me`` is the reader's name: who speaks of it
    is marked. ``timestamps`` tells whether the time stands before everything.
    Both may be set anew at any time. ``numbered``: behind each message stands
    the number that commands know it by.
    """

    def __init__(
        self,
        local: Callable[[datetime], datetime] = datetime.astimezone,
        *,
        me: str = "",
        timestamps: bool = True,
        numbered: bool = False,
    ) -> None:
        self.me = me
        self.timestamps = timestamps
        self._local = local
        self._numbered = numbered
        self._day: date | None = None
        self._quotes = Quotes()
        self._highlightable = 0
        self._rows = 0

    def lines(self, events: Iterable[Happening]) -> Iterator[Text]:
        """``events`` as they are to be shown; those who come and go one after the other share a line, or who react.

        A change of a message that was already shown as changed has no line.
        """
        # Each time: a flood of code, or of line feeds, must not keep a screen waiting.
        self._highlightable, self._rows = HIGHLIGHTED_CHARACTERS, ROWS
        for shared, group in groupby(events, self._shared):
            if shared:
                yield from self._together([event for event in group if self._quotes.note(event)])
                continue
            for event in group:
                if self._quotes.note(event):
                    when = self._local(event.time)
                    yield from self._new_day(when)
                    yield self._line(when, event)
                if isinstance(event, ParticipantRenamed) and event.participant == self.me:
                    self.me = event.name

    def _shared(self, event: Happening) -> tuple[date, int | None] | None:
        """What those have in common that share a line with ``event`` if they are next to it; None: it has its own."""
        match event:
            case ParticipantJoined() | ParticipantLeft():
                return self._local(event.time).date(), None
            case Reaction(of=of):
                return self._local(event.time).date(), of
            case _:
                return None

    def _together(self, events: Sequence[Happening]) -> Iterator[Text]:
        if not events:
            return
        when = self._local(events[-1].time)
        yield from self._new_day(when)
        match events[-1]:
            case Reaction(of=of):
                words = f"{_reactions(events)} → {self._quotes.about(of)}"
            case _:
                words = "  ".join(_passages(events))
        yield self._begin(Text(), when, "", NAME - 1).append(words, style="dim")

    def _line(self, when: datetime, event: Happening) -> Text:
        match event:
            case Message():
                return self._message(when, event)
            case MessageEdited(participant=participant, of=of, text=text):
                say = self._did if self._quotes.is_action(of) else self._said
                return say(Text(), when, participant, text, EDIT)
            case RoomClosed():
                return self._begin(Text(), when).append(f"-- {passage(event)}", style="bold")
            case MessageDeleted() | TopicChanged() | ParticipantRenamed():
                return self._begin(Text(), when).append(f"-- {passage(event)}", style="dim")
            case ParticipantJoined() | ParticipantLeft() | Reaction():
                raise TypeError(event)  # these share a line, see `_together`
            case _:
                assert_never(event)

    def _message(self, when: datetime, event: Message) -> Text:
        say = self._did if event.action and not event.deleted else self._said
        text = "" if event.deleted else event.text
        since = _since(event) + f"  #{event.seq}" * self._numbered
        return say(self._answered(event), when, event.participant, text, self._mark(event), since)

    def _said(self, line: Text, when: datetime, name: str, text: str, mark: str, since: str = "") -> Text:
        """``line`` with who said what; with ``mark`` and what became of it ``since``."""
        shown = _name(name)
        self._begin(line, when, mark, NAME - cell_len(shown))
        column = cell_len(line.plain.rpartition("\n")[2]) + cell_len(shown) + 1
        line.append(shown, style=color(name)).append(" │ ", style="dim")
        return self._add_body(line, text, column, mark, since)

    def _did(self, line: Text, when: datetime, name: str, text: str, mark: str, since: str = "") -> Text:
        """As `_said`, but who did what."""
        self._begin(line, when, mark, NAME - 1).append("* ")
        line.append(_name(name), style=color(name)).append(" ")
        return self._add_body(line, text, self._time_columns + NAME + 1, mark, since)

    def _mark(self, event: Message) -> str:
        mentioned = event.participant != self.me and not event.deleted and is_mention(event.text, self.me)
        return MENTION if mentioned else ""

    def _answered(self, event: Message) -> Text:
        """A first row with what ``event`` answers, if it does."""
        if not event.reply_to:
            return Text()
        indent = " " * (self._time_columns + NAME + 1)
        return Text().append(f"{indent}↪ {self._quotes.about(event.reply_to)}\n", style="dim")

    @property
    def _time_columns(self) -> int:
        return len("12:00 ") if self.timestamps else 0

    def _begin(self, line: Text, when: datetime, mark: str = "", columns: int = 0) -> Text:
        """``line`` with the time and, left in so many ``columns``, the ``mark``."""
        if self.timestamps:
            line.append(f"{when:%H:%M} ", style="dim")
        if mark:
            columns = max(columns, 2)
        return line.append(f"{mark:<{max(columns, 0)}}", style="bold" if mark == MENTION else "dim")

    def _add_body(self, line: Text, text: str, column: int, mark: str, since: str) -> Text:
        """``line`` with ``text``, whose further rows begin at ``column``: code after blanks alone, to copy well."""
        text, left_out = self._beginning(text.expandtabs())
        text = clean(text)
        start = len(line)
        aside = False  # whether the last row is none to write behind
        if has_markup(text):
            aside = self._add_rows(line, text, column)
        else:
            line.append(_indent(text, column, "│ "))
        if mark == MENTION:
            line.stylize("bold", start)
        if left_out:
            aside = True
            line.append(f"\n{' ' * column}│ {left_out}", style="dim")
        if since and aside:
            since = f"\n{' ' * column}│ {since.strip()}"
        return line.append(since, style="dim")

    def _beginning(self, text: str) -> tuple[str, str]:
        """What is shown of ``text``, by the rows that are left, and words for what that leaves out."""
        further, left = text.count("\n") + len(text) // ROW, max(self._rows, FEW)
        self._rows = max(0, self._rows - further)
        if further <= left:
            return text, ""
        shown = "\n".join(text[: ROW * (left + 1)].split("\n", left + 1)[: left + 1])
        lines, characters = text.count("\n", len(shown)), len(text) - len(shown)
        count, what = (lines, "line") if lines else (characters, "character")
        return shown, f"… {count:,} more {what}{'s' * (count > 1)}"

    def _add_rows(self, line: Text, text: str, column: int) -> bool:
        """``line`` with the rows of a text that has markup; whether the last one is code."""
        highlight = self._highlightable > 0
        if "```" in text or "~~~" in text:
            self._highlightable -= len(text)
        code = False
        for number, (row, code) in enumerate(rows(text, highlight=highlight)):
            if number:
                line.append(f"\n{' ' * column}{'  ' if code else '│ '}")
            line.append_text(row)
        return code

    def _new_day(self, when: datetime) -> Iterator[Text]:
        if when.date() != self._day:
            self._day = when.date()
            yield Text(f"── {when:%A} {when.day} {when:%B %Y} ──", style="dim")


def _indent(text: str, column: int, mark: str = "") -> str:
    return text.replace("\n", f"\n{' ' * column}{mark}")


def _name(name: str) -> str:
    return clean(name, newlines=False)


def _reaction(reaction: str) -> str:
    return clean(replace_shortcodes(reaction), newlines=False)


def _since(event: Message) -> str:
    """What became of ``event`` since it was said, to stand after it."""
    if event.deleted:
        return "(deleted)"
    counts = sorted(event.reactions.items(), key=lambda item: -item[1])
    shown = "".join(f"  {_reaction(reaction)} {count:,}" for reaction, count in counts[:REACTIONS])
    return " (edited)" * bool(event.edited) + shown + "  …" * (len(counts) > REACTIONS)


def _reactions(events: Sequence[Happening]) -> str:
    """Who reacted and how, one after the other: ``bob 👍, carol took back 🎉``."""
    reactions = [event for event in events if isinstance(event, Reaction)]
    shown = [f"{_name(r.participant)} {'took back ' * r.removed}{_reaction(r.reaction)}" for r in reactions[:NAMES]]
    if len(events) > NAMES:
        shown.append(f"{len(events) - NAMES:,} more")
    return ", ".join(shown)


def _passages(events: Sequence[Happening]) -> Iterator[str]:
    """Who joined and who left, in words: ``→ bob, carol joined``, ``← dave left``."""
    ways: dict[str, list[str]] = {}
    for event in events:
        match event:
            case ParticipantJoined(participant=name):
                ways.setdefault("→ {} joined", []).append(name)
            case ParticipantLeft(participant=name, reason=reason):
                ways.setdefault(f"← {{}} {quotes.leave(reason)}", []).append(name)
            case _:
                raise TypeError(event)
    for way, names in ways.items():
        shown = [_name(name) for name in names[:NAMES]]
        if len(names) > NAMES:
            shown.append(f"{len(names) - NAMES:,} more")
        yield way.format(", ".join(shown))
