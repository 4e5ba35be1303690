"""The person's pager, for a text that outgrows the screen."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping

__all__ = ["paged"]


def paged(text: str, environ: Mapping[str, str]) -> bool:
    """Show ``text``, which is safe to show, in ``$PAGER``. False: that can't be started. Blocks."""
    try:
        subprocess.run(shlex.split(environ["PAGER"]), input=text.encode("utf-8", "replace"), env=environ, check=False)
    except (OSError, ValueError, IndexError):  # no such program, a quote that isn't closed, or nothing but blanks
        return False
    return True
