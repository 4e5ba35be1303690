"""Bringing files and directories to the disk, where each system has its own way."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_FULL_SYNC: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS fsync leaves the data in the drive's cache, and this does not."""


def sync(path: Path) -> None:
    """Return when the file or directory ``path`` is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _FULL_SYNC is not None:
            with suppress(OSError):  # a file system that can't: fsync is what there is
                fcntl.fcntl(descriptor, _FULL_SYNC)
                return
        os.fsync(descriptor)
    except OSError as error:
        # Many a network's file system can't sync a directory, and does so by itself.
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
