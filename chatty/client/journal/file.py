"""A file that keeps what a room was told until it is known to have it, for the next run of a program that is killed.

It is a log of lines of JSON. The first one is a `Past`; what follows happened
after that, each a command that was added or the outcome of the oldest one. A
line that lacks its end was being written when the process was killed, and
counts for nothing: the program that added it has not been told yet that it is
kept. When nothing waits for an outcome the file is empty, and a room that is
left takes an empty one away.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from stat import S_ISREG
from typing import Final, Literal

import msgspec
from msgspec import Struct

from chatty.client.decoding import UNREADABLE
from chatty.client.outbox import said
from chatty.digests import NOTHING_SAID, chained
from chatty.errors import ChattyError
from chatty.protocol import Say

__all__ = ["Done", "Journal", "JournalError", "Past", "free_journal"]

_SUFFIX: Final = ".journal"


class JournalError(ChattyError):
    """The journal ``path`` can't be used, and the text says why: ``because`` another process holds it (``in_use``), it
    is ``another_room``'s, or it is ``damaged``. What a damaged one holds has been moved to ``aside``, and the next
    room begins with an empty one.
    """

    def __init__(
        self, path: Path, because: Literal["in_use", "another_room", "damaged"], text: str, *, aside: Path | None = None
    ) -> None:
        self.path = path
        self.because = because
        self.aside = aside
        super().__init__(text)


class Past(Struct, tag="past", tag_field="op", kw_only=True):
    """A producer as far as its room is known to have heard it, and the commands ``waiting`` for an outcome, in order.

    ``identity`` is the fingerprint of its key, ``at`` a time (in seconds since
    1970) when all that was ``accepted`` (the number of the last of them) had
    been, and nothing of what waits. ``digest`` is that of all up to there.
    """

    room: str
    identity: str
    producer: str
    epoch: str
    at: float
    accepted: int = 0
    digest: bytes = NOTHING_SAID
    waiting: list[Say]


class Done(Struct, tag="done", tag_field="op"):
    """The oldest command that waits has its outcome: it is ``stored``, or was refused."""

    stored: bool


Record = Past | Say | Done

_BEGINNING: Final = b'{"op":"past",'
_decode = msgspec.json.Decoder(Record).decode


class Journal:
    """The file ``path``. From `open` to `close` no other process can open it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # a symbolic link to it stays one
        self.lines = 0
        self._descriptor = -1
        self._size = 0

    def open(self, room_id: str) -> Past | None:
        """What an earlier run has left in it. Creates the file if it is missing.

        Raises OSError, JournalError if another process has it or if it is
        damaged or another room's, and ValueError if it is not a regular file.
        """
        self._descriptor = _held(self.path)
        try:
            os.fchmod(self._descriptor, 0o600)
            data = self.path.read_bytes()
            self._size = len(data)
            try:
                past = _replayed(data)
            except (*UNREADABLE, ValueError) as error:
                aside = self._set_aside()
                text = f"{self.path} is not a journal, or damaged ({error}); it is {aside} now"
                raise JournalError(self.path, "damaged", text, aside=aside) from None
            if past is not None and past.room != room_id:
                raise JournalError(
                    self.path, "another_room", f"{self.path} is the journal of another room ({past.room})"
                )
            if past is not None and past.waiting:
                self.replace(past)
                return past
            self.clear()
        except BaseException:
            self.close()
            raise
        return None

    def write(self, record: Record) -> None:
        """Appends a line, which is there as a whole or not at all. Raises OSError."""
        line = msgspec.json.encode(record) + b"\n"
        try:
            _write(self._descriptor, line, self._size)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)
        self.lines += 1

    def replace(self, past: Past) -> None:
        """Puts ``past`` in the place of all that it holds, at once or not at all. Raises OSError."""
        line = msgspec.json.encode(past) + b"\n"
        beside = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, line, 0)
            os.fsync(descriptor)  # otherwise a crash of the machine may leave an empty file
            beside.replace(self.path)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._descriptor, self._size, self.lines = descriptor, len(line), 1

    def clear(self) -> None:
        """Nothing waits any more. Raises OSError."""
        os.ftruncate(self._descriptor, 0)
        self._size = self.lines = 0

    def close(self) -> None:
        """Lets go of the file, and takes it away if nothing waits."""
        if self._descriptor < 0:
            return
        if not self._size:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def _set_aside(self) -> Path:
        names = (self.path.with_name(f"{self.path.name}.damaged{number}") for number in count(1))
        return self.path.rename(next(name for name in names if not name.exists()))


def free_journal(directory: Path, *, beside: str = "") -> Path:
    """A journal in ``directory`` that no process holds, one with messages if there is one, otherwise an empty one.

    A directory is for one room, and is created if it is missing. Another
    process may be faster: then `join` raises `JournalError` with ``in_use``,
    so ask again. A program that keeps more than messages puts that into files
    with the suffix ``beside``, each called as the journal that it held: a
    journal with such a file is taken before an empty one, too. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    left = {path for path in directory.glob(f"*{_SUFFIX}") if _has_messages(path)}
    if beside:
        left.update(path.with_suffix(_SUFFIX) for path in directory.glob(f"*{beside}"))
    numbered = (directory / f"{number}{_SUFFIX}" for number in count(1))
    return next(path for path in chain(sorted(left), numbered) if _is_free(path))


def _has_messages(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # its holder has left it, just now
        return False


def _is_free(path: Path) -> bool:
    try:
        with suppress(FileNotFoundError):
            os.close(_held(path, os.O_RDWR))
    except (JournalError, ValueError):
        return False
    return True


def _held(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """A descriptor of the file, which this process alone has locked."""
    while True:
        descriptor = os.open(path, flags, 0o600)
        kept = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not S_ISREG(os.fstat(descriptor).st_mode):  # a device would be taken away
                raise ValueError(f"{path} is not a regular file")
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                kept = True
                return descriptor
        except BlockingIOError:
            raise JournalError(path, "in_use", f"{path} is in use by another process; take another one") from None
        except FileNotFoundError:
            pass  # it was taken away between these lines
        finally:
            if not kept:
                os.close(descriptor)


def _write(descriptor: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def _replayed(data: bytes) -> Past | None:
    """What its lines add up to. Raises ValueError, or another error of `UNREADABLE`, if they are not a journal."""
    *lines, torn = data.split(b"\n")
    if not lines and torn[: len(_BEGINNING)] != _BEGINNING[: len(torn)]:
        raise ValueError("it has no lines")
    past: Past | None = None
    for line in lines:
        record = _decode(line)
        if isinstance(record, Past):
            past = record
        elif past is None:
            raise ValueError("its beginning is missing")
        elif not isinstance(record, Done):
            past.waiting.append(record)
        elif not past.waiting:
            raise ValueError("an outcome is too many")
        else:
            command = past.waiting.pop(0)
            if record.stored:
                past.accepted += 1
                past.digest = chained(past.digest, said(command))
    return past
