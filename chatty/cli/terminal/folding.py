"""Rows that are too long for a terminal, broken so that they go on below behind a mark.

A terminal itself would go on in its first column. There a text, padded to fit,
could pass for another line.
"""

from __future__ import annotations

import os
import re
from typing import Final, TextIO

from chatty.cli.terminal.width import clusters, width

__all__ = ["NARROW", "columns_of", "folded", "folds", "hang"]

LEAST: Final = 8
"""Columns of a terminal in which a mark and a wide character fit side by side, whatever the mark is indented by."""
NARROW: Final = 60
"""Columns below which a room is shown without a gutter, see `rendering.layouts`."""
_MARK: Final = "│ "
_MARKED: Final = 48
"""Characters that may stand before a row's mark: a time, blanks, a name."""
_DEEP: Final = 11
"""Columns; a row that begins with so many blanks and has no mark is code, or a quote."""

_WORD: Final = re.compile(r"\S+")
_ADDRESS: Final = re.compile(r"[!-~]{0,20}[a-z]+://[!-~]+")
"""An address, perhaps in brackets: all of it ASCII, so that no part of it looks like a line of chatty's."""


def columns_of(stream: TextIO) -> int:
    """How many columns the terminal has that ``stream`` writes to; 0 if it isn't a terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


def folded(row: str, columns: int) -> list[str]:
    """``row`` as rows of at most so many ``columns``, unless there are too few of them to do so."""
    row = row.expandtabs()
    further = hang(row, columns)
    first, *more = folds(row, columns, columns - len(further))
    return [row[slice(*first)], *(further + row[slice(*piece)] for piece in more)]


def hang(row: str, columns: int) -> str:
    """The beginning of the rows in which ``row`` goes on: a mark in the column of its own, or blanks before code."""
    place = row.find(_MARK, 0, _MARKED)
    blanks = len(row) - len(row.lstrip(" "))
    if place < 0 and blanks >= _DEEP:
        return " " * min(blanks, columns // 2)
    column = _DEEP if place < 0 else width(row[:place])
    return " " * min(column, columns // 2) + _MARK


def folds(row: str, columns: int, further: int) -> list[tuple[int, int]]:
    """The places of the pieces in which ``row``, which has no tabs, is broken. Blanks between them are left out.

    The first one has so many ``columns``, all others have ``further``: there, something stands before them.

    It is broken between words. A word that is longer than a row is broken
    between characters, but for an address: the terminal breaks that, so that
    it can be copied as one. It has no blanks, so no part of it is like a line.
    """
    # A character has two columns at most: most rows need not be measured.
    if columns < LEAST or 2 * len(row) <= columns or width(row) <= columns:
        return [(0, len(row))]
    pieces = []
    left = columns  # of the row that is being filled
    start = end = 0
    for word in _WORD.finditer(row):
        blanks, size = width(row[end : word.start()]), width(word[0])
        fits_here = blanks + size <= left
        if not fits_here and (size <= further or blanks >= left):
            pieces.append((start, end))
            start, blanks, left = word.start(), 0, further
        left -= blanks
        if size <= left:
            left -= size
        elif _ADDRESS.fullmatch(word[0]):
            left = 0
        else:
            places, left = _breaks(word[0], left, further)
            for place in places:
                pieces.append((start, word.start() + place))
                start = word.start() + place
        end = word.end()
    return [*pieces, (start, end)]


def _breaks(word: str, left: int, further: int) -> tuple[list[int], int]:
    """The places where ``word`` is broken if so many columns are ``left``, and the columns left in its last row.

    All further rows have so many columns. Characters that belong together stay together where they fit a row.
    """
    if word.isascii():
        places = list(range(left, len(word), further))
        return places, further - len(word) + places[-1]
    places, place = [], 0
    for cluster in clusters(word):
        whole = width(cluster)
        for part, size in [(cluster, whole)] if whole <= further else [(part, width(part)) for part in cluster]:
            if size > left:
                places.append(place)
                left = further
            left -= size
            place += len(part)
    return places, left
