"""The alert rules, evaluated by promtool on recorded series: each alert fires when it should, and at no other time."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring.alert_cases import CASES, AlertCase
from monitoring.prometheus_tools import PrometheusTools, prometheus_tools
from support.source_tree import ROOT

pytestmark = pytest.mark.monitoring
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
ALERTS: Mapping[str, Mapping[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
FIRING = 'group by (alertname, severity) (ALERTS{alertstate="firing"})'


@pytest.fixture(scope="session")
def tools() -> PrometheusTools:
    """Return the programs of Prometheus."""
    return prometheus_tools()


def run(tool: Path, *arguments: str | Path) -> str:
    """Return what a program prints; fail with that if it fails."""
    done = subprocess.run((tool, *arguments), capture_output=True, text=True, check=False)  # noqa: S603 - our own files
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_valid(tools: PrometheusTools) -> None:
    """Promtool accepts the file with the templates of its annotations, and the configuration that names it."""
    assert "SUCCESS" in run(tools.promtool, "check", "rules", RULES)
    assert "SUCCESS" in run(tools.promtool, "check", "config", RULES.with_name("prometheus.yaml"))


@pytest.mark.parametrize("case", CASES, ids=[case.about for case in CASES])
def test_exactly_these_alerts_fire(tools: PrometheusTools, tmp_path: Path, case: AlertCase) -> None:
    """On the series of a case, the alerts that it names fire, with their severities, and no other ones."""
    expected = [
        {"labels": f'{{alertname="{name}", severity="{ALERTS[name]["labels"]["severity"]}"}}', "value": 1}
        for name in sorted(case.fires)
    ]
    series = [{"series": name, "values": values.strip()} for name, values in (case.around | case.series).items()]  # type: ignore[operator]
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{"expr": FIRING, "eval_time": f"{case.minute}m", "exp_samples": expected}],
    }
    file = tmp_path / "test.yaml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    run(tools.promtool, "test", "rules", file)


def test_every_alert_has_a_case() -> None:
    """An alert without a case might never fire, and one that fires in all cases would be no news."""
    fired = frozenset[str]().union(*(case.fires for case in CASES))
    assert fired == ALERTS.keys()
    assert len({case.about for case in CASES}) == len(CASES)
