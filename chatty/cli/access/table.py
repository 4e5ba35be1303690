"""Rows of text that come from servers and from other people, safe to show: aligned in a terminal, tabs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from chatty.cli.environment import Environment
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.width import width

__all__ = ["print_rows"]


def print_rows(env: Environment, rows: Sequence[Sequence[str]]) -> None:
    """Print the rows, one a line."""
    shown = [[clean(cell, newlines=False).replace("\t", " ") for cell in row] for row in rows]
    if not env.stdout.isatty():
        for row in shown:
            env.out("\t".join(row))
        return
    widths = [max(width(row[column]) for row in shown) for column in range(len(shown[0]))] if shown else []
    for row in shown:
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
        env.out("  ".join(cells).rstrip())
