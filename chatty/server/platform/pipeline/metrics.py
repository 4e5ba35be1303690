"""The server's figures, and their page for Prometheus.

The path of a message only touches plain integers, which become metrics when
somebody asks for them.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from chatty._version import __version__
from chatty.server.platform.store.sqlite_version import SQLITE

BUCKETS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class _Histogram:
    """How often a duration was how long.

    prometheus-client's own would keep these figures in files of a directory that
    ``PROMETHEUS_MULTIPROC_DIR`` names, where another program's environment says so.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self._sum += seconds

    def family(self, name: str, text: str) -> HistogramMetricFamily:
        bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
        return HistogramMetricFamily(name, text, list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)


class Metrics:
    """This process's figures. ``counters`` and ``gauges`` are read when the page is made."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.entries = 0
        self.events = 0
        self.batches = 0
        self.paced = 0
        self.counters: dict[str, tuple[str, Callable[[], float]]] = {}
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.parts: dict[str, Callable[[], bool]] = {}
        """What goes on beside the requests, and whether it does: threads and long-lived tasks."""
        self._commit = _Histogram()
        self._delivery = _Histogram()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)  # memory, descriptors, CPU time and when it started
        PlatformCollector(registry=self._registry)

    def batch(self, entries: int, events: int, commit_seconds: float, delivery_seconds: float) -> None:
        """Count a batch that was committed and delivered."""
        self.batches += 1
        self.entries += entries
        self.events += events
        self._commit.observe(commit_seconds)
        self._delivery.observe(delivery_seconds)

    def page(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """For prometheus-client: the counts as metrics."""
        refusals = CounterMetricFamily("chatty_refusals", "Refusals by code.", labels=["code"])
        for code, count in sorted(self.refusals.items()):
            refusals.add_metric([code], count)
        yield refusals
        closes = CounterMetricFamily("chatty_closes", "Connections that the server closed, by code.", labels=["code"])
        for close, count in sorted(self.closes.items()):
            closes.add_metric([str(int(close))], count)
        yield closes
        yield CounterMetricFamily("chatty_entries", "Entries that were decided.", value=self.entries)
        yield CounterMetricFamily("chatty_events", "Events that were stored and delivered.", value=self.events)
        yield CounterMetricFamily("chatty_batches", "Transactions.", value=self.batches)
        yield CounterMetricFamily("chatty_paced", "Messages that were read later than they came.", value=self.paced)
        yield self._commit.family("chatty_commit_seconds", "How long a batch took to be on disk.")
        text = "From a batch's first entry to the last member's transport."
        yield self._delivery.family("chatty_delivery_seconds", text)
        build = GaugeMetricFamily("chatty_build_info", "What runs: always 1.", labels=["version", "python", "sqlite"])
        build.add_metric([__version__, platform.python_version(), SQLITE], 1)
        yield build
        up = GaugeMetricFamily("chatty_part_up", "Whether a part of the server works.", labels=["part"])
        for part, works in self.parts.items():
            up.add_metric([part], works())
        yield up
        for name, (text, ask) in self.counters.items():
            yield CounterMetricFamily(f"chatty_{name}", text, value=ask())
        for name, (text, ask) in self.gauges.items():
            yield GaugeMetricFamily(f"chatty_{name}", text, value=ask())
