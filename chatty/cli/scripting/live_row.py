"""Lines for a terminal, whose last row changes in place while a message is edited, or people come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from chatty.cli.terminal.comings import Comings
from chatty.cli.terminal.plain_lines import Plain
from chatty.cli.terminal.updates import Updates
from chatty.cli.terminal.width import clip, width
from chatty.events import Event, Happening, ParticipantJoined, ParticipantLeft
from chatty.protocol import Frame, Gap, Live, Unknown, Welcome

__all__ = ["LiveRow"]

_ERASE: Final = "\r\x1b[K"
_UP: Final = "\x1b[A"


class LiveRow:
    """Gives what is to be written to a terminal.

    Its last row is the message that is edited now, if one is, or else who has
    come and gone since somebody spoke.

    ``plain`` gives the lines of an event, ``clock`` seconds, and ``columns`` the width of the terminal.
    """

    def __init__(self, plain: Plain, *, clock: Callable[[], float], columns: Callable[[], int]) -> None:
        self._plain = plain
        self._columns = columns
        self._updates = Updates(clock)
        self._comings = Comings(clock)
        self._live = False
        self._row = ""

    def text(self, frame: Frame | Unknown) -> str:
        """What is to be written when ``frame`` comes."""
        events: list[Happening] = [*self._updates.settled()]
        match frame:
            case Welcome():
                self._live = False
            case Live():
                self._live = True
            case Gap(reason=reason) if reason != "retention":
                self._updates.forget()
            case Event():
                events += self._updates.printed(frame, live=self._live)
        return self._written(events)

    def due(self) -> str:
        """What is to be written now, because so much time has gone by."""
        return self._written(self._updates.settled())

    def last(self) -> str:
        """What is to be written at the end, when nothing will be edited any more."""
        return self._written(self._updates.settled(every=True), last=True)

    def lift(self) -> str:
        """What is to be written before something else writes to the terminal. The row comes back when it is due."""
        if not self._row:
            return ""
        wrapped = (width(self._row) - 1) // max(self._columns(), 1)  # a window that is narrower now has wrapped it
        self._row = ""
        return _ERASE + wrapped * (_UP + _ERASE)

    @property
    def ticking(self) -> bool:
        """Whether something becomes due by time alone."""
        return bool(self._updates or self._comings.held)

    def _written(self, events: Iterable[Happening], *, last: bool = False) -> str:
        due = self._comings.printed(events, all_of_them=last)
        lines = "".join(f"{line}\n" for line in self._lines(due))
        columns = self._columns() - 1  # in the last column, terminals differ
        row = self._updates.latest(columns) or clip(self._plain.comings(self._comings.held), columns)
        if not lines and row == self._row:
            return ""
        return f"{self.lift()}{lines}{self._stand(row)}"

    def _lines(self, events: Iterable[Happening]) -> Iterator[str]:
        for together, group in groupby(events, lambda event: isinstance(event, ParticipantJoined | ParticipantLeft)):
            if together:
                yield from self._plain.together(list(group))
            else:
                yield from (line for event in group for line in self._plain.lines(event))

    def _stand(self, row: str) -> str:
        self._row = row
        return row
