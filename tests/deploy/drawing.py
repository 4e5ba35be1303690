"""Draws the dashboard's panels as one picture: Grafana itself is not among the packages that the tests can have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from tests.deploy.dashboard import Line, Panel

WIDTH: Final = 1260
GAP: Final = 12
COLORS: Final = (
    "#1f77b4", "#d95f02", "#2ca02c", "#c2185b", "#7b52ab", "#8c564b", "#0097a7", "#a08000", "#666666", "#e377c2",
)  # fmt: skip
_FONT: Final = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"
_TIMES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_BYTES: Final = ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"), (1.0, "B"))
_COUNTS: Final = ((1e6, "M"), (1e3, "k"), (1.0, ""))
_LEGEND_CHARACTERS: Final = 62
"""Characters of legends in one row."""
_MOST_LEGENDS: Final = 12


def drawn(found: Sequence[tuple[Panel, list[Line]]]) -> str:
    """The panels that show something, as an SVG."""
    parts: list[str] = []
    y = GAP
    for row, group in groupby((one for one in found if one[1]), key=lambda one: one[0].row):
        parts.append(_text(GAP, y + 16, row, size=15, weight=600))
        y += 26
        here = list(group)
        wide, high = (6, 92) if here[0][0].type == "stat" else (3, 250)
        width = (WIDTH - GAP * (wide + 1)) / wide
        for number, (panel, lines) in enumerate(here):
            x = GAP + number % wide * (width + GAP)
            if number and number % wide == 0:
                y += high + GAP
            draw = _stat if panel.type == "stat" else _series
            parts.append(f"<g transform='translate({x:.1f} {y})'>{''.join(draw(panel, lines, width, high))}</g>")
        y += high + GAP
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {y}' width='{WIDTH}' height='{y}' {_FONT}>\n"
        f"<rect width='{WIDTH}' height='{y}' fill='#f4f5f5'/>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _frame(panel: Panel, width: float, high: float) -> Iterator[str]:
    yield f"<title>{escape(panel.description)}</title>"
    yield f"<rect width='{width:.1f}' height='{high}' rx='3' fill='#ffffff' stroke='#dcdde0'/>"
    yield _text(10, 19, panel.title, size=12.5, weight=600)


def _stat(panel: Panel, lines: list[Line], width: float, high: float) -> Iterator[str]:
    yield from _frame(panel, width, high)
    line = lines[0]
    value = line.points[-1][1]
    shown = line.legend or _with_unit(value, panel.unit)
    if panel.title == "Parts that work":
        shown = "all" if value else "not all"
    yield _text(width / 2, 62, shown, size=26 if len(shown) < 10 else 15, weight=600, anchor="middle", color="#1a7f37")


def _series(panel: Panel, lines: list[Line], width: float, high: float) -> Iterator[str]:
    yield from _frame(panel, width, high)
    legends = list(_legend_rows(lines[:_MOST_LEGENDS]))
    left, top, right, bottom = 62.0, 32.0, width - 12, high - 30 - 15 * len(legends)
    drawn_lines = _stacked(lines) if panel.is_stacked else lines
    moments = [at for line in lines for at, _ in line.points]
    start, end = min(moments), max(*moments, min(moments) + 1)
    values = [value for line in drawn_lines for _, value in line.points]
    most, least = max(values), min(0.0, *values)
    factor, _ = _scale(max(most, -least), panel.unit)
    ticks = [tick * factor for tick in _ticks(most / factor, least / factor)]

    def at(moment: float, value: float) -> tuple[float, float]:
        x = left + (moment - start) / (end - start) * (right - left)
        return x, bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (bottom - top)

    for tick in ticks:
        _, y = at(start, tick)
        yield f"<path d='M{left},{y:.1f}H{right:.1f}' stroke='#e6e7e9'/>"
        value = _with_unit(tick, panel.unit, max(ticks[-1], -ticks[0]))
        yield _text(left - 6, y + 4, value, size=10.5, anchor="end", color="#555")
    for seconds in _ticks(end - start):
        if seconds <= end - start:
            x, _ = at(start + seconds, 0)
            yield _text(x, bottom + 15, f"{seconds:g} s", size=10.5, anchor="middle", color="#555")
    for number, line in reversed(list(enumerate(drawn_lines))):
        color = COLORS[number % len(COLORS)]
        places = [at(*point) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        if panel.is_stacked:
            ground = f"{places[-1][0]:.1f},{bottom:.1f} {places[0][0]:.1f},{bottom:.1f}"
            yield f"<polygon points='{path} {ground}' fill='{color}' fill-opacity='0.9'/>"
        yield f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='1.5'/>"
    for number, legend_row in enumerate(legends):
        x, y = 12.0, bottom + 34 + 15 * number
        for index, legend in legend_row:
            yield f"<rect x='{x:.0f}' y='{y - 5:.0f}' width='12' height='3' fill='{COLORS[index % len(COLORS)]}'/>"
            yield _text(x + 16, y, legend, size=10.5, color="#333")
            x += 30 + 6.0 * len(legend)


def _stacked(lines: list[Line]) -> list[Line]:
    """Each line on top of those before it."""
    below: dict[float, float] = {}
    made = []
    for line in lines:
        points = []
        for at, value in line.points:
            below[at] = below.get(at, 0.0) + value
            points.append((at, below[at]))
        made.append(Line(line.legend, points))
    return made


def _legend_rows(lines: Sequence[Line]) -> Iterator[list[tuple[int, str]]]:
    row: list[tuple[int, str]] = []
    used = 0
    for number, line in enumerate(lines):
        if row and used + len(line.legend) + 5 > _LEGEND_CHARACTERS:
            yield row
            row, used = [], 0
        row.append((number, line.legend))
        used += len(line.legend) + 5
    if row:
        yield row


def _ticks(most: float, least: float = 0.0) -> list[float]:
    """Some round numbers from ``least``, which is not above 0, to ``most``, or a little beyond them."""
    span = max(most, 0.0) - least
    if span <= 0:
        return [0.0, 1.0]
    step = 10.0 ** math.floor(math.log10(span))
    step = next(step * factor for factor in (0.1, 0.2, 0.5, 1, 2) if span / (step * factor) <= 5)
    return [step * number for number in range(math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9) + 1)]


def _scale(value: float, unit: str) -> tuple[float, str]:
    """The multiple of a unit in which a value is best read, and its name."""
    scales = {"s": _TIMES, "bytes": _BYTES}.get(unit, _COUNTS)
    return next((one for one in scales if abs(value) >= one[0]), scales[-1])


def _with_unit(value: float, unit: str, of: float | None = None) -> str:
    """A value as Grafana shows it; of an axis, in the unit of its largest value ``of``."""
    if unit == "percentunit":
        return f"{value:.0%}"
    factor, name = _scale(value if of is None else of, unit)
    ending = {"cps": "/s", "reqps": "/s"}.get(unit, "")
    return f"{value / factor:.3g} {name}".strip() + ending if value else f"0{ending}"


def _text(
    x: float, y: float, text: str, *, size: float, weight: int = 400, anchor: str = "start", color: str = "#24292e"
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' font-weight='{weight}' text-anchor='{anchor}'"
        f" fill='{color}'>{escape(text)}</text>"
    )
