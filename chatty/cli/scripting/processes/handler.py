"""Runs a command for one message, for a limited time, and gives its output."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from chatty.cli.scripting.processes.starting import Pipe, start

__all__ = ["Handled", "handle"]

_GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""

_GLANCE: Final = 0.02
"""Seconds between two checks whether it has ended."""


class Handled(NamedTuple):
    """The outcome: the command's exit status (negative: the signal that ended it; None: out of time) and its output.

    ``printed`` is the beginning of ``size`` bytes.
    """

    status: int | None
    printed: bytes
    size: int


async def handle(
    command: Sequence[str], given: bytes, *, environ: Mapping[str, str], timeout: float, most: int, stderr: int
) -> Handled:
    """Run ``command`` with ``given`` on its standard input, and keep ``most`` bytes of its output.

    It gets a process group of its own. When it has ended, after ``timeout``
    seconds, or when this is cancelled, the whole group gets SIGTERM and soon
    SIGKILL. Raises OSError if the command can't be started.
    """
    pipe = Pipe()
    try:
        try:
            process = await start(
                command,
                environ=environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=pipe.end,
                stderr=stderr,
                new_session=True,
            )
        finally:
            os.close(pipe.end)
        try:
            async with asyncio.timeout(timeout):
                return await _handled(process, pipe, given, most)
        except TimeoutError:
            return Handled(None, b"", 0)
        finally:
            await _end(process)
    finally:
        pipe.close()


async def _handled(process: asyncio.subprocess.Process, pipe: Pipe, given: bytes, most: int) -> Handled:
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(_feed(process, given))
        collecting = tasks.create_task(_collect(pipe, most))
        status = await process.wait()
        feeding.cancel()
        pipe.finish()  # a process that it left behind may keep the other end open forever
    return Handled(status, *collecting.result())


async def _feed(process: asyncio.subprocess.Process, given: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(given)
    with suppress(ConnectionError):  # it need not read it
        await process.stdin.drain()
    process.stdin.close()


async def _collect(pipe: Pipe, most: int) -> tuple[bytes, int]:
    kept, size = b"", 0
    while chunk := await pipe.read():
        size += len(chunk)
        kept += chunk[: most - len(kept)]
    return kept, size


async def _end(process: asyncio.subprocess.Process) -> None:
    if _signal(process, signal.SIGTERM):
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                while _signal(process, 0):  # nothing tells when a group is empty
                    await asyncio.sleep(_GLANCE)
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> bool:
    """Whether it reached a process of the group. If not, none is left, or only somebody else's, as under sudo."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
