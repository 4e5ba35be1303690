"""Rounds in turn, medians, and tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

Figures = dict[str, float]
Table = dict[str, Figures]
"""Figures by what was measured: a server, a size, a situation."""


class Options(NamedTuple):
    """``runs`` rounds are taken, each of about ``seconds`` for each thing that is measured."""

    runs: int
    seconds: float


class Benchmark(NamedTuple):
    """``what`` says in a line what is measured; ``run`` measures it."""

    name: str
    what: str
    run: Callable[[Options], Table]


_UNITS: Final = {"_ms": "ms", "_s": "s", "_kib": "KiB", "_per_s": "/s", "_per_cpu_s": "/CPU s"}


def rounds(options: Options, subjects: Mapping[str, Callable[[], Figures]]) -> Table:
    """The median of each figure. The subjects take turns, so that a drift of the machine touches all of them."""
    taken: dict[str, list[Figures]] = {name: [] for name in subjects}
    for _ in range(options.runs):
        for name, measure in subjects.items():
            taken[name].append(measure())
    return {
        name: {figure: statistics.median(each[figure] for each in results) for figure in results[0]}
        for name, results in taken.items()
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lies; 0 if there are none."""
    return sorted(values)[round((len(values) - 1) * share)] if values else 0.0


def latencies(values: Sequence[float]) -> Figures:
    """Seconds as percentiles in milliseconds."""
    return {f"{name}_ms": percentile(values, share) * 1000 for name, share in
            (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))}  # fmt: skip


def show(table: Table) -> str:
    """``table`` as text, with the ratio of the first row to the second where there are two rows of the same figures."""
    names = list(dict.fromkeys(figure for figures in table.values() for figure in figures))
    rows = [["", *(_title(name) for name in names)]]
    rows += [[row, *(_number(figures.get(name)) for name in names)] for row, figures in table.items()]
    if len(table) == 2:
        one, other = table.values()
        ratios = [one[name] / other[name] if name in one and other.get(name) else None for name in names]
        rows.append(["ratio", *(_number(ratio) for ratio in ratios)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _title(figure: str) -> str:
    for ending in sorted(_UNITS, key=len, reverse=True):
        if figure.endswith(ending):
            return f"{figure.removesuffix(ending).replace('_', ' ')} {_UNITS[ending]}".replace(" /", "/")
    return figure.replace("_", " ")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
