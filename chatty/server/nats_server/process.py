"""nats-server as a child process: started again when it dies, its output in our log, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import structlog

from chatty.server.nats_server import launch
from chatty.server.settings import SettingError

PROGRAM: Final = "nats-server"
LEAST_PAUSE: Final = 0.2
MOST_PAUSE: Final = 5.0
LASTING: Final = 30.0
"""Seconds after which a process counts as one that works."""
END_SECONDS: Final = 10.0

_LINE: Final = re.compile(r"\[\d+\] \[(?P<level>[A-Z]{3})\] ?(?P<text>.*)")
_LEVELS: Final = {"WRN": "info", "ERR": "warning", "FTL": "error"}
"""It warns of much that is usual while its peers come and go."""
_IDLE_WARNINGS: Final = ("Plaintext passwords detected",)
"""The configuration is readable by our user alone, who has the secret, too."""
_BROKEN: Final = "corrupt state file"
"""It was killed while it made the log's files, and goes on without a copy of the log. Another start mends that."""
_LOG: Final = structlog.get_logger("chatty")


def found_program() -> Path:
    """nats-server as `chatty[cluster]` installs it, or else as the machine has it. Raises SettingError."""
    beside = Path(sys.executable).parent / PROGRAM
    found = beside if os.access(beside, os.X_OK) else shutil.which(PROGRAM)
    missing = PROGRAM if found is None else "nats-py" if importlib.util.find_spec("nats") is None else ""
    if missing or found is None:
        raise SettingError(f"{missing} is not installed", "pip install 'chatty-rooms[cluster]'")
    return Path(found)


class NatsServer:
    """A nats-server with the ``configuration`` in a file."""

    def __init__(self, program: Path, configuration: Path) -> None:
        self._command = (os.fspath(program), "-c", os.fspath(configuration))
        self._said = ""
        self._mended = False
        self.process: Process | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it running meanwhile. At the end it is asked to stop, and waited for."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self) -> None:
        loop, pause = asyncio.get_running_loop(), LEAST_PAUSE
        while True:
            started, self._said = loop.time(), ""
            try:
                why = f"it ended with {await self._run()}"
            except OSError as error:
                why = f"it can't be started: {error}"
            if loop.time() - started >= LASTING:
                pause = LEAST_PAUSE
            _LOG.error("nats-server is gone, and is started again", error=self._said or why, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, MOST_PAUSE)

    async def _run(self) -> int:
        """Run it until it ends, and give its status. If this is cancelled, it is ended."""
        command: tuple[str, ...] = self._command
        if sys.platform == "linux":
            command = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *command)
        # A session of its own: Ctrl-C in our terminal is for us, and it ends after us.
        self.process = process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
        )
        reading = asyncio.create_task(self._read(process))
        try:
            return await process.wait()
        finally:
            await _end(process)
            await reading

    async def _read(self, process: Process) -> None:
        assert process.stderr is not None
        while line := await _line(process.stderr):
            text = line.decode(errors="replace").strip()
            found = _LINE.fullmatch(text)
            level = _LEVELS.get(found["level"], "debug") if found else "warning"
            text = found["text"].strip() if found else text
            if level == "error" or not found:
                self._said = text
            if _BROKEN in text:
                self._mend(process, text)
            elif text:
                getattr(_LOG, "debug" if text.startswith(_IDLE_WARNINGS) else level)("nats-server", says=text)

    def _mend(self, process: Process, text: str) -> None:
        if self._mended:
            _LOG.error(
                "this machine has no copy of the log",
                error=text,
                hint="move the directory nats of its data away and start it again; see docs/cluster.md",
            )
        else:
            self._mended = True
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a part of one that is very long; nothing at the end."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.readexactly(error.consumed)


async def _end(process: Process) -> None:
    """Ask it to stop, which hands its leadership to another server; it is killed if it takes too long."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            _LOG.warning("nats-server does not stop, and is killed")
            process.kill()
            await process.wait()
