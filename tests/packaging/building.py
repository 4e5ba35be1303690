"""Builds distributions, and knows what must be in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from chatty._version import __version__
from tests.support.server import PATIENCE, ROOT, environment

DISTRIBUTION = f"chatty_rooms-{__version__}"
WHEEL = f"{DISTRIBUTION}-py3-none-any.whl"
COMPLETIONS = {
    "bash": "share/bash-completion/completions/chatty",
    "zsh": "share/zsh/site-functions/_chatty",
    "fish": "share/fish/vendor_completions.d/chatty.fish",
}
ELSEWHERE = {**environment(), "PYTHONPATH": ""}  # nothing is taken from the sources


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] = ELSEWHERE) -> str:
    """What ``command`` prints. It must succeed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=3 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(sources: Path, into: Path, *options: str) -> None:
    """Build distributions of ``sources``, with what a release is built with."""
    run(sys.executable, "-m", "hatchling", "build", "--directory", into, *options, cwd=sources)


def contents(wheel: Path) -> set[str]:
    """The files in ``wheel``, but for those that say what it is."""
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.startswith(f"{DISTRIBUTION}.dist-info/")}


def expected() -> set[str]:
    """What a wheel must have: the package, and what is shared."""
    package = {path.relative_to(ROOT) for path in (ROOT / "chatty").rglob("*") if path.is_file()}
    shared = (*COMPLETIONS.values(), "share/man/man1/chatty.1")
    return {str(path) for path in package if "__pycache__" not in path.parts} | {
        f"{DISTRIBUTION}.data/data/{name}" for name in shared
    }
