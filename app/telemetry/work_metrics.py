"""Metrics of transactions of writers and of background jobs."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.telemetry.operation_metrics import SECONDS

JOBS: Final = ("sensitivity", "tag", "inference", "owner", "receipts", "ingestions")
"""The kinds of work of background jobs."""

ITEMS: Final = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0)
"""Upper bounds of the buckets of the sizes of transactions."""


class WorkMetrics:
    """Counts transactions and steps of jobs in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._transactions = Counter(
            "mlg_write_transactions",
            "Transactions of writers, by the code of their error or OK; one that is planned again counts again.",
            ["code"],
            registry=registry,
        )
        self._transaction_seconds = Histogram(
            "mlg_write_transaction_seconds",
            "Seconds to plan and write a transaction.",
            buckets=SECONDS,
            registry=registry,
        )
        self._items = Histogram(
            "mlg_write_transaction_items", "Items of calls in a transaction.", buckets=ITEMS, registry=registry
        )
        self._steps = Counter("mlg_job_steps", "Steps of background jobs, by kind.", ["kind"], registry=registry)
        self._failures = Counter(
            "mlg_job_failures", "Steps of background jobs that failed, by kind.", ["kind"], registry=registry
        )
        self._step_seconds = Histogram(
            "mlg_job_step_seconds", "Seconds of a step, by kind.", ["kind"], buckets=SECONDS, registry=registry
        )
        for kind in JOBS:
            self._steps.labels(kind)  # a counter that begins at 1 has no increase
            self._failures.labels(kind)

    def transaction(self, code: str, items: int, seconds: float) -> None:
        """Count a transaction that has ended."""
        self._transactions.labels(code).inc()
        self._transaction_seconds.observe(seconds)
        self._items.observe(items)

    def step(self, kind: str, seconds: float, *, failed: bool) -> None:
        """Count a step of a job that has ended."""
        self._steps.labels(kind).inc()
        self._step_seconds.labels(kind).observe(seconds)
        if failed:
            self._failures.labels(kind).inc()
