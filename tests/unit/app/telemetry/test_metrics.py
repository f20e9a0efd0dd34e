"""Metrics: what is counted, and how many names clients can make into labels."""

from app.telemetry.metrics import MAX_NAMES, OTHER, UNNAMED, Metrics, OperationReport


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return the value of a sample, None if there is none."""
    return metrics.registry.get_sample_value(name, labels)


def test_operations_are_counted_by_name_type_and_code() -> None:
    """An operation adds one to its counter, and its seconds to the histogram of its name and type."""
    metrics = Metrics()
    for code in ("OK", "OK", "FORBIDDEN"):
        metrics.operation(OperationReport("Page", code=code, seconds=0.5))
    metrics.operation(OperationReport(None, kind="mutation", seconds=2))
    assert value(metrics, "mlg_operations_total", operation="Page", type="query", code="OK") == 2
    assert value(metrics, "mlg_operations_total", operation="Page", type="query", code="FORBIDDEN") == 1
    assert value(metrics, "mlg_operations_total", operation=UNNAMED, type="mutation", code="OK") == 1
    assert value(metrics, "mlg_operation_seconds_sum", operation="Page", type="query") == 1.5


def test_clients_cannot_make_any_number_of_labels() -> None:
    """After MAX_NAMES names, and for very long ones, operations count as others; known names keep their counters."""
    metrics = Metrics()
    for number in range(MAX_NAMES + 7):
        metrics.operation(OperationReport(f"Name{number}"))
    metrics.operation(OperationReport("x" * 101))
    metrics.operation(OperationReport("Name1"))
    assert value(metrics, "mlg_operations_total", operation=OTHER, type="query", code="OK") == 8
    assert value(metrics, "mlg_operations_total", operation="Name1", type="query", code="OK") == 2


def test_decisions_of_the_policy_are_counted() -> None:
    """Hidden values count by field, refused actions by action, and responses under break-glass each."""
    metrics = Metrics()
    metrics.policy({"Run.params": 3}, ["LINK", "LINK"], break_glass=False)
    metrics.policy({"Run.params": 1}, [], break_glass=True)
    assert value(metrics, "mlg_hidden_values_total", field="Run.params") == 4
    assert value(metrics, "mlg_refused_actions_total", action="LINK") == 2
    assert value(metrics, "mlg_break_glass_responses_total") == 1
