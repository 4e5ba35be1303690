"""The person's editor, for a draft that outgrows the line."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

__all__ = ["edited"]

EDITORS: Final = ("editor", "nano", "pico", "vi", "emacs")
"""Editors to try if neither ``$VISUAL`` nor ``$EDITOR`` is set."""


def edited(draft: str, environ: Mapping[str, str]) -> str | None:
    """``draft`` as the editor leaves it, or unchanged if the editor fails; None if no editor can be started. Blocks."""
    own = environ.get("VISUAL") or environ.get("EDITOR")
    with TemporaryDirectory(prefix="chatty-") as directory:  # editors leave more than the one file behind
        file = Path(directory, "draft.md")
        file.write_text(draft, "utf-8", "replace")
        for editor in [own] if own else EDITORS:
            try:
                status = subprocess.call([*shlex.split(editor), str(file)], env=environ)
            except (OSError, ValueError):  # there is no such program, or a quote that isn't closed
                continue
            return draft if status else file.read_text("utf-8", "replace").removesuffix("\n")
    return None
