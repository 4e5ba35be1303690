"""Runs a command for one message, as long as it may take, and gives what it prints."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = ["Handled", "handle"]

_GRACE: Final = 2.0
"""Seconds between asking a command to end, and ending it."""

_CHUNK: Final = 65_536


class Handled(NamedTuple):
    """What came of it: the command's exit status (negative: by that signal; None: out of time), and what it printed.

    ``printed`` is the beginning of ``size`` bytes.
    """

    status: int | None
    printed: bytes
    size: int


async def handle(
    command: Sequence[str], given: bytes, *, environ: Mapping[str, str], timeout: float, most: int, stderr: int
) -> Handled:
    """Runs ``command`` with ``given`` on its standard input, and keeps ``most`` bytes of what it prints.

    It gets a process group of its own, of which nothing is left afterwards:
    after ``timeout`` seconds, or when this is cancelled, all of it is told to
    end, and soon ended. Raises OSError if it can't be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=environ,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            _, (printed, size) = await asyncio.gather(_feed(process, given), _collect(process, most))
            return Handled(await process.wait(), printed, size)
    except TimeoutError:
        return Handled(None, b"", 0)
    finally:
        await _end(process)


async def _feed(process: asyncio.subprocess.Process, given: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(given)
    with suppress(ConnectionError):  # it need not read it
        await process.stdin.drain()
    process.stdin.close()


async def _collect(process: asyncio.subprocess.Process, most: int) -> tuple[bytes, int]:
    assert process.stdout is not None
    kept, size = b"", 0
    while chunk := await process.stdout.read(_CHUNK):
        size += len(chunk)
        kept += chunk[: most - len(kept)]
    return kept, size


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left, or only somebody else's, as under sudo
        os.killpg(process.pid, number)
