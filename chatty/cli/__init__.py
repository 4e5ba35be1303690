"""The ``chatty`` command: the faces of the client library and the server in a terminal and in scripts.

Importing this package imports nothing else: what a command needs is imported
when it runs, so that none waits for another's libraries.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from chatty.cli.environment import Environment

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command that the process was started with, and exit with its status."""
    if os.getpid() == 1:
        from chatty.cli.process_one import watch_over_the_command

        watch_over_the_command()
    try:
        status = _run()
    except KeyboardInterrupt:  # before there was a command to deal with it
        status = 128 + 2
    # Python would take apart every module first, which takes longer than many a command.
    os._exit(status)


def _run() -> int:
    from chatty.cli.environment import Environment

    env = Environment.of_process()
    if sys.argv[1:] in (["--version"], ["-V"]):
        status = _show_version(env)
    else:
        from chatty.cli.app import run

        status = run(env, sys.argv[1:])
    with suppress(OSError):
        env.stderr.flush()
    return status


def _show_version(env: Environment) -> int:
    """What `run` does for this option, without the time that loading the commands takes."""
    from chatty._version import __version__
    from chatty.cli.environment import ReaderGone
    from chatty.cli.exits import ExitStatus

    try:
        env.out(f"chatty {__version__}")
    except ReaderGone:
        return ExitStatus.READER_GONE
    except OSError as error:
        env.err(f"error: {error.strerror}")
        return ExitStatus.FAILED
    return ExitStatus.DONE
