"""Metrics of GraphQL operations: by name, type and code, with what they cost, and the quality of what they returned."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.telemetry.answers import Quality, quality_of
from app.telemetry.label_cap import LabelCap
from app.telemetry.operation_report import OperationReport

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets of durations."""

TYPES: Final = ("query", "mutation")
"""Types of operations over HTTP; one that was not executed counts as the first."""


class OperationMetrics:
    """Counts operations in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        named = ["operation", "type"]
        self._cap = LabelCap()
        self._operations = Counter(
            "mlg_operations",
            "Operations over HTTP, by name, type, and code: of the first error, OK, or DISCONNECTED.",
            [*named, "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "mlg_operation_seconds",
            "Seconds from the head of a request to its response, by name and type of the operation.",
            named,
            buckets=SECONDS,
            registry=registry,
        )
        self._rows = Counter(
            "mlg_operation_rows",
            "Edges and records that operations read from the store or the cache, by name and type.",
            named,
            registry=registry,
        )
        self._items = Counter(
            "mlg_operation_items", "Elements of lists in responses, by name and type.", named, registry=registry
        )
        self._answers = Counter(
            "mlg_answers", "Operations by the quality of what they returned.", ["type", "quality"], registry=registry
        )
        self._cuts = Counter(
            "mlg_truncated_answers", "Operations whose lineage a limit ended, by limit.", ["limit"], registry=registry
        )
        for kind in TYPES:
            for quality in Quality:
                self._answers.labels(kind, quality)  # a counter that begins at 1 has no increase

    def add(self, report: OperationReport) -> None:
        """Count an operation that has ended."""
        kind = report.kind or TYPES[0]
        name = self._cap.admit(report.name, kind, report.code)
        self._operations.labels(name, kind, report.code).inc()
        self._seconds.labels(name, kind).observe(report.seconds)
        self._rows.labels(name, kind).inc(report.rows)
        self._items.labels(name, kind).inc(report.items)
        self._answers.labels(kind, quality_of(report)).inc()
        for limit in report.cuts:
            self._cuts.labels(limit).inc()
