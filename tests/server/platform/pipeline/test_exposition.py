"""The page of metrics says the same as the one that prometheus-client would make."""

from __future__ import annotations

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from chatty.server.platform.pipeline.exposition import Snapshot
from chatty.server.platform.pipeline.histograms import Histogram, family

HARD = 'a "quoted" \\ back\nslash'


def read(page: bytes) -> dict[str, Metric]:
    return {metric.name: metric for metric in text_string_to_metric_families(page.decode())}


def test_what_prometheus_reads_is_what_was_counted() -> None:
    histogram = Histogram()
    histogram.observe(0.003)
    gauge = GaugeMetricFamily("rooms", "Rooms.", value=3)
    counter = CounterMetricFamily("gaps", "Gaps.", labels=["reason", "more"])
    counter.add_metric([HARD, "x"], 1e16)
    found = read(Snapshot([gauge, counter, family("took_seconds", "Took.", [(("r",), histogram)], ["route"])]).page())
    assert found["rooms"].samples == [Sample("rooms", {}, 3.0)]
    assert found["gaps"].samples == [Sample("gaps_total", {"reason": HARD, "more": "x"}, 1e16)]
    took = {sample.labels.get("le", sample.name): sample.value for sample in found["took_seconds"].samples}
    assert (took["0.002"], took["0.005"], took["+Inf"]) == (0, 1, 1)
    assert (took["took_seconds_count"], took["took_seconds_sum"]) == (1, 0.003)
    assert [metric.type for metric in (found["rooms"], found["gaps"], found["took_seconds"])] == [
        "gauge", "counter", "histogram",
    ]  # fmt: skip


def test_the_process_is_on_every_page() -> None:
    found = read(Snapshot([]).page())
    assert found["process_resident_memory_bytes"].samples[0].value > 0
    assert found["python_info"].samples[0].labels["implementation"] == "CPython"
