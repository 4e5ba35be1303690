"""The figures add up as Prometheus wants them."""

from __future__ import annotations

import re

from chatty.server.platform.pipeline.metrics import BUCKETS, Metrics


def buckets(page: str, name: str) -> dict[str, float]:
    return {
        bound: float(value) for bound, value in re.findall(rf'^{name}_bucket{{le="(.+)"}} (\S+)$', page, re.MULTILINE)
    }


def test_a_duration_is_counted_in_every_bucket_that_it_fits() -> None:
    metrics = Metrics()
    for commit, delivery in ((0.001, 0.0), (0.0011, 2.5), (3.0, 2.50001)):
        metrics.batch(1, 2, commit, delivery)
    page = metrics.page().decode()
    commits, deliveries = buckets(page, "chatty_commit_seconds"), buckets(page, "chatty_delivery_seconds")
    assert len(commits) == len(deliveries) == len(BUCKETS) + 1
    assert [commits[bound] for bound in ("0.0005", "0.001", "0.002", "2.5", "+Inf")] == [0, 1, 2, 2, 3]
    assert [deliveries[bound] for bound in ("0.0002", "1.0", "2.5", "+Inf")] == [1, 1, 2, 3]
    assert "chatty_commit_seconds_count 3.0" in page
    assert "chatty_commit_seconds_sum 3.0021" in page
    assert ("chatty_entries_total 3.0" in page, "chatty_events_total 6.0" in page) == (True, True)


def test_before_anything_happened_the_figures_are_there() -> None:
    page = Metrics().page().decode()
    assert set(buckets(page, "chatty_delivery_seconds").values()) == {0}
    assert "chatty_delivery_seconds_sum 0.0" in page
