"""Figures at one moment, and their page in Prometheus's text format (version 0.0.4).

prometheus-client can make that page, too, and takes twice as long, because
it looks at each name and each value again. Names and labels here are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import PlatformCollector, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

_PROCESS: Final = ProcessCollector(registry=None)
_PLATFORM: Final = PlatformCollector(registry=None)
_ESCAPED: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Snapshot:
    """Figures at one moment."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def page(self) -> bytes:
        """The figures and those of the process, as text. It takes some milliseconds."""
        return "".join(self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        # Of the process: memory, descriptors, CPU time and when it started.
        for metric in (*self._metrics, *_PROCESS.collect(), *_PLATFORM.collect()):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield f"# HELP {name} {metric.documentation}\n# TYPE {name} {metric.type}\n"
            yield from map(_line, metric.samples)


def _line(sample: Sample) -> str:
    if not sample.labels:
        return f"{sample.name} {float(sample.value)!r}\n"
    labels = [f'{name}="{value.translate(_ESCAPED)}"' for name, value in sorted(sample.labels.items())]
    return f"{sample.name}{{{','.join(labels)}}} {float(sample.value)!r}\n"
