"""The dashboard's panels, and their queries as a Prometheus that runs for seconds can answer them.

``python -m tests.deploy.dashboard`` draws them, as a server is used that long, into docs/dashboard.svg.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.deploy.load import used
from tests.deploy.prometheus import Points, Prometheus
from tests.support.server import ROOT, Server

DASHBOARD: Final = ROOT / "deploy" / "grafana" / "chatty.json"
PICTURE: Final = ROOT / "docs" / "dashboard.svg"
SHARED: Final = "Several machines"
"""The row of panels that have nothing to show on one machine."""

_VARIABLES: Final = {"$__rate_interval": "4s", "$instance": ".*"}


class Panel(NamedTuple):
    """A panel: the row that it is in, and its queries with the texts of their legends."""

    row: str
    title: str
    type: str
    unit: str
    is_stacked: bool
    description: str
    queries: list[tuple[str, str]]

    @property
    def is_of_several_machines(self) -> bool:
        return self.row == SHARED


class Line(NamedTuple):
    """A line of a panel: what its legend says, and its points."""

    legend: str
    points: Points


def panels() -> Iterator[Panel]:
    """The dashboard's panels, row by row."""
    row = ""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            continue
        defaults = panel["fieldConfig"]["defaults"]
        stacking: Any = defaults.get("custom", {}).get("stacking", {})
        queries = [(target["expr"], target["legendFormat"]) for target in panel["targets"]]
        is_stacked = stacking.get("mode") == "normal"
        yield Panel(
            row, panel["title"], panel["type"], defaults["unit"], is_stacked, panel["description"], queries
        )  # fmt: skip


def lines(prometheus: Prometheus, panel: Panel, start: float, end: float) -> list[Line]:
    """What a panel shows."""
    found = []
    for query, legend in panel.queries:
        for variable, value in _VARIABLES.items():
            query = query.replace(variable, value)
        for labels, points in prometheus.values(query, start, end, 1):
            text = legend
            for name, value in labels.items():
                text = text.replace(f"{{{{{name}}}}}", value)
            found.append(Line(text, points))
    return found


def shown(directory: Path, seconds: float) -> list[tuple[Panel, list[Line]]]:
    """What each panel shows of a server that was used for so long."""
    with Server(directory / "data") as server, Prometheus(directory, f"127.0.0.1:{server.port}") as prometheus:
        began = time.time()
        asyncio.run(used(server, seconds))
        return [(panel, lines(prometheus, panel, began, time.time())) for panel in panels()]


def main() -> None:
    """Draw the dashboard."""
    from tests.deploy.drawing import drawn

    with tempfile.TemporaryDirectory() as directory:
        found = shown(Path(directory), float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    PICTURE.write_text(drawn(found), "utf-8")


if __name__ == "__main__":
    main()
