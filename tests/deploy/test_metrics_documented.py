"""docs/operating.md lists every metric of a server's page, with its type, its labels and what it counts."""

from __future__ import annotations

import re

import pytest

from chatty.server.platform.pipeline.log.figures import LOG_FIGURES, LogFigures
from chatty.server.platform.pipeline.metrics import Metrics
from tests.server.asking import ask
from tests.support.server import ROOT, Server

GUIDE = (ROOT / "docs" / "operating.md").read_text("utf-8")
ROW = re.compile(r"^\| `(chatty_\w+)`(?: by ([a-z`, ]+))? \| (\w+) \| (.*) \|$", re.MULTILINE)


def metrics_of(page: str) -> dict[str, tuple[str, str]]:
    """The types and texts of the metrics on a page."""
    texts = dict(re.findall(r"^# HELP (chatty_\w+) (.*)$", page, re.MULTILINE))
    types = dict(re.findall(r"^# TYPE (chatty_\w+) (.*)$", page, re.MULTILINE))
    return {name: (types[name], text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a server to which somebody has come."""
    with Server(tmp_path_factory.mktemp("server") / "data") as server:
        ask(server, "GET", "/v1/rooms/none/ws")
        server.make_room()
        return ask(server, "GET", "/metrics").body.decode()


def of_a_shared_log() -> dict[str, tuple[str, str]]:
    metrics = Metrics()
    metrics.log = lambda: LogFigures(**{field: 0 for field, _, _ in LOG_FIGURES})
    names = {f"chatty_{field}{'_total' * is_counter}" for field, is_counter, _ in LOG_FIGURES}
    return {name: found for name, found in metrics_of(metrics.page().decode()).items() if name in names}


def test_every_metric_is_documented_as_its_page_describes_it(page: str) -> None:
    documented = {name: (kind, text) for name, _, kind, text in ROW.findall(GUIDE)}
    assert documented == metrics_of(page) | of_a_shared_log()


def test_every_label_is_documented(page: str) -> None:
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels, _, _ in ROW.findall(GUIDE)}
    for name, labels in re.findall(r"^(chatty_\w+)\{(.*)\} \S+$", page, re.MULTILINE):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert set(re.findall(r'(\w+)="', labels)) - {"le"} <= documented[family], name
