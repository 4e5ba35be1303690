"""How much room the data takes, and how much is left."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from chatty.server.platform.store.data_directory import DATABASE
from chatty.server.platform.store.search.index import INDEX


class Footprint(Struct, frozen=True):
    """Sizes in bytes. A file that is not there has none."""

    database: int = 0
    write_ahead_log: int = 0
    search_index: int = 0
    disk_free: int = 0
    """The space that the server may still use: some of what is free may be kept for root."""
    disk: int = 0


def measure(data: Path) -> Footprint:
    """The footprint of a data directory. The disk may be slow to tell, so call it in a thread."""
    free = whole = 0
    with suppress(OSError):  # a sandbox may refuse it
        disk = os.statvfs(data)
        free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    return Footprint(
        _size(data / DATABASE),
        _size(data / f"{DATABASE}-wal"),
        _size(data / INDEX) + _size(data / f"{INDEX}-wal"),
        free,
        whole,
    )


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
