"""Carries a room's messages to standard output, page by page, and makes lines or a document of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from types import TracebackType
from typing import Final, Self

from msgspec import Struct

from chatty.cli.environment import Environment
from chatty.cli.scripting.retry import retry
from chatty.cli.scripting.streams import Output
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.plain_lines import Plain
from chatty.cli.terminal.quotes import Quotes
from chatty.client.http import Http
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, Page, RoomInfo, decode_frame

__all__ = ["Document", "Progress", "Query", "Show", "as_json", "as_text", "export"]

PATIENCE: Final = 30.0
"""Seconds for which a server that was there may be away in the middle."""
PROGRESS_SECONDS: Final = 1.0

Show = Callable[[Message, bytes], str]
"""A message, and how it is sent, as it goes out."""


class Query(Struct, frozen=True, kw_only=True):
    """Which messages: ``after`` and ``upto`` are numbers of events, ``since`` and ``until`` aware times."""

    words: str | None = None
    sender: str | None = None
    after: int = 0
    upto: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Progress:
    """How far it has got, for a person who would else see nothing: from the first second on, while it lasts."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._shown = not (env.stderr.isatty() and not env.stdout.isatty())
        self._now = asyncio.get_running_loop().time
        self._next = self._now() + PROGRESS_SECONDS
        self._said = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._said:
            self._write(f"\r{'':30}\r")

    def tell(self, count: int, share: float) -> None:
        """So many messages have gone out, and they reach to so much of the history (0 to 1)."""
        if not self._shown and self._now() >= self._next:
            self._next = self._now() + PROGRESS_SECONDS / 5
            self._said = True
            self._write(f"\r{share:4.0%}  {count:,} messages ")

    def _write(self, text: str) -> None:
        try:
            self._env.stderr.write(text)
            self._env.stderr.flush()
        except OSError:  # nobody looks any more, which is no reason to end
            self._shown = True


async def export(
    http: Http, info: RoomInfo, query: Query, last: int | None, show: Show, out: Output, progress: Progress
) -> None:
    """Write the messages that ``query`` is about, or the newest ``last`` of them, up to the room's end as in ``info``.

    Raises what `Http` does, ReaderGone, and OSError such as a full disk.
    """
    end = info.last if query.upto is None else min(info.last, query.upto)
    start = await _before_newest(http, info.id, query, last, end) if last else query.after
    at, count = start, 0
    while at < end:
        page = await _page(http, info.id, query, after=at)
        lines = []
        for raw in page.events:
            message = decode_frame(bytes(raw))
            if isinstance(message, Message) and message.seq <= end:
                lines.append(show(message, bytes(raw)))
                at = message.seq
        await out.write("".join(lines).encode())
        count += len(lines)
        if not page.more or not lines or len(lines) < len(page.events):
            return
        progress.tell(count, (at - start) / (end - start))


async def _before_newest(http: Http, room_id: str, query: Query, count: int, end: int) -> int:
    """The number before the newest ``count`` messages. They are not kept meanwhile: there may be millions."""
    before = end + 1
    while count > 0:
        page = await _page(http, room_id, query, before=before, limit=min(count, PAGE_EVENTS))
        if page.events:
            message = decode_frame(bytes(page.events[0]))
            assert isinstance(message, Message)
            before = message.seq
        count -= len(page.events)
        if not page.more or before <= query.after:
            break
    return max(query.after, before - 1)


async def _page(
    http: Http, room_id: str, query: Query, *, after: int | None = None, before: int | None = None,
    limit: int = PAGE_EVENTS,
) -> Page:  # fmt: skip
    return await retry(
        lambda: http.events(
            room_id,
            after=after,
            before=before,
            limit=limit,
            types=["message"],
            q=query.words,
            sender=query.sender,
            since=query.since,
            until=query.until,
        ),
        wait=PATIENCE,
    )


def as_json(_: Message, raw: bytes) -> str:
    """The event exactly as on the wire."""
    return f"{raw.decode()}\n"


def as_text(plain: Plain) -> Show:
    """The lines that ``chatty tail`` shows."""
    return lambda message, _: "".join(f"{line}\n" for line in plain.lines(message))


_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")


class Document:
    """Messages as a Markdown document: a heading for each day, and what was said in quotes.

    Texts are taken for the Markdown that they are, but for HTML, which nobody
    should be able to bring into somebody else's document.

    ``local`` turns an aware time into the reader's own.
    """

    def __init__(self, info: RoomInfo, local: Callable[[datetime], datetime] = datetime.astimezone) -> None:
        self._title = f"# {_literal(info.name)}\n"
        self._day: date | None = None
        self._local = local
        self._quotes = Quotes()

    def show(self, message: Message, _: bytes) -> str:
        """What to write of a message; a title comes before the first one."""
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
        name = _literal(message.participant)
        yield f"**{name}** {when:%H:%M}{state}\n"
        if message.reply_to:
            yield f"> ↪ *{_literal(self._quotes.about(message.reply_to))}*\n>"
        if not message.deleted:
            does = f"\\* {name} " if message.action else ""
            yield from _quoted(does + _TAG.sub(r"\\<", clean(message.text)))
        if message.reactions:
            yield f"> {'  '.join(f'{_literal(reaction)} {count:,}' for reaction, count in message.reactions.items())}\n"


def _quoted(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield f"> {line}".rstrip()
    yield ""


def _literal(text: str) -> str:
    """Somebody's words where nothing in them shall be markup."""
    return _MARKUP.sub(r"\\\1", clean(text, newlines=False))
