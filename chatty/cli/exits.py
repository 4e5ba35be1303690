"""What a command's exit status means."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["MEANINGS", "ExitStatus"]


class ExitStatus(IntEnum):
    """One meaning for each number, the same in every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_SUCH_ROOM = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    REFUSED = 6
    HUNG_UP = 129
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


MEANINGS: Final = {
    ExitStatus.DONE: "Done; for send: everything is stored.",
    ExitStatus.FAILED: "Failed.",
    ExitStatus.USAGE: "The command line, or what it names, makes no sense.",
    ExitStatus.NO_SUCH_ROOM: "No such room.",
    ExitStatus.NOT_ALLOWED: "Not allowed, or no valid credentials.",
    ExitStatus.UNREACHABLE: "The server was not reached or can't do it just now, or something did not come in time.",
    ExitStatus.REFUSED: "The server said no (rate, too long, name taken, room closed), or took only a part.",
    ExitStatus.HUNG_UP: "Hung up.",
    ExitStatus.INTERRUPTED: "Interrupted.",
    ExitStatus.READER_GONE: "Who read standard output went away; nothing is said about it.",
    ExitStatus.TERMINATED: "Terminated.",
}
"""Each as a sentence for the reference."""
