"""Writes a room's messages to standard output, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from msgspec import Struct

from chatty.cli.environment import Environment
from chatty.cli.scripting.retry import retry
from chatty.cli.scripting.standard_streams import Output
from chatty.cli.terminal.plain_lines import Plain
from chatty.client.decoding import read_stamp
from chatty.client.http import Http
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, Page, RoomInfo, decode_frame

__all__ = ["Format", "Progress", "Query", "as_json", "as_text", "export"]

PATIENCE: Final = 30.0
"""Seconds for which the server may be away in the middle of an export."""
PROGRESS_SECONDS: Final = 1.0

Format = Callable[[Message, bytes], str]
"""A message, and its JSON on the wire, as it is printed."""


class Query(Struct, frozen=True, kw_only=True):
    """Which messages to export. ``after`` and ``upto`` are event numbers, ``since`` and ``until`` aware times."""

    words: str | None = None
    sender: str | None = None
    after: int = 0
    upto: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Progress:
    """Shows how far an export has got, to a person who would otherwise see nothing for more than a second."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._shown = not (env.stderr.isatty() and not env.stdout.isatty())
        self._now = asyncio.get_running_loop().time
        self._next = self._now() + PROGRESS_SECONDS
        self._visible = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._visible:
            self._write(f"\r{'':30}\r")

    def update(self, count: int, share: float) -> None:
        """``count`` messages have been written, which is a ``share`` (0 to 1) of the history."""
        if not self._shown and self._now() >= self._next:
            self._next = self._now() + PROGRESS_SECONDS / 5
            self._visible = True
            self._write(f"\r{share:4.0%}  {count:,} messages ")

    def _write(self, text: str) -> None:
        try:
            self._env.stderr.write(text)
            self._env.stderr.flush()
        except OSError:  # nobody looks any more, but the export goes on
            self._shown = True


async def export(
    http: Http, info: RoomInfo, query: Query, last: int | None, format: Format, out: Output, progress: Progress
) -> None:
    """Write the messages that match ``query``, or the newest ``last`` of them, up to the last event in ``info``.

    Raises ReaderGone, OSError such as a full disk, and the errors of `Http`.
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
                lines.append(format(message, bytes(raw)))
                at = message.seq
        await out.write("".join(lines).encode())
        count += len(lines)
        if not page.more or not lines or len(lines) < len(page.events):
            return
        progress.update(count, (at - start) / (end - start))


async def _before_newest(http: Http, room_id: str, query: Query, count: int, end: int) -> int:
    """The event number before the newest ``count`` messages. Nothing is kept on the way: there may be millions."""
    before = end + 1
    while count > 0:
        page = await _page(http, room_id, query, before=before, limit=min(count, PAGE_EVENTS))
        if not page.events:
            break
        before = read_stamp(page.events[0]).seq
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


def as_text(plain: Plain) -> Format:
    """The lines that ``chatty tail`` prints."""
    return lambda message, _: "".join(f"{line}\n" for line in plain.lines(message))
