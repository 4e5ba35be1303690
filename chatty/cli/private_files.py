"""Small private files that are replaced as a whole, so no reader ever sees half of one."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["locked", "write_private"]


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Make ``path`` hold ``data``, readable only by its owner; at once, or not at all.

    The directory is created if it is missing. Without ``replace``, a file that
    exists stays as it is. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if replace:
            Path(beside).replace(path)
        else:
            with suppress(FileExistsError):
                os.link(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path``, after waiting for the commands that hold it. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
