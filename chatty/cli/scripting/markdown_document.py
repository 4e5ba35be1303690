"""Messages as a Markdown document, in which no message can reach beyond its own place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.quotes import Quotes
from chatty.events import Message
from chatty.protocol import RoomInfo

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["MarkdownDocument", "contained", "literal"]

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST: Final = re.compile(r"^(\d*)([-+.)])(?= )")
"""The beginning of a list item."""

_NEEDS_CARE: Final = re.compile(r"[<\t]|\]:")
_PREFIX: Final = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+[ \t>]*)*")
"""Where a line's containers are: quotes and list items. A tab there has another width behind a quote's mark."""
_INLINE: Final = re.compile(
    r"(?P<escaped>\\.)"
    r"|(?P<code>(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"  # up to as many backticks as it began with
    r"|`+"
    r"|(?P<tag><)(?=[A-Za-z/!?])"
    r"|(?P<definition>\]):",
    re.DOTALL,
)
_HTML_LINE: Final = re.compile(r"\n[ >]*(?=<)")
"""Before a line of code that a reader takes for a block of HTML; a space means the same."""
_CELLS: Final = re.compile(r"(?<!\\)\|")


class MarkdownDocument:
    """A document with a heading for each day, and each text in a quote.

    Texts keep their Markdown. HTML becomes text, and so do definitions of
    links: they would hold for the whole document. ``local`` turns an aware
    time into the reader's own.
    """

    def __init__(self, info: RoomInfo, local: Callable[[datetime], datetime] = datetime.astimezone) -> None:
        self._title = f"# {literal(info.name)}\n"
        self._day: date | None = None
        self._local = local
        self._quotes = Quotes()

    def format(self, message: Message, _: bytes) -> str:
        """The part of the document for ``message``. A title comes before the first one."""
        return "".join(f"{line}\n" for line in self._lines(message))

    def _lines(self, message: Message) -> Iterator[str]:
        when = self._local(message.time)
        if self._day is None:
            yield self._title
        if when.date() != self._day:
            self._day = when.date()
            yield f"## {self._day.isoformat()}\n"
        self._quotes.note(message)
        state = " *(deleted)*" if message.deleted else " *(edited)*" if message.edited else ""
        name = literal(message.participant)
        yield f"**{name}** {when:%H:%M}{state}\n"
        if message.reply_to:
            yield f"> ↪ *{literal(self._quotes.about(message.reply_to))}*\n>"
        if not message.deleted:
            action = f"\\* {name} " if message.action else ""
            yield from _quoted(contained(action + clean(message.text)))
        if message.reactions:
            counts = "  ".join(f"{literal(reaction)} {count:,}" for reaction, count in message.reactions.items())
            yield "> " + _LIST.sub(r"\1\\\2", counts) + "\n"


def literal(text: str) -> str:
    """``text`` without any markup: as a name is written."""
    return _MARKUP.sub(r"\\\1", clean(text, newlines=False))


def contained(text: str) -> str:
    """Markdown that looks like ``text`` but holds no HTML and no definition of a link. Code stays as it is."""
    if not _NEEDS_CARE.search(text):
        return text
    lines = text.split("\n")
    spaced = [_PREFIX.sub(lambda prefix: prefix[0].expandtabs(4), line, count=1) for line in lines]
    written: list[str | None] = [_harmless(line) for line in spaced]
    table_end = 0
    for token in _parser().parse(text):
        if token.map is None:
            continue
        begin, end = token.map
        if token.type == "fence":
            written[begin:end] = spaced[begin:end] if token.level else lines[begin:end]
        elif token.type == "code_block":
            written[begin:end] = spaced[begin:end]
        elif token.type == "table_open":
            table_end = end
            written[begin:end] = ["|".join(map(_harmless, _CELLS.split(line))) for line in spaced[begin:end]]
        elif token.type == "inline" and begin >= table_end:
            joined = _harmless("\n".join(spaced[begin:end])).split("\n")
            written[begin:end] = [*joined, *[None] * (end - begin - len(joined))]
    return "\n".join(line for line in written if line is not None)


def _harmless(inline: str) -> str:
    """``inline`` with all escaped that begins HTML or defines a link, outside of code."""

    def escape(found: re.Match[str]) -> str:
        if found["code"]:
            return _HTML_LINE.sub(" ", found[0])
        if found["tag"]:
            return r"\<"
        return r"]\:" if found["definition"] else found[0]

    return _INLINE.sub(escape, inline)


@cache
def _parser() -> MarkdownIt:
    """Finds where code is, in a document without HTML and definitions: what `contained` makes of a text."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["html_block", "reference"]).enable("table")


def _quoted(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield f"> {line}" if line else ">"
    yield ""
