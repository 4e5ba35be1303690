"""The duties of a container's first process, if that is chatty.

The kernel keeps signals from process 1 for which it has no handler, and gives it every orphan, to be reaped when it
ends. So process 1 does nothing but that, from its first moment on, and a child of it is the command.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Final

__all__ = ["watch_over_the_command"]

_OWN_FAULTS: Final = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
_STOPS: Final = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_TERMINAL: Final = 0


def watch_over_the_command() -> None:
    """Return in a child, which is to run the command. Process 1 passes signals on to it, and ends as it does."""
    # Blocked signals wait, also for process 1: none is lost before the command is there to have it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _OWN_FAULTS)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would leave no status
    command = os.fork()
    if command:
        _watch(command)
    os.setpgid(0, 0)  # or Ctrl-C in a terminal would come twice
    with suppress(OSError):  # not a terminal, or not ours
        os.tcsetpgrp(_TERMINAL, os.getpgrp())
    for stop in _STOPS:  # no shell is there to continue what Ctrl-Z has stopped
        signal.signal(stop, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch(command: int) -> None:
    while True:
        number = signal.sigwait(signal.valid_signals() - _OWN_FAULTS)
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(command, number)
            continue
        for process, status in iter(_reap, (0, 0)):
            if process == command:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)


def _reap() -> tuple[int, int]:
    """A process that has ended, and how; zeros if none has."""
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0, 0
