"""Carries a room's frames to standard output in batches, and the cursor behind them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from chatty.cli.environment import Environment
from chatty.cli.scripting.cursor_file import CursorFile, Position
from chatty.cli.scripting.streams import Output
from chatty.cli.terminal.plain_lines import Plain, gap
from chatty.client.inbox import Cursor, Received
from chatty.client.room import Room
from chatty.events import Event
from chatty.protocol import Frame, Gap, Live, Unknown

__all__ = ["Bookmark", "Follower", "as_json", "as_text"]

_BATCH: Final = 65_536

Show = Callable[[Received], str]
"""A frame as it goes out, newline included, or nothing."""


def as_json(received: Received) -> str:
    """Durable events and gaps, exactly as they came."""
    return f"{received.raw}\n" if is_durable(received.frame) or isinstance(received.frame, Gap) else ""


def as_text(env: Environment, plain: Plain) -> Show:
    """Durable events as plain lines; gaps are told on standard error."""

    def show(received: Received) -> str:
        if isinstance(received.frame, Gap):
            env.err(f"note:  {gap(received.frame)}")
        if isinstance(received.frame, Event):
            return "".join(f"{line}\n" for line in plain.lines(received.frame))
        return ""

    return show


class Bookmark:
    """A cursor file together with the descriptor that events go out to.

    Where that is a regular file, `restore` cuts off what went out behind the
    position, so that each event is there exactly once.
    """

    def __init__(self, file: CursorFile, room_id: str, descriptor: int) -> None:
        self._file = file
        self._room = room_id
        self._descriptor = descriptor
        self._regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if self._regular and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND:
            os.lseek(descriptor, 0, os.SEEK_END)  # where the first write will go, which the offset doesn't tell yet
        self._at: Cursor | None = None

    def restore(self, position: Position) -> None:
        """Cut the output back to where it was at ``position``, if it is still the same file. Raises OSError."""
        if not self._regular or position.length is None:
            return
        now = os.fstat(self._descriptor)
        if now.st_ino == position.inode and now.st_size >= position.length:
            os.ftruncate(self._descriptor, position.length)
            os.lseek(self._descriptor, position.length, os.SEEK_SET)

    def move(self, cursor: Cursor) -> None:
        """All up to ``cursor`` has gone out. Raises OSError."""
        if cursor == self._at:
            return
        inode = length = None
        if self._regular:
            inode = os.fstat(self._descriptor).st_ino
            length = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        self._file.save(Position(self._room, cursor.epoch, cursor.seq, inode, length))
        self._at = cursor


class _Shown(NamedTuple):
    """A frame as it goes out, whether it is an event, and where a reader who has had it would resume."""

    data: bytes
    durable: bool
    cursor: Cursor


class Follower:
    """Carries frames, until ``count`` events have gone out, the room is closed, or, unless ``follow``, the present.

    ``events`` counts those that have gone out.
    """

    def __init__(self, out: Output, show: Show, *, count: int | None = None, follow: bool = True) -> None:
        self.events = 0
        self._out = out
        self._show = show
        self._count = count
        self._follow = follow

    async def run(self, room: Room, bookmark: Bookmark | None = None) -> None:
        """Carry them: what can be had without waiting goes out together, and then ``bookmark`` moves.

        Raises ReaderGone, OSError, and what ended the room for good.
        """
        batch: list[_Shown] = []
        size = events = 0
        if bookmark:
            bookmark.move(room.cursor)
        async for received in room.frames():
            shown = _Shown(self._show(received).encode(), is_durable(received.frame), received.cursor)
            batch.append(shown)
            size += len(shown.data)
            events += shown.durable
            done = self.events + events == self._count or (isinstance(received.frame, Live) and not self._follow)
            if done or not room.held or size > _BATCH:
                await self._put_out(batch, bookmark)
                batch.clear()
                size = events = 0
            if done:
                return

    async def _put_out(self, batch: Sequence[_Shown], bookmark: Bookmark | None) -> None:
        try:
            await self._out.write(b"".join(shown.data for shown in batch))
        except asyncio.CancelledError:
            self._note(batch, bookmark)
            raise
        self._note(batch, bookmark)

    def _note(self, batch: Sequence[_Shown], bookmark: Bookmark | None) -> None:
        """Counts what of ``batch`` has gone out as a whole."""
        left, cursor = self._out.written, None
        for shown in batch:
            left -= len(shown.data)
            if left < 0:
                break
            self.events += shown.durable
            cursor = shown.cursor
        if bookmark and cursor:
            bookmark.move(cursor)


def is_durable(frame: Frame | Unknown) -> bool:
    """Whether ``frame`` is an event of the room's log, perhaps one of a newer server's."""
    return isinstance(frame, Event) or (isinstance(frame, Unknown) and frame.seq is not None)
