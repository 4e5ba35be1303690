"""Standard input and output beside an event loop, be they pipe, file, terminal, socket or /dev/null."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from chatty.cli.environment import ReaderGone

__all__ = ["Output", "chunks"]

_CHUNK: Final = 65_536
_AHEAD: Final = 4
"""How many chunks are read ahead."""


async def chunks(descriptor: int) -> AsyncIterator[bytes]:
    """The bytes from ``descriptor``, as they come, until its end. Raises OSError.

    A thread reads, because an event loop can't wait for a file or for some
    devices. It is a daemon, because nothing else ends a read.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    room = threading.Semaphore(_AHEAD)

    def read() -> None:
        chunk: bytes | OSError = b"-"
        while chunk and isinstance(chunk, bytes):
            room.acquire()
            try:
                chunk = _read(descriptor)
            except OSError as error:
                chunk = error
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            except RuntimeError:  # the loop has ended, and nobody needs the chunk any more
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while True:
        chunk = await arrived.get()
        if isinstance(chunk, OSError):
            raise chunk
        if not chunk:
            return
        room.release()
        yield chunk


def _read(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:  # another process that shares the descriptor has made it non-blocking
            select.select([descriptor], [], [])


class Output:
    """Writes to a descriptor, without ever making the event loop wait for the reader.

    As a context manager around the work of a task, it also watches a pipe or a
    socket while there is nothing to write: when the reader goes away, the work
    is cancelled, and ReaderGone is raised.

    ``written`` is how many bytes of the last `write` have been written.
    ``finishing``: for how many seconds a write that is cancelled in the middle
    of a line tries to finish it.
    """

    def __init__(self, descriptor: int, *, finishing: float = 2.0) -> None:
        self.written = 0
        self._descriptor = descriptor
        self._finishing = finishing
        self._loop = asyncio.get_running_loop()
        self._watch: select.epoll | None = None
        self._task = asyncio.current_task()
        self._gone = False

    def __enter__(self) -> Self:
        mode = os.fstat(self._descriptor).st_mode
        # Without epoll, it takes the next write to notice that the reader went away.
        if (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and hasattr(select, "epoll"):
            self._watch = select.epoll()
            self._watch.register(self._descriptor, 0)  # errors and hang-ups are always reported; nothing else is wanted
            self._loop.add_reader(self._watch, self._reader_gone)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._loop.remove_reader(self._watch)
            self._watch.close()
        if self._gone and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise ReaderGone from error

    def _reader_gone(self) -> None:
        assert self._watch is not None
        self._loop.remove_reader(self._watch)
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    async def write(self, data: bytes) -> None:
        """Write all of ``data``. Raises ReaderGone, or OSError such as a full disk.

        A write that is cancelled leaves whole lines, if they are read in time.
        """
        self.written = 0
        try:
            await self._write(data, len(data))
        except asyncio.CancelledError:
            if self._gone:
                raise ReaderGone from None
            begun = data.find(b"\n", self.written - 1) + 1 if self.written else 0
            with suppress(TimeoutError, ReaderGone, OSError):
                async with asyncio.timeout(self._finishing):
                    await self._write(data, begun)
            raise

    async def _write(self, data: bytes, end: int) -> None:
        view = memoryview(data)
        while self.written < end:
            # A pipe that is writable takes PIPE_BUF bytes at once, and whole; more might block until somebody reads.
            waits = await self._writable()
            stop = end
            if waits and end - self.written > select.PIPE_BUF:
                full = self.written + select.PIPE_BUF
                stop = data.rfind(b"\n", self.written, full) + 1 or full
            try:
                self.written += os.write(self._descriptor, view[self.written : stop])
            except (BrokenPipeError, ConnectionResetError):
                raise ReaderGone from None
            except BlockingIOError:
                continue

    async def _writable(self) -> bool:
        """Return when something can be written; False if that never needs waiting for."""
        ready: asyncio.Future[None] = self._loop.create_future()
        try:
            self._loop.add_writer(self._descriptor, _done, ready)
        except PermissionError:  # a regular file, or /dev/null
            return False
        try:
            await ready
        finally:
            self._loop.remove_writer(self._descriptor)
        return True


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
