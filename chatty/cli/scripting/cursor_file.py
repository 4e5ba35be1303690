"""The file that remembers where a reader is in a room, so that it goes on there whatever restarted in between."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage

__all__ = ["CursorFile", "Position"]

_sync = getattr(os, "fdatasync", os.fsync)  # which macOS doesn't have


class Position(Struct, frozen=True, omit_defaults=True):
    """Event ``seq`` of ``room``, in ``epoch``, is the last one that has gone out.

    Where it went to a regular file, ``inode`` is that file's, and ``length``
    how many bytes it had then.
    """

    room: str
    epoch: str
    seq: int
    inode: int | None = None
    length: int | None = None


class CursorFile:
    """A cursor file, as a context manager: one command's at a time, and never half written.

    It is itself what is locked; the file that replaces it is locked before it
    takes its place.
    """

    def __init__(self, path: Path) -> None:
        self._given = path
        self._path = path.resolve()  # a link to it stays one
        self._descriptor: int  # of the locked file, from `__enter__` on

    def __enter__(self) -> Self:
        """Raises Failure if another command has it, or it is no file at all; and OSError."""
        if self._path.exists() and not self._path.is_file():  # a FIFO would be waited for, a device be replaced
            raise usage(f"{self._given} is no file, and can't remember anything")
        while True:
            self._descriptor = self._locked(self._path, os.O_RDWR | os.O_CREAT)
            if self._is_in_place():
                return self
            os.close(self._descriptor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def load(self) -> Position | None:
        """What it holds; None if it is new. Raises Failure if that makes no sense."""
        data = self._path.read_bytes()
        if not data:
            return None
        try:
            return msgspec.json.decode(data, type=Position)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "remove it to begin as if there had been none"
            raise Failure(ExitStatus.FAILED, "damaged", f"{self._path} is no cursor ({error})", hint) from None

    def load_for(self, room_id: str) -> Position | None:
        """As `load`, of a file that must be this room's. Raises Failure if it is another one's."""
        position = self.load()
        if position and position.room != room_id:
            raise usage(f"{self._given} is a cursor of another room ({position.room})", "use one file for each room")
        return position

    def save(self, position: Position) -> None:
        """Make it hold ``position``, at once or not at all. A crash of the whole machine may undo it, and no more."""
        new = self._path.with_name(f".{self._path.name}.new")
        descriptor = self._locked(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, msgspec.json.encode(position) + b"\n")
        _sync(descriptor)  # or the machine may crash with an empty file in its place, which knows no position
        new.replace(self._path)
        os.close(self._descriptor)
        self._descriptor = descriptor

    def _locked(self, path: Path, flags: int) -> int:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Failure(ExitStatus.FAILED, "in_use", f"{self._path} is in use by another command") from None
        return descriptor

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False
