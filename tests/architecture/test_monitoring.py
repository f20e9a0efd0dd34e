"""The dashboard and the alert rules against the metrics: they name only what exists, and all that exists is shown."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml
from support.known_metrics import documented_metrics, series
from support.page_blocks import page_blocks
from support.prometheus_queries import parsed, problems, result_labels, selectors
from support.source_tree import product, read

DASHBOARD: dict[str, Any] = json.loads(read("deploy/grafana/dashboard.json"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(read("deploy/prometheus/alerts.yaml"))["groups"] for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
SCRAPED = {"up": frozenset[str]()}
"""Series that Prometheus itself adds for each target."""

SERIES = series() | SCRAPED | {rule["record"]: frozenset[str]() for rule in RULES if "record" in rule}
RUNBOOK = read("docs/operations.md")
SECTIONS = {found[1]: found[2] for found in re.finditer(r"(?ms)^### (Mlg\w+)\n(.*?)(?=^##|\Z)", RUNBOOK)}


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[f"{title}: {each['refId']}" for title, each in TARGETS])
def test_a_panel_shows_metrics_that_exist(title: str, target: dict[str, Any]) -> None:
    """The metrics and labels of a query, and the labels of its legend, are those of docs/metrics.md."""
    assert problems(target["expr"], SERIES) == [], title
    legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    assert legend <= result_labels(target["expr"], SERIES)


def test_a_panel_shows_the_processes_that_were_chosen() -> None:
    """Every selector has the variables of the dashboard, so that two installations are never added up."""
    expected = {("job", "$job"), ("instance", "$instance")}
    chosen = [
        {(matcher.name, matcher.value) for matcher in selector.matchers.matchers}
        for _, target in TARGETS
        for selector in selectors(parsed(target["expr"]))
    ]
    assert [each for each in chosen if not each >= expected] == []
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]


def test_every_metric_is_on_the_dashboard() -> None:
    """A metric that no panel shows would not be found in an incident."""
    queries = " ".join(target["expr"] for _, target in TARGETS)
    listed = [name for name in documented_metrics() if name.startswith("mlg_")]
    assert [name for name in listed if not re.search(rf"\b{name}(_bucket|_sum)?\b", queries)] == []


def test_panels_have_a_place_and_a_description() -> None:
    """Ids are unique, panels do not overlap, and each says what it shows."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*ids}) == len(ids)
    assert [panel["title"] for panel in PANELS if not panel["description"]] == []
    cells = [(panel["gridPos"]["x"], panel["gridPos"]["y"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    overlapping = [
        (a, b)
        for (ax, ay, a), (bx, by, b) in combinations(cells, 2)
        if ax < bx + b["w"] and bx < ax + a["w"] and ay < by + b["h"] and by < ay + a["h"]
    ]
    assert overlapping == []
    assert all(x + cell["w"] <= 24 for x, _, cell in cells)


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
def test_a_rule_reads_metrics_that_exist(rule: dict[str, Any]) -> None:
    """The metrics and labels of its query, and the labels in its summary, exist."""
    assert problems(rule["expr"], SERIES) == []
    named = set(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", ""))))
    assert named <= result_labels(rule["expr"], SERIES)


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_an_alert_leads_to_its_section(rule: dict[str, Any]) -> None:
    """docs/operations.md has a section for it: what it means, what to look at, and what to do."""
    name = rule["alert"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    assert rule["labels"]["severity"] in {"page", "ticket", "info"}
    assert re.findall(r"(?m)^\*\*([^*]+)\*\*", SECTIONS[name]) == ["Means.", "Look at.", "Do."]


def test_every_section_is_about_an_alert() -> None:
    """A section of an alert that is gone would lead nowhere, and the order is that of the rules."""
    assert [*SECTIONS] == [rule["alert"] for rule in ALERTS]


def test_the_commands_look_for_events_that_exist() -> None:
    """Each event of a log that a command on the page looks for is one of the product's, or begins one."""
    patterns = re.findall(r'"event":"([^\s\x27]+)', RUNBOOK)
    wanted = {name for pattern in patterns for name in re.split(r"[()|\"]", pattern) if name}
    texts = " ".join(module.text for module in product().values())
    assert wanted
    assert [name for name in wanted if name.replace("[a-z]+", "") not in texts] == []


def expanded(pattern: str) -> Iterator[str]:
    """Yield the texts for which a pattern with groups of alternatives is."""
    group = re.search(r"\(([^()]*)\)", pattern)
    if group is None:
        yield pattern
        return
    for each in group[1].split("|"):
        yield from expanded(pattern[: group.start()] + each + pattern[group.end() :])


def test_the_commands_look_for_metrics_that_exist() -> None:
    """Each metric that a command on the page looks for exists, or is the begin of some."""
    commands = " ".join(block.text for block in page_blocks("docs/operations.md"))
    patterns = re.findall(r"grep (?:-E )?\x27\^?([^\x27]+)\x27", commands)
    wanted = {each for pattern in patterns if "event" not in pattern for each in expanded(pattern)}
    names = {each for each in wanted if each.startswith(("mlg_", "process_"))}
    assert len(names) > 30
    assert [name for name in names if not any(known.startswith(name) for known in SERIES)] == []
