"""Metrics of operations: counts, costs and qualities, and counters that exist before the first operation."""

from prometheus_client import CollectorRegistry

from app.telemetry.answers import Quality
from app.telemetry.operation_metrics import OperationMetrics
from app.telemetry.operation_report import OperationReport


def test_an_operation_counts_with_its_cost_and_quality() -> None:
    """Rows, items and seconds add up by name and type; a limit that ended a query counts by its name."""
    registry = CollectorRegistry()
    metrics = OperationMetrics(registry)
    metrics.add(OperationReport("Page", "query", rows=7, items=2, seconds=0.5))
    metrics.add(OperationReport("Page", "query", rows=3, cuts={"TIME", "NODES"}))
    metrics.add(OperationReport("Page", None, "BAD_REQUEST"))
    named = {"operation": "Page", "type": "query"}
    value = registry.get_sample_value
    assert value("mlg_operations_total", {**named, "code": "OK"}) == 2
    assert value("mlg_operations_total", {**named, "code": "BAD_REQUEST"}) == 1
    assert (value("mlg_operation_rows_total", named), value("mlg_operation_items_total", named)) == (10, 2)
    assert value("mlg_operation_seconds_count", named) == 3
    found = {quality: value("mlg_answers_total", {"type": "query", "quality": quality}) for quality in Quality}
    assert found == {**dict.fromkeys(Quality, 0), Quality.GOOD: 1, Quality.TRUNCATED: 1, Quality.REFUSED: 1}
    assert value("mlg_truncated_answers_total", {"limit": "TIME"}) == 1


def test_every_quality_is_a_series_from_the_start() -> None:
    """A counter that appears with its first count has no increase, so that an alert would miss the first failure."""
    registry = CollectorRegistry()
    OperationMetrics(registry)
    value = registry.get_sample_value
    labels = [{"type": kind, "quality": quality} for kind in ("query", "mutation") for quality in Quality]
    assert [value("mlg_answers_total", each) for each in labels] == [0] * len(labels)
