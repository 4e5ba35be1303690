"""The dashboard shows something: each of its panels, asked of a real Prometheus that watches real servers."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from chatty.server.platform.pipeline.log.figures import LOG_FIGURES
from tests.deploy.dashboard import DASHBOARD, PICTURE, SHARED, Line, Panel, panels, shown
from tests.deploy.drawing import drawn
from tests.support.server import ROOT

SECONDS = 8.0
"""Prometheus looks for its targets for up to five seconds when it starts."""

RULES = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8")
METRIC = re.compile(r"\b(?:chatty|process)_[a-z_]+\b")
OF_SEVERAL = {f"chatty_{field}{'_total' * is_counter}" for field, is_counter, _ in LOG_FIGURES}
"""Metrics that only a log of several nodes has."""

Found = list[tuple[Panel, list[Line]]]


def metrics_of(panel: Panel) -> set[str]:
    return {name for query, _ in panel.queries for name in METRIC.findall(query)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return shown(tmp_path_factory.mktemp("watched"), SECONDS)


def test_every_panel_shows_something(found: Found) -> None:
    assert [panel.title for panel, lines in found if not lines] == []


def test_so_does_every_query(found: Found) -> None:
    assert [panel.title for panel, lines in found if len(lines) < len(panel.queries)] == []


def test_every_legend_is_filled_in(found: Found) -> None:
    assert [line.legend for _, lines in found for line in lines if "{{" in line.legend or not line.points] == []


def test_metrics_of_several_machines_are_in_their_own_row_and_nowhere_else() -> None:
    for panel in panels():
        named = metrics_of(panel)
        assert (panel.row == SHARED) == bool(named & OF_SEVERAL), panel.title
        assert panel.row != SHARED or named <= OF_SEVERAL, panel.title
    assert set().union(*(metrics_of(panel) for panel in panels() if panel.row == SHARED)) == OF_SEVERAL


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    for panel in panels():
        assert panel.unit, panel.title
        assert panel.description.endswith("."), panel.title


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board: Any = json.loads(DASHBOARD.read_text("utf-8"))
    assert board["schemaVersion"] >= 39
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert "id" not in board, "Grafana gives it one"
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel.get("targets", []))


def test_every_metric_that_the_dashboard_or_an_alert_names_exists() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    known = set(re.findall(r"^\| `(chatty_\w+)`", guide, re.MULTILINE))  # which another test compares with a page
    known |= {"process_start_time_seconds", "process_open_fds", "process_max_fds"}
    known |= {"process_resident_memory_bytes", "process_cpu_seconds_total"}
    named = set(METRIC.findall(RULES)).union(*map(metrics_of, panels()))
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in named} - known == set()


def test_the_picture_shows_these_panels(found: Found) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    for picture in (drawn(found), PICTURE.read_text("utf-8")):
        titles = {text.text for text in ElementTree.fromstring(picture).iter(f"{svg}text")}  # noqa: S314 - it is our own
        assert {panel.title for panel in panels()} <= titles


def test_the_guide_shows_the_picture_and_says_how_it_was_made() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    assert "](dashboard.svg)" in guide
    assert "make dashboard" in guide
