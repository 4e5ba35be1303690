"""How a room looks: events in, rich texts out. It knows neither a terminal nor a connection.

Everything that came from other people is cleaned here, once, on its way in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, assert_never
from zlib import crc32

from rich.text import Text

from chatty.cli.join.rendering.emoji import replace_shortcodes
from chatty.cli.join.rendering.markdown import HIGHLIGHTED_CHARACTERS, has_markup, rows
from chatty.cli.join.rendering.mentions import is_mention
from chatty.cli.join.rendering.notices import (
    failure,
    head,
    mention_elsewhere,
    missing,
    more,
    news,
    not_sent,
    notice,
    skipped,
)
from chatty.cli.terminal.cleaning import VERIFIED, clean, clean_name, clean_names
from chatty.cli.terminal.phrases import change, comings, moderator_name
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
from chatty.names import compare_key, same

__all__ = [
    "View", "color", "counted", "failure", "head", "mention_elsewhere", "missing", "more", "news", "not_sent", "notice",
    "skipped",
]  # fmt: skip

COLORS: Final = (
    "red", "green", "yellow", "blue", "magenta", "cyan",
    "bright_red", "bright_green", "bright_yellow", "bright_blue", "bright_magenta", "bright_cyan",
)  # fmt: skip
"""The terminal's own colours: its theme has ones that can be read on it."""

NAME: Final = 10
"""Columns that names are aligned in. A longer one is shown whole: cut short, it could be somebody else's."""
NAMES: Final = 8
"""Names on one line of people that reacted, or wrote what was deleted; more are counted."""
REACTIONS: Final = 12
"""Kinds of reactions shown with a message."""

ROWS: Final = 2_000
"""Rows, beyond the first of each text, that are shown at once. Of a text that has more, the beginning is shown."""
FEW: Final = 8
"""Rows, beyond the first, that any text may have."""
ROW: Final = 80
"""Characters that count as a row, wherever the row is broken."""

MENTION: Final = "!"
EDIT: Final = "✎"


def color(name: str) -> str:
    """The colour of ``name``: always the same one, here and in every terminal."""
    return COLORS[crc32(compare_key(name).encode("utf-8", "replace")) % len(COLORS)]


class View:
    """Renders a room's events in order, each day under its own line.

    ``local`` turns an aware time into the reader's own, as
    ``datetime.astimezone`` does. ``me`` is the reader's name: messages that
    mention it are marked. ``timestamps`` says whether each line begins with
    the time. Both may be set anew at any time. With ``numbered``, each message
    is followed by the number that commands know it by.
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
        """The lines that show ``events``. People that come, go or react to one message in succession share a line,
        and so do deletions by one moderator.

        There is none for a change of a message that was shown changed already.
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

    def _shared(self, event: Happening) -> tuple[date, int | str | None] | None:
        """A key that is equal for events that share a line if they follow each other; None: ``event`` has its own."""
        match event:
            case ParticipantJoined() | ParticipantLeft():
                return self._local(event.time).date(), None
            case Reaction(of=of):
                return self._local(event.time).date(), of
            case MessageDeleted(participant=name, author=author) if author:
                return self._local(event.time).date(), name
            case _:
                return None

    def _together(self, events: Sequence[Happening]) -> Iterator[Text]:
        if not events:
            return
        when = self._local(events[-1].time)
        match events[-1]:
            case Reaction(of=of):
                reactions = [event for event in events if isinstance(event, Reaction)]
                words = f"{_reactions(reactions)} → {self._quotes.about(of)}"
            case MessageDeleted() as last:
                words = f"-- {change(last) if len(events) == 1 else _deletions(events, last.participant)}"
            case _:
                words = comings(events)
        if not words:
            return
        yield from self._new_day(when)
        yield self._together_at(when, words)

    def comings(self, events: Sequence[Happening]) -> Text:
        """The line that shows joins and leaves, before it is to stay; empty if all are as before."""
        words = comings(events)
        return self._together_at(self._local(events[-1].time), words) if words else Text()

    def _together_at(self, when: datetime, words: str) -> Text:
        return self._begin(Text(), when, "", NAME - 1).append(words, style="dim")

    def _line(self, when: datetime, event: Happening) -> Text:
        match event:
            case Message():
                return self._message(when, event)
            case MessageEdited(participant=participant, of=of, text=text):
                begin = self._begin_action if self._quotes.is_action(of) else self._begin_text
                mark = f"{EDIT} {MENTION}" if self._mentions_me(participant, text) else EDIT
                line = Text()
                return self._add_body(line, text, begin(line, when, participant, mark, event.verified), mark)
            case RoomClosed():
                return self._begin(Text(), when).append(f"-- {change(event)}", style="bold")
            case MessageDeleted() | Moderated() | TopicChanged() | ParticipantRenamed():
                return self._begin(Text(), when).append(f"-- {change(event)}", style="dim")
            case ParticipantJoined() | ParticipantLeft() | Reaction():
                raise TypeError(event)  # these share a line, see `_together`
            case _:
                assert_never(event)

    def _message(self, when: datetime, event: Message) -> Text:
        begin = self._begin_action if event.action and not event.deleted else self._begin_text
        text = "" if event.deleted else event.text
        mark = MENTION if self._mentions_me(event.participant, text) else ""
        line = self._answered(event)
        column = begin(line, when, event.participant, mark, event.verified)
        number = f"  #{event.seq}" if self._numbered else ""
        return self._add_body(line, text, column, mark, f"{_history(event)}{number}")

    def _mentions_me(self, participant: str, text: str) -> bool:
        return not same(participant, self.me) and is_mention(text, self.me)

    def _begin_text(self, line: Text, when: datetime, name: str, mark: str, verified: bool) -> int:
        """Begin ``line`` for a text by ``name``. Gives the column in which its rows go on."""
        author = _author(name, verified=verified)
        self._begin(line, when, mark, NAME - width(author.plain))
        column = width(line.plain.rpartition("\n")[2]) + width(author.plain) + 1
        line.append_text(author).append(" │ ", style="dim")
        return column

    def _begin_action(self, line: Text, when: datetime, name: str, mark: str, verified: bool) -> int:
        """As `_begin_text`, for an action of ``name``."""
        self._begin(line, when, mark, NAME - 1).append("* ")
        line.append_text(_author(name, verified=verified)).append(" ")
        return self._time_columns + NAME + 1

    def _answered(self, event: Message) -> Text:
        """A first row with the message that ``event`` answers, if it is a reply."""
        if not event.reply_to:
            return Text()
        indent = " " * (self._time_columns + NAME + 1)
        return Text().append(f"{indent}↪ {self._quotes.about(event.reply_to)}\n", style="dim")

    @property
    def _time_columns(self) -> int:
        return len("12:00 ") if self.timestamps else 0

    def _begin(self, line: Text, when: datetime, mark: str = "", columns: int = 0) -> Text:
        """Add the time to ``line`` and, at the left of so many ``columns``, the ``mark``."""
        if self.timestamps:
            line.append(f"{when:%H:%M} ", style="dim")
        needed = len(mark) + 1 if mark else 0
        return line.append(f"{mark:<{max(columns, needed)}}", style="bold" if MENTION in mark else "dim")

    def _add_body(self, line: Text, text: str, column: int, mark: str, suffix: str = "") -> Text:
        """Add ``text`` to ``line``, with its further rows from ``column`` on, and behind it the ``suffix``.

        Code has nothing but blanks before it, so that it can be copied.
        """
        text, left_out = self._beginning(text.expandtabs())
        text = clean(text)
        start = len(line)
        on_its_own = False  # whether the suffix needs a row of its own
        if has_markup(text):
            on_its_own = self._add_rows(line, text, column)
        else:
            line.append(_indent(text, column, "│ "))
        if MENTION in mark:
            line.stylize("bold", start)
        if left_out:
            on_its_own = True
            line.append(f"\n{' ' * column}│ {left_out}", style="dim")
        if suffix and on_its_own:
            suffix = f"\n{' ' * column}│ {suffix.strip()}"
        return line.append(suffix, style="dim")

    def _beginning(self, text: str) -> tuple[str, str]:
        """As much of ``text`` as the rows that are left can show, and words for the rest."""
        further, left = text.count("\n") + len(text) // ROW, max(self._rows, FEW)
        self._rows = max(0, self._rows - further)
        if further <= left:
            return text, ""
        shown = "\n".join(text[: ROW * (left + 1)].split("\n", left + 1)[: left + 1])
        lines, characters = text.count("\n", len(shown)), len(text) - len(shown)
        return shown, f"… {counted(lines, 'more line')}" if lines else f"… {counted(characters, 'more character')}"

    def _add_rows(self, line: Text, text: str, column: int) -> bool:
        """Add to ``line`` the rows of a text that has markup. Gives whether the last one is code."""
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
        if self._day is None or when.date() > self._day:  # what settles later than it happened begins no day
            self._day = when.date()
            yield Text(f"── {when:%A} {when.day} {when:%B %Y} ──", style="dim")


def _author(name: str, *, verified: bool) -> Text:
    """A name in its colour. If it is verified, it is bold, with a mark before it, where nobody can write one."""
    if not verified:
        return Text(clean_name(name), style=color(name))
    return Text.assemble((f"{VERIFIED} ", "bold green"), (clean_name(name), f"bold {color(name)}"))


def _indent(text: str, column: int, mark: str = "") -> str:
    return text.replace("\n", f"\n{' ' * column}{mark}")


def counted(count: int, what: str) -> str:
    """``what``, so many times, in words: ``1 message``, ``2,000 messages``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _sign(reaction: str) -> str:
    return clean(replace_shortcodes(reaction), newlines=False)


def _history(event: Message) -> str:
    """Edits of, and reactions to, ``event`` since it was sent, to stand behind it."""
    if event.deleted:
        return "(deleted)"
    counts = sorted(event.reactions.items(), key=lambda item: -item[1])
    signs = "".join(f"  {_sign(reaction)} {count:,}" for reaction, count in counts[:REACTIONS])
    edited = " (edited)" if event.edited else ""
    more = "  …" if len(counts) > REACTIONS else ""
    return f"{edited}{signs}{more}"


def _reactions(reactions: Sequence[Reaction]) -> str:
    """Reactions, one after the other: ``bob 👍, carol took back 🎉``."""
    shown = [_reaction(reaction) for reaction in reactions[:NAMES]]
    if len(reactions) > NAMES:
        shown.append(f"{len(reactions) - NAMES:,} more")
    return ", ".join(shown)


def _reaction(event: Reaction) -> str:
    did = f"took back {_sign(event.reaction)}" if event.removed else _sign(event.reaction)
    return f"{clean_name(event.participant)} {did}"


def _deletions(events: Sequence[Happening], moderator: str) -> str:
    """Deletions of messages of others, by one moderator, in words."""
    authors = list(dict.fromkeys(event.author for event in events if isinstance(event, MessageDeleted)))
    more = f", {len(authors) - NAMES:,} more" if len(authors) > NAMES else ""
    count = counted(len(events), "message")
    return f"{moderator_name(moderator)} deleted {count} of {clean_names(authors[:NAMES])}{more}"
