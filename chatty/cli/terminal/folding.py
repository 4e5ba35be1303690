"""Rows that are too long for a terminal, broken so that what goes on below begins behind a mark.

A terminal goes on in its first column, where somebody's text, padded to fit,
could pass for another line.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Final, TextIO

__all__ = ["columns_of", "folded", "folds", "hang"]

LEAST: Final = 20
"""Columns of a terminal in which breaking rows makes sense."""
_MARK: Final = "│ "
_MARKED: Final = 48
"""Characters that may stand before a row's mark: a time, blanks, a name."""
_DEEP: Final = 11
"""Columns; a row that begins with so many blanks and has no mark is code, or a quote."""

_WORD: Final = re.compile(r"\S+")
_WHOLE: Final = re.compile("(?s:.)\ufe0f?(?:\u200d.\ufe0f?)*")  # a character, or an emoji with what is joined to it


def columns_of(stream: TextIO) -> int:
    """How many columns the terminal has that ``stream`` writes to; 0 if it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0


def folded(row: str, columns: int) -> list[str]:
    """``row`` as rows of at most so many ``columns``, unless there are too few of them to do so."""
    row = row.expandtabs()
    first, *more = folds(row, columns)
    further = hang(row, columns)
    return [row[slice(*first)], *(further + row[slice(*one)] for one in more)]


def hang(row: str, columns: int) -> str:
    """What the rows begin with that ``row`` goes on in: they are marked as those of a text are, or blank for code."""
    place = row.find(_MARK, 0, _MARKED)
    blanks = len(row) - len(row.lstrip(" "))
    if place < 0 and blanks >= _DEEP:
        return " " * min(blanks, columns // 2)
    column = _DEEP if place < 0 else _width(row[:place])
    return " " * min(column, columns // 2) + _MARK


def folds(row: str, columns: int) -> list[tuple[int, int]]:
    """Where ``row``, which has no tabs, is broken: the places of its pieces, which leave out the blanks between them.

    It is broken between words. A word that is longer than a row is left to
    the terminal to break if it is ASCII, as an address is: so it is copied as
    one, and without a blank it passes for nothing else.
    """
    if columns < LEAST or 2 * len(row) <= columns or _width(row) <= columns:
        return [(0, len(row))]
    pieces = []
    room, further = columns, columns - len(hang(row, columns))
    start = end = used = 0
    for found in _WORD.finditer(row):
        word, begin = found[0], found.start()
        blanks, size = _width(row[end:begin]), _width(word)
        if used + blanks + size > room and (size <= further or used + blanks >= room):
            pieces.append((start, end))
            start, used, blanks, room = begin, 0, 0, further
        used += blanks
        if used + size <= room:
            used += size
        elif word.isascii():
            used = room
        else:
            for one in _WHOLE.finditer(word):
                size = _width(one[0])
                if used + size > room:
                    place = begin + one.start()
                    pieces.append((start, place))
                    start, used, room = place, 0, further
                used += size
        end = found.end()
    return [*pieces, (start, end)]


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(4096)
def _columns(character: str) -> int:
    from rich.cells import get_character_cell_size  # here, because a pipe needs none of it

    # With its selector an emoji is wide, in terminals that know.
    return 1 if character == "\ufe0f" else get_character_cell_size(character)
