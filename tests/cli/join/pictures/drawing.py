"""Draws what a terminal shows as a picture: an SVG in which every run of text has its place in the grid of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import accumulate
from typing import Any, Final, NamedTuple

from tests.cli.join.glass import Glass

__all__ = ["PALETTES", "Cell", "Palette", "Shown", "drawn", "shown"]

SIZE: Final = 14
CELL: Final = 8.4
"""The width of a cell. Monospace fonts have 0.6 of their size, or a little less or more: texts are fitted into it."""
ROW: Final = 19
EDGE: Final = 14
DIM: Final = 0.72
"""How much of its colour dim text keeps; the rest is the ground's."""
NAMES: Final = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")  # a terminal's yellow is brown

_CHANGING: Final = (
    (re.compile(r"^── \w+ \d+ \w+ \d{4} ──"), "── Monday 23 November 2026 ──"),
    (re.compile(r"(?<!\d)\d\d:\d\d(?!\d)"), "12:07"),
    (re.compile(r"\d+\.\d s\b"), "2.1 s"),
)


class Palette(NamedTuple):
    """The colours of a terminal: of the ground, of plain text, and its sixteen, first the eight usual ones."""

    ground: str
    text: str
    sixteen: tuple[str, ...]

    def color(self, name: str, *, dim: bool = False, otherwise: str = "") -> str:
        """The colour that pyte calls ``name``."""
        bright = name.startswith("bright")
        plain = name.removeprefix("bright")
        found = (otherwise or self.text) if name == "default" else self.sixteen[NAMES.index(plain) + 8 * bright]
        return _mixed(found, self.ground, DIM) if dim else found


PALETTES: Final = {
    "light": Palette(
        "#fcfcfa", "#24292f",
        ("#24292f", "#b8242b", "#22702b", "#805b00", "#1f5cbf", "#8f3497", "#0b6b77", "#d5d8dc",
         "#59616b", "#c9342f", "#2a7a33", "#8a6200", "#2f6bd0", "#a03ca8", "#0f7480", "#f2f3f5"),
    ),
    "dark": Palette(
        "#16181d", "#d8dce3",
        ("#2b2f37", "#ff7a73", "#7ec96a", "#d9b04c", "#6fa8ff", "#d58ae0", "#4fc3c8", "#d8dce3",
         "#8b929e", "#ff9a94", "#9bdc89", "#ecc871", "#95c0ff", "#e5a9ee", "#7ddadd", "#f5f6f8"),
    ),
}  # fmt: skip


class Cell(NamedTuple):
    """One character in a terminal, so many ``columns`` wide."""

    text: str
    columns: int
    fg: str
    bg: str
    bold: bool
    italic: bool
    under: bool
    struck: bool
    dim: bool

    @property
    def is_blank(self) -> bool:
        return self.text == " " and self.bg == "default" and not self.under


class Shown(NamedTuple):
    """What a terminal of so many ``columns`` shows, without the rows below the last one, and where its cursor is."""

    rows: list[list[Cell]]
    columns: int
    cursor: tuple[int, int]

    @property
    def text(self) -> str:
        return "\n".join("".join(cell.text for cell in row).rstrip() for row in self.rows)


def shown(glass: Glass) -> Shown:
    """What ``glass`` shows, with times and the like always the same."""
    screen = glass.screen
    rows = [_settled(list(_cells(screen.buffer[y], screen.columns))) for y in range(len(glass.rows))]
    return Shown(rows, screen.columns, glass.cursor)


def _cells(row: Any, columns: int) -> Iterator[Cell]:
    for x in range(columns):
        found = row[x]
        if not found.data:
            continue  # the second half of a wide character
        fg, bg = (found.bg, found.fg) if found.reverse else (found.fg, found.bg)
        fg, bg = ("ground", "text") if found.reverse and fg == bg == "default" else (fg, bg)
        wide = 2 if x + 1 < columns and not row[x + 1].data else 1
        yield Cell(
            found.data, wide, fg, bg, found.bold, found.italics, found.underscore, found.strikethrough, found.blink
        )  # fmt: skip


def _settled(row: list[Cell]) -> list[Cell]:
    for changing, always in _CHANGING:
        ends = list(accumulate((len(cell.text) for cell in row), initial=0))
        for match in reversed(list(changing.finditer("".join(cell.text for cell in row)))):
            first, last = ends.index(match.start()), ends.index(match.end())
            row[first:last] = [row[first]._replace(text=character, columns=1) for character in always]
    return row


def drawn(what: Shown, palette: Palette, title: str) -> str:
    """The picture, which is called ``title``."""
    width, height = round(what.columns * CELL + 2 * EDGE), len(what.rows) * ROW + 2 * EDGE
    y, x = what.cursor
    parts = [
        f"<rect x='0.5' y='0.5' width='{width - 1}' height='{height - 1}' rx='8' fill='{palette.ground}'"
        f" stroke='{_mixed(palette.text, palette.ground, 0.25)}'/>",
        f"<rect x='{_at(x)}' y='{EDGE + y * ROW + 1}' width='{CELL}' height='{ROW - 2}' fill='{palette.text}'"
        " fill-opacity='0.45'/>",
    ]
    for number, row in enumerate(what.rows):
        parts += _row(row, EDGE + number * ROW, palette)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'"
        f" font-size='{SIZE}' font-family='ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace'>"
        f"\n<title>{escape(title)}</title>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _row(row: list[Cell], top: int, palette: Palette) -> Iterator[str]:
    for x, columns, run in _runs(row):
        first = run[0]
        ground = palette.text if first.bg == "text" else palette.color(first.bg, otherwise=palette.ground)
        if ground != palette.ground:
            yield f"<rect x='{_at(x)}' y='{top}' width='{columns * CELL:g}' height='{ROW}' fill='{ground}'/>"
        text = "".join(cell.text for cell in run)
        if text.isspace():
            continue
        color = palette.ground if first.fg == "ground" else palette.color(first.fg, dim=first.dim)
        lines = " ".join(name for name, there in (("underline", first.under), ("line-through", first.struck)) if there)
        style = (
            (" font-weight='bold'" if first.bold else "")
            + (" font-style='italic'" if first.italic else "")
            + (f" text-decoration='{lines}'" if lines else "")
        )
        yield (
            f"<text x='{_at(x)}' y='{top + 14}' textLength='{columns * CELL:g}' lengthAdjust='spacingAndGlyphs'"
            f" fill='{color}'{style} xml:space='preserve'>{escape(text, quote=False)}</text>"
        )


def _runs(row: list[Cell]) -> Iterator[tuple[int, int, list[Cell]]]:
    """Neighbours that look alike, each with the column where they begin, and how many they take.

    A wide character stands alone, and where there are two blanks, a new run begins: so nothing depends on the font.
    """
    run: list[Cell] = []
    begin = x = 0
    for place, cell in enumerate(row):
        gap = cell.is_blank and (place + 1 == len(row) or row[place + 1].is_blank or not run)
        alike = run and run[0][1:] == cell[1:] and cell.columns == 1
        if run and (gap or not alike):
            yield begin, x - begin, run
            run = []
        if not gap and not (cell.is_blank and not run):
            begin = begin if run else x
            run.append(cell)
        x += cell.columns
    if run:
        yield begin, x - begin, run


def _at(column: int) -> str:
    return f"{EDGE + column * CELL:g}"


def _mixed(color: str, ground: str, part: float) -> str:
    """``part`` of a colour on a ground."""
    pairs = ((int(color[at : at + 2], 16), int(ground[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * one + (1 - part) * other):02x}" for one, other in pairs)
