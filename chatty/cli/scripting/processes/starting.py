"""Starts commands like a shell does, and reads their output."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure

__all__ = ["Pipe", "cannot_start", "signal_name", "start", "why_not"]

_CHUNK: Final = 65_536


async def start(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    stdin: int,
    stdout: int,
    stderr: int,
    new_session: bool = False,
) -> asyncio.subprocess.Process:
    """Start ``command``. A script without ``#!`` runs in ``/bin/sh``, as it does from a shell.

    Streams are descriptors, or constants of `asyncio.subprocess`. Raises OSError if it can't be started.
    """
    # If our parent ignores SIGCHLD, so do we, and the kernel keeps no status for us.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    async def started(words: Sequence[str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *words, stdin=stdin, stdout=stdout, stderr=stderr, env=environ, start_new_session=new_session
        )

    try:
        return await started(command)
    except OSError as error:
        script = shutil.which(command[0], path=os.pathsep.join(os.get_exec_path(environ)))
        if error.errno != errno.ENOEXEC or script is None:
            raise
        return await started(["/bin/sh", script, *command[1:]])


def why_not(command: str, environ: Mapping[str, str]) -> OSError | None:
    """Why ``command`` can't be started, as far as can be known before; None if it can."""
    if shutil.which(command, path=environ.get("PATH")) is not None:
        return None
    if os.sep not in command or not Path(command).exists():
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command)
    number = errno.EISDIR if Path(command).is_dir() else errno.EACCES
    return PermissionError(number, os.strerror(number), command)


def cannot_start(command: str, error: OSError) -> Failure:
    """The failure of a command that can't be started, with the exit status of a shell."""
    missing = isinstance(error, FileNotFoundError)
    status = ExitStatus.NO_SUCH_COMMAND if missing else ExitStatus.CANNOT_RUN
    hint = "give its whole path, or see: echo $PATH" if missing and os.sep not in command else ""
    return Failure(status, "system", f"{command}: {error.strerror or error}", hint)


def signal_name(number: int) -> str:
    """Such as SIGTERM; real-time signals have numbers only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Pipe:
    """Reads what commands write to ``end``, beside an event loop. Close ``end`` when they have inherited it."""

    def __init__(self) -> None:
        self._from, self.end = os.pipe()
        os.set_blocking(self._from, False)
        self._left: int | None = None  # bytes, once it is to end
        self._wake = asyncio.Event()

    def finish(self) -> None:
        """Stop after the bytes that are there now, even if somebody continues to write."""
        if self._left is None:
            self._left = int.from_bytes(fcntl.ioctl(self._from, termios.FIONREAD, bytes(4)), sys.byteorder)
            self._wake.set()

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        loop = asyncio.get_running_loop()
        while self._left != 0:
            try:
                data = os.read(self._from, _CHUNK if self._left is None else min(self._left, _CHUNK))
            except BlockingIOError:
                pass
            else:
                if self._left is not None:
                    self._left -= len(data)
                return data
            self._wake.clear()
            loop.add_reader(self._from, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                loop.remove_reader(self._from)
        return b""

    def close(self) -> None:
        """Stop reading. A process that still writes gets SIGPIPE."""
        self._left = 0
        os.close(self._from)
