"""Writes a room's frames to standard output in batches, and moves the bookmark behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from chatty.cli.environment import Environment
from chatty.cli.scripting.bookmark import Bookmark
from chatty.cli.scripting.live_row import LiveRow
from chatty.cli.scripting.standard_streams import Output
from chatty.cli.terminal.phrases import gap
from chatty.cli.terminal.plain_lines import Plain
from chatty.client.inbox import Received
from chatty.client.room import Room
from chatty.events import Event, Message, StreamPosition
from chatty.protocol import Frame, Gap, Live, Unknown

__all__ = ["Follower", "Format", "as_json", "as_live_text", "as_text", "is_durable", "is_message", "messages_only"]

_BATCH: Final = 65_536

Format = Callable[[Received], str]
"""A frame as it is printed, newline included; empty if it isn't."""


def as_json(received: Received) -> str:
    """Durable events and gaps, exactly as they came."""
    return f"{received.raw}\n" if is_durable(received.frame) or isinstance(received.frame, Gap) else ""


def as_text(env: Environment, plain: Plain) -> Format:
    """Durable events as plain lines; gaps go to standard error."""

    def text(received: Received) -> str:
        if isinstance(received.frame, Gap):
            env.err(f"note:  {gap(received.frame)}")
        if isinstance(received.frame, Event):
            return "".join(f"{line}\n" for line in plain.lines(received.frame))
        return ""

    return text


def as_live_text(note: Callable[[str], None], row: LiveRow) -> Format:
    """As `as_text`, for a terminal whose last row changes; ``note`` writes to standard error."""

    def text(received: Received) -> str:
        if isinstance(received.frame, Gap):
            note(f"note:  {gap(received.frame)}")
        return row.text(received.frame)

    return text


def messages_only(env: Environment, format: Format) -> Format:
    """Messages in ``format``, and nothing else; gaps go to standard error."""

    def message(received: Received) -> str:
        if isinstance(received.frame, Gap):
            env.err(f"note:  {gap(received.frame)}")
        return format(received) if is_message(received.frame) else ""

    return message


def is_durable(frame: Frame | Unknown) -> bool:
    """Whether ``frame`` is an event of the room's log, perhaps one that only a newer version knows."""
    return isinstance(frame, Event) or (isinstance(frame, Unknown) and frame.seq is not None)


def is_message(frame: Frame | Unknown) -> bool:
    """Whether ``frame`` is something that somebody said."""
    return isinstance(frame, Message)


class _Printed(NamedTuple):
    """A frame as it is printed, whether it counts, and where a reader that has had it resumes."""

    data: bytes
    counts: bool
    position: StreamPosition


class Follower:
    """Prints frames until ``count`` of them that count are out, the room is closed, or, unless ``follow``, the present.

    ``printed`` is how many of those that count have been written. ``row`` is
    the last row of a terminal, if it is one that changes.
    """

    def __init__(
        self,
        out: Output,
        format: Format,
        *,
        counts: Callable[[Frame | Unknown], bool] = is_durable,
        count: int | None = None,
        follow: bool = True,
        row: LiveRow | None = None,
    ) -> None:
        self.printed = 0
        self._out = out
        self._format = format
        self._counts = counts
        self._count = count
        self._follow = follow
        self._row = row

    async def run(self, room: Room, bookmark: Bookmark | None = None) -> None:
        """Print them. All that can be had without waiting is written together, and then ``bookmark`` moves.

        Raises ReaderGone, OSError, and the error that ended the room for good.
        """
        try:
            await self._run(room, bookmark)
        finally:
            if bookmark:
                bookmark.finish()

    async def _run(self, room: Room, bookmark: Bookmark | None) -> None:
        batch: list[_Printed] = []
        size = counted = 0
        if bookmark:
            bookmark.move(room.cursor)
        async for received in _each_second(room.frames(), self._row) if self._row else room.frames():
            if received is None:
                assert self._row
                await self._out.write(self._row.due().encode())
                continue
            printed = _Printed(self._format(received).encode(), self._counts(received.frame), received.cursor)
            batch.append(printed)
            size += len(printed.data)
            counted += printed.counts
            done = self.printed + counted == self._count or (isinstance(received.frame, Live) and not self._follow)
            if done or not room.held or size > _BATCH:
                await self._write(batch, bookmark, more=room.held > 0 and not done)
                batch.clear()
                size = counted = 0
            if done:
                return

    async def _write(self, batch: Sequence[_Printed], bookmark: Bookmark | None, *, more: bool) -> None:
        data = b"".join(printed.data for printed in batch)
        if bookmark:
            bookmark.prepare(data, batch[-1].position)
        try:
            await self._out.write(data)
        except asyncio.CancelledError:
            self._account(batch, bookmark, more=False)
            raise
        self._account(batch, bookmark, more=more)

    def _account(self, batch: Sequence[_Printed], bookmark: Bookmark | None, *, more: bool) -> None:
        """Count what was written of ``batch`` as a whole."""
        left, position = self._out.written, None
        for printed in batch:
            left -= len(printed.data)
            if left < 0:
                break
            self.printed += printed.counts
            position = printed.position
        if bookmark and position:
            bookmark.move(position, more=more)


async def _each_second(frames: AsyncIterator[Received], row: LiveRow) -> AsyncIterator[Received | None]:
    """``frames``, and None for each second in which none came while ``row`` changes."""
    coming: asyncio.Future[Received] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(frames))
            await asyncio.wait([coming], timeout=1.0 if row.ticking else None)
            if not coming.done():
                yield None
                continue
            try:
                received = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield received
    finally:
        if coming:
            coming.cancel()
            await asyncio.wait([coming])
