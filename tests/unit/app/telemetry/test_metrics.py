"""Metrics: what is counted."""

from collections import Counter

from app.telemetry.metrics import Metrics
from graphql_schema.ports.policy_report import PolicyReport


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the value of a sample, None if there is none."""
    return metrics.registry.get_sample_value(name, labels)


def test_decisions_of_the_policy_are_counted() -> None:
    """Hidden values count by field, refused actions by action; mismatches, break-glass and withheld responses each."""
    metrics = Metrics()
    report = PolicyReport("v1", hidden=Counter({"Run.params": 3}), mismatches=2)
    report.refused.update([("LINK", "", ()), *[("LINK", "mlg://x", ())] * 2])
    metrics.policy(report, break_glass=False)
    metrics.policy(PolicyReport("v1", hidden=Counter({"Run.params": 1})), break_glass=True)
    metrics.response_withheld()
    assert value(metrics, "mlg_hidden_values_total", field="Run.params") == 4
    assert value(metrics, "mlg_refused_actions_total", action="LINK") == 3
    assert value(metrics, "mlg_break_glass_responses_total") == 1
    assert value(metrics, "mlg_policy_mismatches_total") == 2
    assert value(metrics, "mlg_access_log_failures_total") == 1


def test_the_release_is_a_metric() -> None:
    """A scrape shows which version a process runs."""
    assert value(Metrics("1.2.3"), "mlg_build_info", version="1.2.3") == 1
