"""What a program reports: a line, and below it, as a block of code, the end of what it has printed. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from chatty.cli.terminal.folding import folds

__all__ = ["OutputReport", "output_report"]

LEAST: Final = 3
MOST: Final = 15
"""Rows of the output that are shown: as many as it has lines, but so many at least, and at most."""
NARROWEST: Final = 8
"""Columns that a row is counted to have, however narrow the window is."""

_REPORT: Final = re.compile(r"(?! {0,3}(?:```|~~~))([^\n]+)\n(`{3,})\n(.+)\n\2", re.DOTALL)


class OutputReport(NamedTuple):
    """A report in brief: its first line, how many rows of output are ``left_out``, and the ``lines`` below these."""

    title: str
    left_out: int
    lines: list[str]


def output_report(text: str, columns: int) -> OutputReport | None:
    """``text``, which has been cleaned, in brief, in rows of so many ``columns``; None if it isn't such a report.

    What a program printed last matters most. A line is shown whole, unless it
    alone has too many rows.
    """
    found = _REPORT.fullmatch(text)
    if found is None or found[2] in found[3]:
        return None
    columns = max(columns, NARROWEST)
    lines = found[3].split("\n")
    rows = [folds(line, columns, columns) for line in lines]
    left = most = min(max(len(lines), LEAST), MOST)
    first = len(lines)
    while first and len(rows[first - 1]) <= left:
        first -= 1
        left -= len(rows[first])
    shown = lines[first:]
    if not shown:
        shown, left = [lines[-1][: rows[-1][most - 1][1]]], 0
    return OutputReport(found[1], sum(map(len, rows)) - (most - left), shown)
