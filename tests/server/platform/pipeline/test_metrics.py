"""The figures add up as Prometheus wants them."""

from __future__ import annotations

import re

import pytest

from chatty.errors import CODES, Refused
from chatty.protocol import Close
from chatty.server.platform.pipeline.histograms import BUCKETS
from chatty.server.platform.pipeline.log.figures import LOG_FIGURES, LogFigures
from chatty.server.platform.pipeline.metrics import Metrics


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
    assert [deliveries[bound] for bound in ("0.0002", "1.0", "2.5", "5.0", "+Inf")] == [1, 1, 2, 3, 3]
    assert "chatty_commit_seconds_count 3.0" in page
    assert "chatty_commit_seconds_sum 3.0021" in page
    assert ("chatty_entries_total 3.0" in page, "chatty_events_total 6.0" in page) == (True, True)


def test_before_anything_happened_the_figures_are_there() -> None:
    page = Metrics().page().decode()
    assert set(buckets(page, "chatty_delivery_seconds").values()) == {0}
    assert "chatty_delivery_seconds_sum 0.0" in page


def test_every_code_begins_with_zero_so_that_the_first_refusal_is_seen_as_an_increase() -> None:
    page = Metrics().page().decode()
    for code in CODES:
        assert f'chatty_refusals_total{{code="{code}"}} 0.0' in page
    for close in Close:
        assert f'chatty_closes_total{{code="{int(close)}"}} 0.0' in page


def test_a_sign_in_counts_by_its_way_and_a_denial_also_by_its_code() -> None:
    metrics = Metrics()
    with metrics.signing_in("oidc"):
        pass
    with pytest.raises(Refused), metrics.signing_in("password"):
        raise Refused("rate_limited")
    metrics.deny_token()
    page = metrics.page().decode()
    assert 'chatty_sign_ins_total{way="oidc"} 1.0' in page
    assert 'chatty_sign_ins_total{way="password"} 0.0' in page
    assert 'chatty_denials_total{code="rate_limited",way="password"} 1.0' in page
    assert 'chatty_denials_total{code="unauthorized",way="token"} 1.0' in page


def test_a_log_that_nodes_share_shows_its_figures_and_the_log_of_one_machine_has_none() -> None:
    metrics = Metrics()
    assert "chatty_log_position" not in metrics.page().decode()
    metrics.log = lambda: LogFigures(
        log_position=7, log_last=9, log_lag_messages=2, log_republished=3, log_dropped=4, log_elections=1,
        log_reborn=0, log_peers=2, log_diverged=0, clock_skew_seconds=-0.25,
    )  # fmt: skip
    page = metrics.page().decode()
    assert "# TYPE chatty_log_position gauge\nchatty_log_position 7.0" in page
    assert "# TYPE chatty_log_republished_total counter\nchatty_log_republished_total 3.0" in page
    assert "chatty_clock_skew_seconds -0.25" in page
    assert all(f"chatty_{field}" in page for field, _, _ in LOG_FIGURES)


def test_what_others_know_is_asked_for_each_time_the_page_is_made() -> None:
    metrics, waiting = Metrics(), [3]
    metrics.gauge("waiting", "Waiting.", lambda: waiting[0])
    metrics.counters("gaps", "reason", "Gaps.", lambda: {"epoch": waiting[0]})
    assert "chatty_waiting 3.0" in metrics.page().decode()
    waiting[0] = 4
    assert "chatty_waiting 4.0" in metrics.page().decode()
    assert 'chatty_gaps_total{reason="epoch"} 4.0' in metrics.page().decode()
