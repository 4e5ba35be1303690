from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.server import ROOT, environment


def prints(program: str, *arguments: str) -> str:
    """What another interpreter prints that runs ``program``."""
    return subprocess.check_output([sys.executable, "-c", program, *arguments], cwd=ROOT, env=environment(), text=True)


def test_nothing_heavy_is_imported_before_somebody_joins() -> None:
    program = "import chatty.cli.join, sys; print(*sorted(sys.modules))"
    assert {"prompt_toolkit", "rich", "aiohttp", "msgspec"}.isdisjoint(prints(program).split())


def test_what_writes_settings_is_imported_when_some_are_written(tmp_path: Path) -> None:
    program = (
        "import chatty.cli.join.window.faces, sys; from pathlib import Path\n"
        "from chatty.cli.join.settings.writing import write\n"
        "before = 'tomlkit' in sys.modules\n"
        "write(Path(sys.argv[1]), ('join',), 'joins', 'none')\n"
        "print(before, 'tomlkit' in sys.modules)"
    )
    assert prints(program, f"{tmp_path}/config.toml") == "False True\n"
