"""Lengths of time as people write them: one rule for the commands and the server."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["parse_duration"]

_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw]?)")


def parse_duration(text: str, *, unit_needed: bool = False) -> float:
    """A length of time in seconds: ``30`` (unless the unit is needed), ``30s``, ``1.5m``, ``24h``, ``7d``, ``2w``.

    Raises ValueError for anything else, with what to write.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or (unit_needed and not found[2]):
        raise ValueError(f"{text!r} is not a length of time; write 30s, 5m, 24h, 7d or 2w")
    return float(found[1]) * _UNITS[found[2]]
