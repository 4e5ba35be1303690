"""A wall clock that a test sets, for a server in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.server import ROOT

# The machine has been up for long, whatever machine the test runs on.
_SHIFTED: Final = """
import os, time

wall, up = time.time_ns, time.clock_gettime
time.time_ns = lambda: wall() + int(float(open(os.environ["CLOCK_SHIFT"]).read()) * 1e9)
time.clock_gettime = lambda clock: up(clock) + 1e6
"""


class Clock:
    """The wall clock of processes that have ``env``, so many seconds ahead of this machine's as it is `set`."""

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        (scratch / "sitecustomize.py").write_text(_SHIFTED)
        self._shift = scratch / "shift"
        self.env = {"PYTHONPATH": f"{scratch}:{ROOT}", "CLOCK_SHIFT": str(self._shift)}
        self.set(0)

    def set(self, seconds: float) -> None:
        whole = self._shift.with_suffix(".new")
        whole.write_text(str(seconds))
        whole.rename(self._shift)
