"""A cursor file in step with the output that it describes, so that each event is in a regular file exactly once.

Other commands may write to the same file, so nothing is ever removed from it.
Instead, the cursor file gets a copy of each batch before that is written. If
the run is killed, the next one compares: a batch that is there in full counts
as written, one that broke off is completed, one that is missing is written.
Where something else stands in its place, the file stays as it is, and the
batch is written at the end. Bytes behind the batch are always another
command's, even if they look like what comes next.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable
from typing import Final

from chatty.cli.scripting.cursor_file import CursorFile, PendingBatch, SavedPosition
from chatty.events import StreamPosition

__all__ = ["Bookmark"]

_UNCERTAIN: Final = "the last run was killed while it wrote, and its last lines can't be found: they may come twice"
_UNREADABLE: Final = (
    "the last run was killed while it wrote, and the output can't be read: the last lines may come twice"
)
_FOREIGN: Final = "{:,} bytes in the output are not from this cursor's last run; they are left as they are"


class Bookmark:
    """Keeps ``file``, the cursor of room ``room_id``, in step with what is written to ``descriptor``.

    Call `recover` if there is a saved position; `prepare` before each write
    and `move` after it; `finish` at the end. All of them raise OSError.
    ``note`` is called with remarks for the user.
    """

    def __init__(self, file: CursorFile, room_id: str, descriptor: int, note: Callable[[str], None]) -> None:
        self._file = file
        self._room = room_id
        self._descriptor = descriptor
        self._note = note
        status = os.fstat(descriptor)
        self._regular = stat.S_ISREG(status.st_mode)
        self._inode = status.st_ino
        self._appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND != 0
        self._length = self._next_write() if self._regular else 0  # where our output ends
        self._at: StreamPosition | None = None
        self._saved: StreamPosition | None = None
        self._writing = False  # whether a batch was prepared and has not been written

    def recover(self, saved: SavedPosition) -> StreamPosition:
        """Find out, and make sure, how far the output of the last run goes. Gives where reading resumes."""
        if not self._regular or saved.length is None or saved.inode != self._inode:
            return self._resume(saved)
        if not self._appends:  # a file that is opened anew without >> would be overwritten from its beginning
            os.lseek(self._descriptor, 0, os.SEEK_END)
        self._length = self._next_write()
        if saved.finished or self._length < saved.length:
            return self._resume(saved)
        position, ours = saved.position, saved.length
        if saved.pending is not None:
            batch = saved.pending.data
            found = self._read(len(batch), saved.length)
            if found is None or not batch.startswith(found):
                self._note(_UNREADABLE if found is None else _UNCERTAIN)
                self._end_line()
                return position
            self._write(batch[len(found) :])
            position, ours = StreamPosition(saved.pending.epoch, saved.pending.seq), ours + len(batch)
        if self._length > ours:
            self._note(_FOREIGN.format(self._length - ours))
            self._end_line()
        return position

    def prepare(self, data: bytes, end: StreamPosition) -> None:
        """``data``, which is the output up to ``end``, is about to be written."""
        if self._regular and data:
            self._length = self._next_write()
            self._save(PendingBatch(*end, data))
            self._writing = True

    def move(self, position: StreamPosition, *, more: bool = False) -> None:
        """All output up to ``position`` has been written. With ``more`` another batch follows at once."""
        if self._writing:
            self._length = os.lseek(self._descriptor, 0, os.SEEK_CUR)
            self._writing = False
        self._at = position
        if position != self._saved and not (more and self._regular):  # the next batch saves it
            self._save()

    def finish(self) -> None:
        """The run ends in order; what it could not write is still known to the next one."""
        if self._regular and self._at is not None and not self._writing:
            self._save(finished=True)

    def _resume(self, saved: SavedPosition) -> StreamPosition:
        if saved.pending is not None:
            self._note(_UNCERTAIN)
        return saved.position

    def _read(self, most: int, at: int) -> bytes | None:
        """Up to ``most`` bytes of the output from ``at`` on, or None if they can't be read."""
        if at == self._length:
            return b""
        try:
            reading = _opened_to_read(self._descriptor)
        except OSError:
            return None
        try:
            return os.pread(reading, most, at)
        finally:
            os.close(reading)

    def _end_line(self) -> None:
        """What comes next begins a line, even if another command was killed in the middle of one."""
        if self._read(1, self._length - 1) not in (b"\n", None):
            self._write(b"\n")

    def _next_write(self) -> int:
        return os.lseek(self._descriptor, 0, os.SEEK_END if self._appends else os.SEEK_CUR)

    def _write(self, data: bytes) -> None:
        """Write all of ``data``, and look where the output ends now."""
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._length = self._next_write()

    def _save(self, pending: PendingBatch | None = None, *, finished: bool = False) -> None:
        assert self._at is not None
        inode, length = (self._inode, self._length) if self._regular else (None, None)
        self._file.save(SavedPosition(self._room, *self._at, inode, length, pending, finished))
        self._saved = self._at


def _opened_to_read(descriptor: int) -> int:
    """The same file once more: a shell opens standard output for writing only. Raises OSError."""
    path = f"/proc/self/fd/{descriptor}"
    if hasattr(fcntl, "F_GETPATH"):  # macOS
        path = os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return os.open(path, os.O_RDONLY)
