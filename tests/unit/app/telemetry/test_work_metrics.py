"""Metrics of writers and jobs."""

from prometheus_client import CollectorRegistry

from app.telemetry.work_metrics import JOBS, WorkMetrics


def test_transactions_and_steps_are_counted() -> None:
    """A transaction counts by its code, a step by its kind, and again if it failed."""
    registry = CollectorRegistry()
    metrics, value = WorkMetrics(registry), registry.get_sample_value
    assert [value("mlg_job_failures_total", {"kind": kind}) for kind in JOBS] == [0] * len(JOBS)
    metrics.transaction("OK", 3, 0.25)
    metrics.transaction("CONFLICT", 4, 0.5)
    metrics.step("tag", 1, failed=False)
    metrics.step("tag", 1, failed=True)
    assert value("mlg_write_transactions_total", {"code": "CONFLICT"}) == 1
    assert (value("mlg_write_transaction_items_sum"), value("mlg_write_transaction_seconds_sum")) == (7, 0.75)
    assert value("mlg_job_steps_total", {"kind": "tag"}) == 2
    assert value("mlg_job_failures_total", {"kind": "tag"}) == 1
    assert value("mlg_job_step_seconds_count", {"kind": "tag"}) == 2
