"""The ``chatty`` command: the faces of the client library and the server in a terminal and in scripts.

Importing this package imports nothing else: what a command needs is imported
when it runs, so that none waits for another's libraries.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command that the process was started with, and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        from chatty._version import __version__

        sys.stdout.write(f"chatty {__version__}\n")
        sys.exit(0)
    from chatty.cli.app import run
    from chatty.cli.environment import Environment

    env = Environment.of_process()
    status = run(env, sys.argv[1:])
    with suppress(OSError):
        env.stderr.flush()
    # Python would take apart every module first, which takes longer than many a command.
    os._exit(status)
