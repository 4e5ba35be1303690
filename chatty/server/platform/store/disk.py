"""Syncing files and directories to the disk, which each system does in its own way."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_FULL_SYNC: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS, fsync leaves the data in the drive's cache. This does not."""


def sync(path: Path) -> None:
    """Return when the file or directory ``path`` is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _FULL_SYNC is not None:
            with suppress(OSError):  # some file systems can't, and only have fsync
                fcntl.fcntl(descriptor, _FULL_SYNC)
                return
        os.fsync(descriptor)
    except OSError as error:
        # Many network file systems can't sync a directory, because they do so by themselves.
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
