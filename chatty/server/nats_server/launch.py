"""Becomes the program that its arguments name, which ends when the process that started this does.

It is a process of its own because only a child can ask the kernel for that,
and no code should run between a fork and a program in a server with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, program: str, *arguments: str) -> None:
    """Become ``program``, unless the process ``parent`` is gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == int(parent):
        os.execv(program, [program, *arguments])  # noqa: S606 - it is what this is for


if __name__ == "__main__":
    main(*sys.argv[1:])
