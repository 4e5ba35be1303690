"""Runs a command as if it had been started directly: its streams, its signals, its status."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from chatty.cli.environment import Environment, ReaderGone
from chatty.cli.scripting.processes.starting import Pipe, signal_name, start
from chatty.cli.scripting.standard_streams import Output

__all__ = ["Child", "Ending", "die_of"]

_TYPED: Final = (signal.SIGINT, signal.SIGQUIT)  # Ctrl-C and Ctrl-\
_SIGNALS: Final = (*_TYPED, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

Seen = Callable[[int, bytes], None]
"""Called with the descriptor that the command prints to, and the bytes."""


class Ending(NamedTuple):
    """How a command ended: with ``status``, by ``signal``, or not even started because of ``error``.

    ``lost``: why some of its output could not be passed on.
    """

    status: int
    signal: int = 0
    error: str = ""
    lost: str = ""

    @property
    def failed(self) -> bool:
        """Whether not all is well."""
        return bool(self.status or self.lost)

    def __str__(self) -> str:
        if self.error:
            return f"could not be started ({self.error})"
        if self.signal:
            how = f"killed by {signal_name(self.signal)}"
        else:
            how = f"failed with {self.status}" if self.status else "done"
        return f"{how}, output lost ({self.lost})" if self.lost else how


class Child:
    """A command whose output passes through this process, which also passes on the signals that it gets.

    ``seen`` is called with its output; if it is None, the output takes the
    direct way. When the command has ended, any further signal sets ``hurried``,
    and output that nobody reads is given up.
    """

    def __init__(self, env: Environment, command: Sequence[str], seen: Seen | None) -> None:
        self.hurried = asyncio.Event()
        self._env = env
        self._command = command
        self._seen = seen
        self._process: asyncio.subprocess.Process | None = None
        self._early: list[int] = []
        self._pumping: list[asyncio.Task[OSError | None]] = []

    async def run(self, started: Callable[[], None]) -> Ending:
        """Run it to its end, and call ``started`` as soon as it runs. Processes that it leaves behind may go on."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signal, number)
        descriptors = (self._env.stdout.fileno(), self._env.stderr.fileno())
        pumps = _pumps(descriptors, self._seen) if self._seen else []
        out, err = (pumps[0].end, pumps[-1].end) if pumps else descriptors
        try:
            self._process = await start(self._command, stdin=self._env.stdin.fileno(), stdout=out, stderr=err)
        except OSError as error:
            return Ending(127 if isinstance(error, FileNotFoundError) else 126, error=error.strerror or str(error))
        finally:
            for pump in pumps:
                os.close(pump.end)
        for early in self._early:
            self._pass_on(early)
        self._pumping = [asyncio.create_task(pump.run()) for pump in pumps]
        started()
        status = await self._process.wait()
        for pump in pumps:
            pump.finish()
        lost = _lost(await asyncio.gather(*self._pumping, return_exceptions=True))
        return Ending(128 - status, -status, lost=lost) if status < 0 else Ending(status, lost=lost)

    def _signal(self, number: int) -> None:
        if self._process is None:
            self._early.append(number)
        elif self._process.returncode is None:
            self._pass_on(number)
        else:
            self.hurried.set()
            for pumping in self._pumping:
                pumping.cancel()

    def _pass_on(self, number: int) -> None:
        assert self._process is not None
        if number in _TYPED and _in_foreground():
            return  # the terminal has already sent it to the command, and a second one often means more
        with suppress(ProcessLookupError, PermissionError):  # it is gone, or somebody else's, as under sudo
            self._process.send_signal(number)


def _pumps(descriptors: Sequence[int], seen: Seen) -> list[_Pump]:
    """One for each descriptor; for one and the same file there is one, so that what is printed keeps its order."""
    out, err = descriptors
    same = os.path.samestat(os.fstat(out), os.fstat(err))
    return [_Pump(to, seen) for to in ((out,) if same else descriptors)]


class _Pump(Pipe):
    """Copies what is written to ``end`` to the descriptor ``to``, at the pace of its reader."""

    def __init__(self, to: int, seen: Seen) -> None:
        super().__init__()
        self._to = to
        self._seen = seen

    async def run(self) -> OSError | None:
        """Return at the end, or with the error that prevents copying; the command then gets SIGPIPE."""
        out = Output(self._to)
        try:
            while data := await self.read():
                self._seen(self._to, data)
                await out.write(data)
        except ReaderGone:
            return None
        except OSError as error:
            return error
        finally:
            self.close()
        return None


def _lost(results: Sequence[BaseException | None]) -> str:
    """Why output was lost; empty if none was."""
    for error in results:
        if isinstance(error, asyncio.CancelledError):
            return "nobody read it"
        if isinstance(error, OSError):
            return error.strerror or str(error)
        if error is not None:
            raise error
    return ""


def die_of(number: int) -> int:
    """End this process by signal ``number``, which ended the command; if that fails, give 128 + number."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _in_foreground() -> bool:
    """Whether Ctrl-C at our terminal goes to us and to the commands that we started."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
