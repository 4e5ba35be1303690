"""The exit statuses of all commands."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["MEANINGS", "ExitStatus"]


class ExitStatus(IntEnum):
    """Each number means the same in every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_SUCH_ROOM = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    REFUSED = 6
    CANNOT_RUN = 126
    NO_SUCH_COMMAND = 127
    HUNG_UP = 129
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


MEANINGS: Final = {
    ExitStatus.DONE: "Done; for send: everything is stored.",
    ExitStatus.FAILED: "Failed.",
    ExitStatus.USAGE: "Wrong usage: the command line, or a file that it names, is invalid.",
    ExitStatus.NO_SUCH_ROOM: "No such room.",
    ExitStatus.NOT_ALLOWED: "Not allowed, or no valid credentials.",
    ExitStatus.UNREACHABLE: "The server can't be reached or can't do it at the moment, or time ran out.",
    ExitStatus.REFUSED: "The server refused (rate, too long, name taken, room closed), or took only a part.",
    ExitStatus.CANNOT_RUN: "For bot and run: the command can't be run, as in a shell.",
    ExitStatus.NO_SUCH_COMMAND: "For bot and run: there is no such command, as in a shell.",
    ExitStatus.HUNG_UP: "Hung up.",
    ExitStatus.INTERRUPTED: "Interrupted.",
    ExitStatus.READER_GONE: "The reader of standard output went away. Nothing is printed about it.",
    ExitStatus.TERMINATED: "Terminated.",
}
"""What each means, as a sentence for the reference."""
