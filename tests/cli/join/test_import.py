from __future__ import annotations

import subprocess
import sys
from tempfile import TemporaryDirectory

from tests.support.server import ROOT, environment


def test_nothing_heavy_is_imported_before_somebody_joins() -> None:
    program = "import chatty.cli.join, sys; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"prompt_toolkit", "rich", "aiohttp", "msgspec"}.isdisjoint(modules)


def test_what_writes_settings_is_imported_when_some_are_written() -> None:
    program = (
        "import chatty.cli.join.window.faces, sys; from pathlib import Path\n"
        "from chatty.cli.join.settings.writing import write\n"
        "before = 'tomlkit' in sys.modules\n"
        "write(Path(sys.argv[1]), ('join',), 'joins', 'none')\n"
        "print(before, 'tomlkit' in sys.modules)"
    )
    with TemporaryDirectory() as home:
        said = subprocess.check_output(
            [sys.executable, "-c", program, f"{home}/config.toml"], cwd=ROOT, env=environment(), text=True
        )
    assert said == "False True\n"
