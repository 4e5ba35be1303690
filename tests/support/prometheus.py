"""The real Prometheus and its promtool, unpacked by tests/system/prepare or installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.support.server import ROOT

_UNPACKED: Final = ROOT / ".venv" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``."""
    return shutil.which(name) or str(_UNPACKED / name)


def promtool(*arguments: str | Path, said: bytes = b"") -> tuple[int, str]:
    """The exit status of promtool, and all that it says about its arguments or standard input."""
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)], input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout.decode()
