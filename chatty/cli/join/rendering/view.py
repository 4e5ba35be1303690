"""How a room looks: events in, rich texts out. It knows neither a terminal nor a connection.

Everything that came from other people is cleaned here, once, on its way in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, NamedTuple, assert_never
from zlib import crc32

from rich.text import Text

from chatty.cli.join.rendering.emoji import replace_shortcodes
from chatty.cli.join.rendering.excerpt import excerpt
from chatty.cli.join.rendering.layouts import EDIT, MENTION, Layout, layout_for
from chatty.cli.join.rendering.markdown import HIGHLIGHTED_CHARACTERS, has_markup, rows
from chatty.cli.join.rendering.mentions import is_mention
from chatty.cli.join.rendering.notices import (
    failure,
    head,
    mention_elsewhere,
    missing,
    news,
    not_sent,
    notice,
    skipped,
    to_copy,
)
from chatty.cli.terminal.cleaning import VERIFIED, clean, clean_name, clean_names, uncolored
from chatty.cli.terminal.output_report import output_report
from chatty.cli.terminal.phrases import RoomChange, change, comings, moderator_name
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
from chatty.names import compare_key, same

__all__ = [
    "View", "color", "counted", "failure", "head", "mention_elsewhere", "missing", "news", "not_sent", "notice",
    "skipped", "to_copy",
]  # fmt: skip

COLORS: Final = (
    "red", "green", "yellow", "blue", "magenta", "cyan", "bright_red", "bright_yellow", "bright_blue", "bright_magenta",
)  # fmt: skip
"""Colours of the terminal's own theme. Some themes have greys for the others, hardly to be read."""

NAMES: Final = 8
"""Names on one line of people that reacted, or wrote what was deleted; more are counted."""
REACTIONS: Final = 12
"""Kinds of reactions shown with a message."""
ROW: Final = 80
"""Columns that a text is counted to have where this isn't known."""
TIME: Final = "%H:%M"


def color(name: str) -> str:
    """The colour of ``name``: always the same one, here and in every terminal."""
    return COLORS[crc32(compare_key(name).encode("utf-8", "replace")) % len(COLORS)]


class _Said(NamedTuple):
    """What ``author`` said, or did."""

    seq: int
    author: str
    text: str
    action: bool
    verified: bool
    automatic: bool
    """Whether a program said it."""


class _Above(NamedTuple):
    """The line directly above: message ``seq``, and its ``author`` as shown if the same one's text may go on below."""

    seq: int
    author: str


NOTHING: Final = _Above(0, "")


class View:
    """Renders a room's events in order, each day under its own line.

    ``local`` turns an aware time into the reader's own, as
    ``datetime.astimezone`` does. With ``numbered``, each message is followed by
    the number that commands know it by. All that is public may be set anew at
    any time.
    """

    def __init__(
        self,
        local: Callable[[datetime], datetime] = datetime.astimezone,
        *,
        me: str = "",
        time_format: str = TIME,
        numbered: bool = False,
        whole: bool = False,
    ) -> None:
        self.me = me
        """The reader's name: messages that mention it are marked."""
        self.highlight: tuple[str, ...] = ()
        """Words that count as a mention wherever they stand."""
        self.time_format = time_format
        """How the time is shown with each line, as for ``strftime``; empty: it isn't."""
        self.columns = 0
        """Columns of the window that the lines are for; 0: unknown, and wide enough for everything."""
        self.whole = whole
        """Whether texts are shown whole, however long they are."""
        self._local = local
        self._numbered = numbered
        self._day: date | None = None
        self._quotes = Quotes()
        self._above = NOTHING
        self._highlightable = 0

    @property
    def _layout(self) -> Layout:
        return layout_for(self.columns)

    def apart(self, *, whole: bool = False) -> View:
        """A view of the same kind for messages that don't follow what was shown here, with their numbers."""
        view = View(self._local, me=self.me, time_format=self.time_format, numbered=True, whole=whole)
        view.highlight, view.columns = self.highlight, self.columns
        return view

    def interrupted(self) -> None:
        """Something else was shown below the lines that this view gave."""
        self._above = NOTHING

    def lines(self, events: Iterable[Happening]) -> Iterator[Text]:
        """The lines that show ``events``. People that come, go or react to one message in succession share a line,
        and so do deletions by one moderator.

        There is none for a change of a message that was shown changed already.
        """
        self._highlightable = HIGHLIGHTED_CHARACTERS  # each time: a flood of code must not keep a screen waiting
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
                alone = len(events) == 1
                words = f"-- {self._change(when, last) if alone else _deletions(events, last.participant)}"
            case _:
                words = comings(events)
        if not words:
            return
        yield from self._new_day(when)
        self._above = NOTHING
        yield self._together_at(when, words)

    def comings(self, events: Sequence[Happening]) -> Text:
        """The line that shows joins and leaves, before it is to stay; empty if all are as before."""
        words = comings(events)
        return self._together_at(self._local(events[-1].time), words) if words else Text()

    def _together_at(self, when: datetime, words: str) -> Text:
        return self._layout.people(self._time(when)).append(words, style="dim")

    def _line(self, when: datetime, event: Happening) -> Text:
        match event:
            case Message():
                return self._message(when, event)
            case MessageEdited():
                return self._edit(when, event)
            case MessageDeleted() | Moderated() | TopicChanged() | ParticipantRenamed() | RoomClosed():
                self._above = NOTHING
                style = "bold" if isinstance(event, RoomClosed) else "dim"
                return self._layout.change(self._time(when)).append(f"-- {self._change(when, event)}", style=style)
            case ParticipantJoined() | ParticipantLeft() | Reaction():
                raise TypeError(event)  # these share a line, see `_together`
            case _:
                assert_never(event)

    def _change(self, when: datetime, event: RoomChange) -> str:
        said = self._quotes.said(event.of, self._local, when) if isinstance(event, MessageDeleted) else ""
        return change(event, said)

    def _message(self, when: datetime, event: Message) -> Text:
        text = "" if event.deleted else event.text
        mark = MENTION if self._mentions_me(event.participant, text) else ""
        action, automatic = event.action and not event.deleted, event.automatic > 0
        said = _Said(event.seq, event.participant, text, action, event.verified, automatic)
        line = Text()
        if event.reply_to and event.reply_to != self._above.seq:
            line = self._layout.quote(self._time(when))
            quote = f"↪ {self._quotes.about(event.reply_to)}"
            line.append(f"{clip(quote, self._left(line.plain))}\n", style="dim")
            self._above = NOTHING
        number = f"  #{event.seq}" if self._numbered else ""
        return line.append_text(self._said(when, said, mark, f"{_history(event)}{number}"))

    def _edit(self, when: datetime, event: MessageEdited) -> Text:
        mark = f"{EDIT} {MENTION}" if self._mentions_me(event.participant, event.text) else EDIT
        action, automatic = self._quotes.is_action(event.of), self._quotes.is_automatic(event.of)
        said = _Said(event.of, event.participant, event.text, action, event.verified, automatic)
        return self._said(when, said, mark)

    def _mentions_me(self, participant: str, text: str) -> bool:
        return not same(participant, self.me) and is_mention(text, self.me, self.highlight)

    def _said(self, when: datetime, said: _Said, mark: str, suffix: str = "") -> Text:
        """What somebody said or did, and behind it the ``suffix``."""
        author = _author(said.author, verified=said.verified)
        if said.action:
            line, further = self._layout.action(self._time(when), mark, author)
        else:
            follows = not mark and self._above.author == author.plain
            line, further = self._layout.text(self._time(when), mark, author, follows=follows)
        # Below a mark or an action, a text has its author named again: the mark is not its own.
        self._above = _Above(said.seq, "" if mark or said.action else author.plain)
        return self._add_body(line, said, further, mark, suffix)

    def _time(self, when: datetime) -> str:
        """The time as it is shown; empty if it isn't."""
        return clean(when.strftime(self.time_format), newlines=False).expandtabs() if self.time_format else ""

    def _left(self, start: str) -> int:
        """The columns of a row behind its ``start``."""
        return max(self.columns - width(start), 1) if self.columns else ROW

    def _add_body(self, line: Text, said: _Said, further: str, mark: str, suffix: str) -> Text:
        """Add the text to ``line``, whose other rows begin with ``further``, and behind it the ``suffix``.

        Code has nothing but blanks before it, so that it can be copied.
        """
        text = uncolored(said.text).expandtabs()
        start = len(line)
        brief = said.automatic and not self.whole and text.endswith("```")
        report = output_report(clean(text), self._left(further)) if brief else None
        if report:
            self._add_rows(line, report.title, further)
            self._add_left_out(line, said, further, report.left_out)
            line.append("".join(f"\n{' ' * width(further)}{row}" for row in report.lines))
            on_its_own = True
        else:
            on_its_own = self._add_text(line, said, text, further)
        if MENTION in mark:
            line.stylize("bold", start)
        if suffix and on_its_own:
            suffix = f"\n{further}{suffix.strip()}"
        return line.append(suffix, style="dim")

    def _add_text(self, line: Text, said: _Said, text: str, further: str) -> bool:
        """Add to ``line`` the ``text``, or its beginning. Gives whether a suffix needs a row of its own."""
        left_out = 0
        if not self.whole:
            text, left_out = excerpt(text, self._left(further))
        on_its_own = self._add_rows(line, clean(text), further)
        self._add_left_out(line, said, further, left_out)
        return on_its_own or left_out > 0

    def _add_left_out(self, line: Text, said: _Said, further: str, rows: int) -> None:
        if rows:
            line.append(f"\n{further}… {counted(rows, 'more row')} · /show {said.seq}", style="dim")

    def _add_rows(self, line: Text, text: str, further: str) -> bool:
        """Add to ``line`` the rows of a text, which may have markup. Gives whether the last one is code."""
        if not has_markup(text):
            line.append(text.replace("\n", f"\n{further}"))
            return False
        highlight = self._highlightable > 0
        if "```" in text or "~~~" in text:
            self._highlightable -= len(text)
        code = False
        for number, (row, code) in enumerate(rows(text, highlight=highlight)):
            if number:
                line.append(f"\n{' ' * width(further) if code else further}")
            line.append_text(row)
        return code

    def _new_day(self, when: datetime) -> Iterator[Text]:
        if self._day is None or when.date() > self._day:  # what settles later than it happened begins no day
            self._day = when.date()
            self._above = NOTHING
            yield Text(f"── {when:%A} {when.day} {when:%B %Y} ──", style="dim")


def _author(name: str, *, verified: bool) -> Text:
    """A name in its colour. If it is verified, it is bold, with a mark before it, where nobody can write one."""
    if not verified:
        return Text(clean_name(name), style=color(name))
    return Text.assemble((f"{VERIFIED} ", "bold green"), (clean_name(name), f"bold {color(name)}"))


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
