"""The slash commands that show something of the room."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from msgspec import Struct
from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.rendering.excerpt import excerpt
from chatty.cli.join.rendering.layouts import INDENT
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Actions, Outcome
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.folding import folds
from chatty.cli.terminal.moments import moment, read_moment
from chatty.cli.terminal.phrases import listed
from chatty.cli.terminal.width import clip
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, decode_frame

__all__ = ["FILTERS", "HISTORY", "HISTORY_MOST", "ReadingActions"]

HISTORY: Final = 100
"""Messages that ``/history`` shows when no number is given."""
HISTORY_MOST: Final = 5_000
FOUND: Final = 20
"""Messages on a page of ``/search``."""
AROUND: Final = 5
"""Messages that ``/show`` shows before and after the one that it is about."""

FILTERS: Final = "[--from NAME] [--since TIME]"
"""The options of ``/history`` and ``/search``, which come last, because a name may have spaces."""
_OPTION: Final = re.compile(r"(?:^|\s+)--(from|since)(?:\s+|$)")
_SEQ: Final = re.compile(r"#?([1-9]\d{0,17})")


class Query(Struct):
    """Messages that somebody asked to see, page by page: those below number ``before``, ``size`` at a time."""

    size: int = 0
    words: str = ""
    sender: str | None = None
    since: datetime | None = None
    before: int | None = None

    def __str__(self) -> str:
        by = f" by {clean_name(self.sender)}" if self.sender else ""
        since = f" since {moment(self.since.isoformat())}" if self.since else ""
        words = f" for: {self.words}" if self.words else ""
        return f"{by}{since}{words}"


class ReadingActions(Actions):
    """See `Actions`."""

    _next: Query | None = None
    """The page that ``/more`` shows."""

    async def who(self) -> None:
        """Show who is in the room."""
        present = await self._http.participants(self._room_id)
        here, away = ([one for one in present if one.away is is_away] for is_away in (False, True))
        you = f" · you are {clean_name(self._people.me)}" if self._people.me else ""
        self._notice(f"{len(here):,} here: {listed(here)}{you}")
        if away:
            self._notice(f"{len(away):,} away: {listed(away)}")

    def history(self, argument: str) -> Outcome:
        """Show the newest messages once more, or for the first time."""
        count, query = _query(argument, self._host.now())
        query.size = _count(count)
        return self._page(query)

    def search(self, argument: str) -> Outcome:
        """Show the newest messages that have all the words."""
        words, query = _query(argument, self._host.now())
        query.size, query.words = FOUND, words
        return self._page(query)

    def more(self) -> Outcome:
        """Show the next page of what was asked for last."""
        query, self._next = self._next, None
        if query is None:
            raise Wrong("there is nothing more to show; begin with /history or /search")
        return self._page(query)

    async def _page(self, query: Query) -> None:
        self._next = None
        earlier = query.before is not None
        messages: list[Message] = []
        more = True
        while more and len(messages) < query.size:
            page = await self._http.events(
                self._room_id,
                before=query.before,
                limit=min(PAGE_EVENTS, query.size - len(messages)),
                types=("message",),
                q=query.words or None,
                sender=query.sender,
                since=query.since,
            )
            older = _messages(page)
            messages[:0] = older
            more = page.more and bool(older)
            query.before = older[0].seq if older else query.before
        if not messages:
            self._notice(f"nothing {'earlier' if earlier else 'found'}{query}")
            return
        which = "earlier" if earlier else "found" if query.words else "history"
        shown = [message for message in messages if not self._hidden.hides(message)]
        self._notice(f"{which}: {view.counted(len(messages), 'message')}{query}")
        self._host.show(*self._incoming.aside().lines(shown))
        if more:
            self._next = query
            self._host.show(Text("… more: /more", style="dim"))
        else:
            self._notice(f"end of {'what was found' if query.words else 'the history'}")

    def show(self, argument: str) -> Outcome:
        """Show one message, with those before and after it; a long one in the person's pager."""
        found = _SEQ.fullmatch(argument)
        if not found:
            raise Wrong("/show takes the number of a message, for example /show #42")
        return self._around(int(found[1]))

    async def _around(self, seq: int) -> None:
        kinds = ("message",)
        after = _messages(await self._http.events(self._room_id, after=seq - 1, limit=AROUND + 1, types=kinds))
        if not after or after[0].seq != seq:
            self._notice(f"no message here has the number {seq}")
            return
        message, *after = after
        if excerpt(message.text, view.ROW)[1]:  # a screen shows its beginning: it is rather read in a pager
            document = _as_document(message, self._incoming.columns)
            if await self._host.switcher.page(document):
                return
        before = _messages(await self._http.events(self._room_id, before=seq, limit=AROUND, types=kinds))
        around = [one for one in (*before, *after) if not self._hidden.hides(one)]
        look, lines = self._incoming.aside(), [view.notice(f"#{seq} and what is around it")]
        for one in sorted([message, *around], key=lambda one: one.seq):
            look.whole = one.seq == seq
            lines += look.lines([one])
            if one.seq == seq:
                lines[-1].stylize("bold")
                lines[-1].append("  ◀")
        self._host.show(*lines)


def _messages(page: protocol.Page) -> list[Message]:
    return [frame for raw in page.events if isinstance(frame := decode_frame(bytes(raw)), Message)]


def _query(argument: str, now: float) -> tuple[str, Query]:
    """What stands before the options, and the messages that the options leave. ``now`` is in seconds since 1970."""
    before, *given = _OPTION.split(argument)
    query = Query()
    for name, value in zip(given[::2], given[1::2], strict=True):
        if not value:
            raise Wrong(f"--{name} needs {'a name: --from Ada' if name == 'from' else 'a time: --since 2h'}")
        if name == "from":
            query.sender = value.removeprefix("@")
        else:
            query.since = read_moment(value, now)
            if query.since is None:
                raise Wrong(f"--since takes how long ago, or a date: --since 2h, --since 2026-11-28; not {value}")
    return before.strip(), query


def _count(argument: str) -> int:
    if not argument:
        return HISTORY
    if not argument.isdecimal() or not 1 <= int(argument[:9]) <= HISTORY_MOST:
        raise Wrong(f"/history takes a number from 1 to {HISTORY_MOST:,}, for example /history 200")
    return int(argument)


def _as_document(message: Message, columns: int) -> str:
    """A message for a pager that is so many ``columns`` wide: nothing that somebody wrote stands in the first one."""
    head = f"-- {clean_name(message.participant)}  {clean(moment(message.at), newlines=False)}  #{message.seq}"
    fits = columns - len(INDENT)
    texts = clean(message.text).expandtabs().split("\n")
    rows = [INDENT + text[start:end] for text in texts for start, end in folds(text, fits, fits)]
    return "\n".join([clip(head, columns) if columns else head, "", *rows, ""])
