"""The file that remembers where a reader is in a room, so that the next run continues from there."""

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
from chatty.events import StreamPosition

__all__ = ["CursorFile", "PendingBatch", "SavedPosition"]

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync


class PendingBatch(Struct, frozen=True):
    """Output that was about to be written: ``data``, which ends with event ``seq`` of ``epoch``."""

    epoch: str
    seq: int
    data: bytes


class SavedPosition(Struct, frozen=True, omit_defaults=True):
    """All output up to event ``seq`` of ``room``, in ``epoch``, has been written.

    If it went to a regular file, ``inode`` identifies that file, ``length``
    says where this output ended, and ``pending`` is the batch that was written
    next. ``finished`` means that the run ended in order, so nothing is pending
    or half written.
    """

    room: str
    epoch: str
    seq: int
    inode: int | None = None
    length: int | None = None
    pending: PendingBatch | None = None
    finished: bool = False

    @property
    def position(self) -> StreamPosition:
        """Where reading resumes."""
        return StreamPosition(self.epoch, self.seq)


class CursorFile:
    """A cursor file, as a context manager. One command has it at a time, and it is never half written.

    The lock is on the file itself. The file that replaces it is locked before
    it takes its place.
    """

    def __init__(self, path: Path) -> None:
        self._given = path
        self._path = path.resolve()  # a symbolic link to it stays one
        self._descriptor: int  # of the locked file, from `__enter__` on

    def __enter__(self) -> Self:
        """Raises OSError, and Failure if another command has the file or it is not a regular file."""
        if self._path.exists() and not self._path.is_file():  # a FIFO would block, a device would be replaced
            hint = "name a file of its own, such as --cursor ~/deploys.cursor; it is created if it is missing"
            raise usage(f"{self._given} is not a regular file, so it can't remember anything", hint)
        while True:
            self._descriptor = self._locked(self._path, os.O_RDWR | os.O_CREAT)
            if self._is_in_place():
                return self
            os.close(self._descriptor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def load(self) -> SavedPosition | None:
        """The saved position; None if the file is new. Raises Failure if the file holds something else."""
        data = self._path.read_bytes()
        if not data:
            return None
        try:
            return msgspec.json.decode(data, type=SavedPosition)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "name another file, or remove this one to begin as if there had been none"
            raise Failure(ExitStatus.FAILED, "damaged", f"{self._path} is not a cursor ({error})", hint) from None

    def load_for(self, room_id: str) -> SavedPosition | None:
        """Like `load`, for a file that must belong to this room. Raises Failure if it belongs to another one."""
        saved = self.load()
        if saved and saved.room != room_id:
            raise usage(f"{self._given} is a cursor of another room ({saved.room})", "use one file for each room")
        return saved

    def save(self, saved: SavedPosition) -> None:
        """Replace the file's content, at once or not at all. A crash of the whole machine may undo that, no more."""
        new = self._path.with_name(f".{self._path.name}.new")
        descriptor = self._locked(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        data = msgspec.json.encode(saved) + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
        _sync(descriptor)  # otherwise a crash of the machine may leave an empty file, which knows no position
        new.replace(self._path)
        os.close(self._descriptor)
        self._descriptor = descriptor

    def _locked(self, path: Path, flags: int) -> int:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            hint = "give each command a cursor file of its own"
            raise Failure(ExitStatus.FAILED, "in_use", f"{self._path} is in use by another command", hint) from None
        return descriptor

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False
