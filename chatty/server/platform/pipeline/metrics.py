"""The server's figures, and their page for Prometheus.

The path of a message only touches plain integers, once a batch. They become
metrics when somebody asks for them.
"""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from chatty._version import __version__
from chatty.errors import CODES, Refused
from chatty.protocol import Close
from chatty.server.platform.pipeline.exposition import Snapshot
from chatty.server.platform.pipeline.histograms import Histogram, family
from chatty.server.platform.pipeline.log.figures import LOG_FIGURES, LogFigures
from chatty.server.platform.store.footprint import Footprint
from chatty.server.platform.store.schema import MIGRATIONS
from chatty.server.platform.store.sqlite_version import SQLITE

_SIZES: Final = {
    "database_bytes": ("Bytes of the database's file.", "database"),
    "write_ahead_log_bytes": ("Bytes of the database's write-ahead log.", "write_ahead_log"),
    "search_index_bytes": ("Bytes of the search index.", "search_index"),
    "disk_free_bytes": ("Bytes that are free for the server on the disk of its data.", "disk_free"),
    "disk_size_bytes": ("Bytes of the disk of its data, the free ones and all others.", "disk"),
}

_COUNTS: Final = {
    "entries": "Entries that were decided: proposals of any kind.",
    "events": "Events that were stored and delivered.",
    "batches": "Transactions, each with the entries that were waiting.",
    "paced": "Messages that were read later than they came, because their sender was too fast.",
}
_Kind = type[CounterMetricFamily] | type[GaugeMetricFamily]

_WAYS: Final = {
    "oidc": "unauthorized", "proxy": "unauthorized", "invitation": "not_admitted", "password": "not_admitted",
}  # fmt: skip
"""The ways to sign in or to be let in, and the code of their usual refusal."""
_BY_TOKEN: Final = ("token", "unauthorized")


class Asked(NamedTuple):
    """A route that somebody asked, and the status of the answer."""

    method: str
    route: str
    status: int


class Metrics:
    """This process's figures. What others know is asked for when the page is made: see `gauge` and `counter`."""

    def __init__(self) -> None:
        # Those that can be known from the start begin with 0, so that the first one is seen as an increase.
        self.refusals: Counter[str] = Counter(dict.fromkeys(CODES, 0))
        self.closes: Counter[int] = Counter(dict.fromkeys(Close, 0))
        self.sign_ins: Counter[str] = Counter(dict.fromkeys(_WAYS, 0))
        """By the way in which somebody showed who they are, or that they may come in."""
        self.denials: Counter[tuple[str, str]] = Counter(dict.fromkeys((*_WAYS.items(), _BY_TOKEN), 0))
        """By the way that was tried, and the code of the refusal."""
        self.entries = 0
        self.events = 0
        self.batches = 0
        self.paced = 0
        self.requests: defaultdict[Asked, Histogram] = defaultdict(Histogram)
        self.handshakes: defaultdict[str, Histogram] = defaultdict(Histogram)
        """By route."""
        self.loop_lag = Histogram()
        self.searches = Histogram()
        self.footprint = Footprint()
        """It was measured shortly before the page is made: the disk may be slow."""
        self.log: Callable[[], LogFigures] | None = None
        """The figures of a log that several nodes share. The log of one machine has none."""
        self.parts: dict[str, Callable[[], bool]] = {}
        """What goes on beside the requests, and whether it does: threads and long-lived tasks."""
        self._asked: dict[str, tuple[_Kind, str, Callable[[], float]]] = {}
        self._by_label: dict[str, tuple[_Kind, str, str, Callable[[], Mapping[str, float]]]] = {}
        self._commit = Histogram()
        self._delivery = Histogram()

    def gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """Show what ``ask`` gives as the gauge ``chatty_{name}``. It must not wait for anything."""
        self._asked[name] = (GaugeMetricFamily, text, ask)

    def counter(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """Show what ``ask`` gives, which only grows, as the counter ``chatty_{name}_total``."""
        self._asked[name] = (CounterMetricFamily, text, ask)

    def gauges(self, name: str, label: str, text: str, ask: Callable[[], Mapping[str, float]]) -> None:
        """Show what ``ask`` gives, by the values of ``label``, as the gauges ``chatty_{name}``."""
        self._by_label[name] = (GaugeMetricFamily, label, text, ask)

    def counters(self, name: str, label: str, text: str, ask: Callable[[], Mapping[str, float]]) -> None:
        """Show what ``ask`` gives, by the values of ``label``, as the counters ``chatty_{name}_total``."""
        self._by_label[name] = (CounterMetricFamily, label, text, ask)

    def batch(self, entries: int, events: int, commit_seconds: float, delivery_seconds: float) -> None:
        """Count a batch that was committed and delivered."""
        self.batches += 1
        self.entries += entries
        self.events += events
        self._commit.observe(commit_seconds)
        self._delivery.observe(delivery_seconds)

    @contextmanager
    def signing_in(self, way: str) -> Iterator[None]:
        """In this context somebody signs in or is let in by ``way``, or is refused."""
        try:
            yield
        except Refused as refusal:
            self.denials[way, refusal.code] += 1
            raise
        self.sign_ins[way] += 1

    def deny_token(self) -> None:
        """Count a token that was not valid."""
        self.denials[_BY_TOKEN] += 1

    def page(self) -> bytes:
        """All figures in Prometheus's text format."""
        return self.taken().page()

    def taken(self) -> Snapshot:
        """All figures as they are now, from which the page can be made in another thread."""
        return Snapshot(list(self._collect()))

    def _collect(self) -> Iterator[Metric]:
        yield from self._what_runs()
        yield from self._what_was_refused()
        for name, text in _COUNTS.items():
            yield CounterMetricFamily(f"chatty_{name}", text, value=getattr(self, name))
        yield from self._durations()
        for name, (text, field) in _SIZES.items():
            yield GaugeMetricFamily(f"chatty_{name}", text, value=getattr(self.footprint, field))
        for name, (kind, text, ask) in self._asked.items():
            yield kind(f"chatty_{name}", text, value=ask())
        for name, (kind, label, text, ask_all) in self._by_label.items():
            labelled = kind(f"chatty_{name}", text, labels=[label])
            for value, figure in sorted(ask_all().items()):
                labelled.add_metric([value], figure)
            yield labelled
        if self.log is not None:
            figures = self.log()
            for field, is_counter, text in LOG_FIGURES:
                of_kind = CounterMetricFamily if is_counter else GaugeMetricFamily
                yield of_kind(f"chatty_{field}", text, value=getattr(figures, field))

    def _what_runs(self) -> Iterator[Metric]:
        labels = ["version", "python", "sqlite", "schema"]
        build = GaugeMetricFamily("chatty_build_info", "What runs: always 1.", labels=labels)
        build.add_metric([__version__, platform.python_version(), SQLITE, str(len(MIGRATIONS))], 1)
        yield build
        up = GaugeMetricFamily("chatty_part_up", "Whether a part of the server works.", labels=["part"])
        for part, works in self.parts.items():
            up.add_metric([part], works())
        yield up

    def _what_was_refused(self) -> Iterator[Metric]:
        refusals = CounterMetricFamily("chatty_refusals", "Refusals by code.", labels=["code"])
        for code, count in sorted(self.refusals.items()):
            refusals.add_metric([code], count)
        yield refusals
        closes = CounterMetricFamily("chatty_closes", "Connections that the server closed, by code.", labels=["code"])
        for close, count in sorted(self.closes.items()):
            closes.add_metric([str(int(close))], count)
        yield closes
        text = "Times that somebody signed in or was let in, by the way."
        sign_ins = CounterMetricFamily("chatty_sign_ins", text, labels=["way"])
        for way, count in sorted(self.sign_ins.items()):
            sign_ins.add_metric([way], count)
        yield sign_ins
        text = "Times that what somebody showed to get in was refused, by the way and the refusal's code."
        denials = CounterMetricFamily("chatty_denials", text, labels=["way", "code"])
        for tried, count in sorted(self.denials.items()):
            denials.add_metric(tried, count)
        yield denials

    def _durations(self) -> Iterator[Metric]:
        yield family("chatty_commit_seconds", "How long a batch took to be on disk.", [((), self._commit)])
        text = "How long it took from a batch's first entry to the last member's transport."
        yield family("chatty_delivery_seconds", text, [((), self._delivery)])
        text = "How long requests took, but for those that stay open, by route and status."
        asked = [((method, route, str(status)), taken) for (method, route, status), taken in self.requests.items()]
        yield family("chatty_request_seconds", text, asked, ["method", "route", "status"])
        text = "How long it took until a WebSocket or an event stream was open, by route."
        handshakes = [((route,), taken) for route, taken in self.handshakes.items()]
        yield family("chatty_handshake_seconds", text, handshakes, ["route"])
        yield family("chatty_search_seconds", "How long searches took.", [((), self.searches)])
        text = "How late the event loop came to what was due, measured ten times a second."
        yield family("chatty_loop_lag_seconds", text, [((), self.loop_lag)])
