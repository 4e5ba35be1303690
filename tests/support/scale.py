"""How large the tests with real processes are: the promises' own figures, by one factor.

`make test` runs them small. The full figures, by hand:

    CHATTY_TEST_SCALE=1 make test ARGS="tests/system --timeout 0"
"""

from __future__ import annotations

import os
from typing import Final

SCALE: Final = float(os.environ.get("CHATTY_TEST_SCALE", "0.1"))

SLACK: Final = 4.0
"""By how much a busy machine may exceed a limit in seconds that is promised for a quiet one."""


def scaled(full: int, *, least: int = 1) -> int:
    """``full`` times are promised; this many are tested."""
    return max(least, round(full * SCALE))
