from __future__ import annotations

import subprocess
import sys

from tests.support.server import ROOT, environment


def test_nothing_heavy_is_imported_before_somebody_joins() -> None:
    program = "import chatty.cli.join, sys; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"prompt_toolkit", "rich", "aiohttp", "msgspec"}.isdisjoint(modules)
