"""The beginning of a text that is too long to be shown whole, and how many rows that leaves out."""

from __future__ import annotations

import re
from typing import Final

from chatty.cli.terminal.folding import folds

__all__ = ["BEGINNING", "MOST", "excerpt"]

MOST: Final = 20
"""Rows that a text may have to be shown whole."""
BEGINNING: Final = 15
"""Rows that are shown of a longer one."""
LEAST: Final = 8
"""Columns that a text is counted to have, however narrow the window is."""


def excerpt(text: str, columns: int) -> tuple[str, int]:
    """``text``, or its beginning, and how many rows are left out. A row has so many ``columns``.

    What is left out is counted by its characters: it isn't worth being folded.
    """
    columns = max(columns, LEAST)
    ends = _first_rows(text, columns)
    if len(ends) <= MOST:
        return text, 0
    rest = text[ends[BEGINNING - 1] :].removeprefix("\n")
    long_rows = re.findall(rf"^.{{{columns + 1},}}", rest, re.MULTILINE)
    return text[: ends[BEGINNING - 1]], 1 + rest.count("\n") + sum((len(row) - 1) // columns for row in long_rows)


def _first_rows(text: str, columns: int) -> list[int]:
    """The places in ``text`` where each of its first rows ends. There may be more than are asked for."""
    ends: list[int] = []
    place = 0
    while place <= len(text) and len(ends) <= MOST:
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place : min(end, place + (MOST + 1) * columns)]
        for start, stop in folds(line, columns, columns):
            # An address is one piece, which the terminal itself breaks.
            ends += [place + inner for inner in range(start + columns, stop, columns)] if line.isascii() else []
            ends.append(place + stop)
        if place + len(line) < end:  # more than enough rows, even if they are blank
            ends += [place + len(line)] * (MOST + 1)
        place = end + 1
    return ends
