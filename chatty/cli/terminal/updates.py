"""Messages that are edited while they are news, such as the progress of a command: a row each that changes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from typing import Final

from msgspec import Struct

from chatty.cli.terminal.cleaning import VERIFIED, clean_name, one_line
from chatty.cli.terminal.folding import NARROW
from chatty.cli.terminal.width import clip, width
from chatty.events import Happening, Message, MessageDeleted, MessageEdited
from chatty.names import same

__all__ = ["SETTLE", "Updates"]

SETTLE: Final = 10.0
"""Seconds without a further edit after which a message is what it will be."""
ROWS: Final = 5
"""Rows that change at once; of more messages than that, the rest is counted."""
MOST: Final = 100
"""Messages that change at once."""
KEPT: Final = 500
"""Messages that are remembered."""
_LONGEST: Final = 500
"""Characters of a line that can be in a row."""
_LEAST: Final = 4
"""Columns of a command that tell more than none of it."""

_CODE: Final = re.compile(r"(`+)( ?)(.+?)\2\1(?!`)")
_TIMED: Final = re.compile(r"( *`.*`) · (.*)")
"""A command, and how long it has run."""
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")


class _Known(Struct):
    """A message: its author, whether that is a program, the text that was printed last, and when it was edited."""

    author: str
    automatic: bool
    shown: str
    edited: float = -inf


class Updates:
    """Decides which events are printed, and keeps the edits that change a row instead. ``clock`` gives seconds.

    An edit changes a row if a program wrote the message, or if it was edited
    already within the last `SETTLE` seconds: of a message that came before
    one looked, the author isn't known to be a program until it edits again.
    What is printed of it is the last text, as an edit, when no further one has come for so long. Nothing
    is if that was printed before, or if the program that wrote the message
    has answered it: then the answer is the result.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[int, _Known] = {}
        self._changing: dict[int, MessageEdited] = {}

    def __bool__(self) -> bool:
        """Whether there are rows that change."""
        return bool(self._changing)

    def printed(self, event: Happening, *, live: bool) -> list[Happening]:
        """The events to be printed, in order, when ``event`` comes. ``live``: it happened just now."""
        before: list[Happening] = []
        match event:
            case Message(reply_to=of):
                if of in self._changing and same(self._known[of].author, event.participant):
                    if event.automatic:
                        del self._changing[of]
                    else:
                        before = [self._settle(of)]
                self._remember(event.seq, _Known(event.participant, event.automatic > 0, event.text))
            case MessageDeleted(of=of):
                self._known.pop(of, None)
                self._changing.pop(of, None)
            case MessageEdited(of=of, text=text) if text:
                return self._edited(event, live=live)
        return [*before, event]

    def settled(self, *, every: bool = False) -> list[MessageEdited]:
        """The edits that are to be printed because no further one came; with ``every``, of all messages that change."""
        before = self._clock() - SETTLE
        return [self._settle(of) for of in list(self._changing) if every or self._known[of].edited <= before]

    def forget(self) -> None:
        """The numbers of messages begin anew."""
        self._known.clear()
        self._changing.clear()

    def rows(self, columns: int) -> list[str]:
        """A row for each message that changes, safe to show and at most so many ``columns`` wide."""
        rows = [_row(edit, columns) for edit in list(self._changing.values())[:ROWS]]
        if len(self._changing) > ROWS:
            rows[-1] = clip(f"… and {len(self._changing) - ROWS + 1:,} more", columns)
        return rows

    def latest(self, columns: int) -> str:
        """The row of the message that changed last; empty if none does."""
        if not self._changing:
            return ""
        of = max(self._changing, key=lambda of: self._known[of].edited)
        return _row(self._changing[of], columns)

    def _settle(self, of: int) -> MessageEdited:
        """The last edit of message ``of``, whose row goes."""
        edit = self._changing.pop(of)
        self._known[of].shown = edit.text
        return edit

    def _remember(self, seq: int, message: _Known) -> None:
        self._known[seq] = message
        if len(self._known) > KEPT:
            del self._known[next(of for of in self._known if of not in self._changing)]

    def _edited(self, edit: MessageEdited, *, live: bool) -> list[Happening]:
        if edit.of not in self._known:
            self._remember(edit.of, _Known(edit.participant, False, ""))
        known, now = self._known[edit.of], self._clock()
        again = now - known.edited < SETTLE
        if live:
            known.edited = now
        if edit.of not in self._changing and not (live and (known.automatic or again)):
            known.shown = edit.text
            return [edit]
        if edit.text == known.shown:
            self._changing.pop(edit.of, None)
            return []
        self._changing[edit.of] = edit
        if len(self._changing) <= MOST:
            return []
        return [self._settle(min(self._changing, key=lambda of: self._known[of].edited))]


def _row(edit: MessageEdited, columns: int) -> str:
    """Who, the first line, and the last one if there are more.

    What doesn't fit is taken from the first line, but for the time behind a
    command: how long that has run, and how far it is, matter more. A wide row
    keeps a quarter for that line, a narrow one nothing.
    """
    first, *more = [line for line in edit.text.split("\n") if line.strip() and not _FENCE.match(line)] or [""]
    verified = f"{VERIFIED} " if edit.verified else ""
    title, took = first.removeprefix("▶"), ""
    if found := _TIMED.match(title):
        title, took = found.groups()
    said = filter(None, (took, *more[-1:]))
    row = f"▶ {verified}{clean_name(edit.participant)}  "
    rest = " · ".join(map(_in_a_row, said))
    between = " · " if rest else ""
    room = max(columns - width(f"{row}{between}{rest}"), columns // 4 if columns >= NARROW else 0)
    title = clip(_in_a_row(_CODE.sub(r"\3", title)), room) if room >= _LEAST else ""
    return clip(f"{row}{title}{between if title else ''}{rest}", columns)


def _in_a_row(line: str) -> str:
    return one_line(line, _LONGEST)
