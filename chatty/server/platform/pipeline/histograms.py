"""How often something took how long, counted in plain lists of integers.

prometheus-client's own histograms would keep their figures in files of a
directory that ``PROMETHEUS_MULTIPROC_DIR`` names, where another program's
environment says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

BUCKETS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""
_BOUNDS: Final = (*map(floatToGoString, BUCKETS), "+Inf")


class Histogram:
    """How often a duration was how long."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count something that took ``seconds``."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds


def family(
    name: str, text: str, histograms: Iterable[tuple[Sequence[str], Histogram]], labels: Sequence[str] = ()
) -> HistogramMetricFamily:
    """Histograms by the values of their ``labels``, for the page."""
    made = HistogramMetricFamily(name, text, labels=labels)
    for values, histogram in histograms:
        made.add_metric(values, list(zip(_BOUNDS, accumulate(histogram.counts), strict=True)), histogram.sum)
    return made
