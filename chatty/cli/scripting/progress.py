"""A running command: its last lines, its running time, and its ending."""

from __future__ import annotations

import asyncio

from chatty.cli.scripting.last_lines import LastLines, Patterns
from chatty.cli.scripting.processes.child import Ending

__all__ = ["Progress"]


class Progress:
    """A command's progress. ``printed`` is set whenever there may be something new, including its end."""

    def __init__(self, patterns: Patterns) -> None:
        self.lines = LastLines(patterns)
        self.printed = asyncio.Event()
        self.ended = asyncio.Event()
        self.ending: Ending | None = None
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self._took: float | None = None

    @property
    def seconds(self) -> float:
        """Its running time."""
        return self._now() - self._began if self._took is None else self._took

    def seen(self, stream: int, data: bytes) -> None:
        """Take in ``data``, which it has printed to descriptor ``stream``."""
        self.lines.feed(stream, data)
        self.printed.set()

    def end(self, ending: Ending) -> None:
        """Take in its end."""
        self._took = self.seconds
        self.ending = ending
        self.ended.set()
        self.printed.set()
