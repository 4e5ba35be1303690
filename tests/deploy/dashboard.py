"""The dashboard's panels, and their queries as a Prometheus that runs for seconds can answer them.

``python -m tests.deploy.dashboard`` draws them, as a server is used that long, into docs/dashboard.svg.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.deploy.load import chatted, used
from tests.deploy.prometheus import Points, Prometheus
from tests.support.cluster import Cluster
from tests.support.server import ROOT, Server

DASHBOARD: Final = ROOT / "deploy" / "grafana" / "chatty.json"
PICTURE: Final = ROOT / "docs" / "dashboard.svg"
SHARED: Final = "Several machines"
"""The row of panels that have nothing to show on one machine."""


class Panel(NamedTuple):
    """A panel: the row that it is in, and its queries with the texts of their legends."""

    row: str
    title: str
    type: str
    unit: str
    is_stacked: bool
    description: str
    queries: list[tuple[str, str]]


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


def lines(prometheus: Prometheus, panel: Panel, instances: Sequence[str], start: float, end: float) -> list[Line]:
    """What a panel shows of these instances."""
    found = []
    for query, legend in panel.queries:
        asked = query.replace("$__rate_interval", "4s").replace("$instance", "|".join(instances))
        for labels, points in prometheus.values(asked, start, end, 1):
            text = legend
            for name, value in labels.items():
                text = text.replace(f"{{{{{name}}}}}", value)
            found.append(Line(text, points))
    return found


def shown(directory: Path, seconds: float) -> list[tuple[Panel, list[Line]]]:
    """What each panel shows of a server that was used for so long, and the last row of two nodes with one log."""
    with Server(directory / "data") as server, Cluster(directory / "cluster", ("a", "b"), logs=1) as cluster:
        alone, *nodes = (f"127.0.0.1:{one.port}" for one in (server, *cluster.nodes.values()))
        with Prometheus(directory, alone, *nodes) as prometheus:
            began = time.time()
            asyncio.run(_use(server, cluster["a"], seconds))
            ended = time.time()
            return [
                (panel, lines(prometheus, panel, nodes if panel.row == SHARED else [alone], began, ended))
                for panel in panels()
            ]


async def _use(server: Server, node: Server, seconds: float) -> None:
    await asyncio.gather(used(server, seconds), chatted(node, seconds))


def main() -> None:
    """Draw the dashboard."""
    from tests.deploy.drawing import drawn

    with tempfile.TemporaryDirectory() as directory:
        found = shown(Path(directory), float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    PICTURE.write_text(drawn(found), "utf-8")


if __name__ == "__main__":
    main()
