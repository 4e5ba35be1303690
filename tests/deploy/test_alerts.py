"""Each alert fires when it should and not otherwise, and docs/operating.md says what to do about it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.prometheus import promtool
from tests.deploy.rules import CASES, Series
from tests.support.server import ROOT

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text("utf-8"), re.MULTILINE)
GUIDE = (ROOT / "docs" / "operating.md").read_text("utf-8")


def case(alert: str, at: str, series: Series, *, fires: bool) -> dict[str, Any]:
    """A test, as promtool reads it, of whether ``alert`` is firing ``at`` a moment: not of the texts that it has."""
    asked = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    expected = [{"labels": "{}", "value": 1}] if fires else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": asked, "eval_time": at, "exp_samples": expected}],
    }


def run(directory: Path, *cases: dict[str, Any]) -> tuple[int, str]:
    file = directory / "test.yml"
    tests = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": cases}
    file.write_text(json.dumps(tests))  # which is YAML, too
    return promtool("test", "rules", file)


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    status, said = promtool("check", "rules", RULES)
    assert (status, f"{len(ALERTS)} rules found" in said) == (0, True)
    status, said = promtool("check", "config", RULES.with_name("prometheus.yml"))
    assert status == 0, said


def test_every_alert_has_its_cases() -> None:
    assert list(CASES) == ALERTS


def test_every_alert_fires_when_it_should_and_not_otherwise(tmp_path: Path) -> None:
    firing = [case(alert, when.at, when.fires, fires=True) for alert, when in CASES.items()]
    quiet = [case(alert, when.at, one, fires=False) for alert, when in CASES.items() for one in when.quiet]
    assert len(quiet) >= len(firing)
    status, said = run(tmp_path, *firing, *quiet)
    assert status == 0, said


@pytest.mark.parametrize("fires", [True, False])
def test_an_alert_that_behaves_otherwise_is_noticed(tmp_path: Path, fires: bool) -> None:
    when = CASES["ChattyDown"]
    status, said = run(tmp_path, case("ChattyDown", when.at, when.quiet[0] if fires else when.fires, fires=fires))
    assert (status, "FAILED" in said) == (1, True)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_paragraph(alert: str) -> None:
    section = re.search(rf"^#### {alert}\n\n(.+?)\n\n", GUIDE, re.MULTILINE | re.DOTALL)
    assert section is not None, "docs/operating.md has no paragraph about it"
    rule = RULES.read_text("utf-8").split(f"- alert: {alert}\n", 1)[1].split("- alert:", 1)[0]
    assert f'runbook_url: "https://github.com/chatty-rooms/chatty/blob/main/docs/operating.md#{alert.lower()}"' in rule


def test_no_paragraph_is_about_an_alert_that_is_gone() -> None:
    assert re.findall(r"^#### (Chatty\w+)$", GUIDE, re.MULTILINE) == ALERTS
