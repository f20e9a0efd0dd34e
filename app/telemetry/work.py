"""Observes the work of a process beside its requests: transactions of writers, and steps of background jobs."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext

from app.telemetry.operation_report import OK
from app.telemetry.spans import CANCELLED, NO_SPANS, Spans, beneath, error_type
from app.telemetry.work_metrics import WorkMetrics
from policies.errors import Code

_NO_FAILURES: Final = frozenset({OK, Code.CONFLICT, CANCELLED})
"""Codes of steps that do not count as failed: they succeeded, were cancelled, or are done again without a pause."""


class WorkMonitor:
    """Counts transactions of writers and steps of jobs in ``metrics``, if given, and opens a span for each."""

    def __init__(self, spans: Spans = NO_SPANS, metrics: WorkMetrics | None = None) -> None:
        self._spans = spans
        self._metrics = metrics

    @contextmanager
    def transaction(self, origins: Sequence[SpanContext], items: int) -> Iterator[None]:
        """Observe a transaction with the batches of several calls.

        ``origins`` are the spans from which the batches come, oldest first. The first valid one is the parent, and the
        other valid ones are links. ``items`` is the number of items in all batches.
        """
        traced = [span for span in origins if span.is_valid]
        parent = beneath(traced[0]) if traced else Context()
        counts = {"mlg.batches": len(origins), "mlg.items": items}
        begun, code = perf_counter(), None
        try:
            with self._spans.span("write transaction", counts, parent=parent, links=traced[1:]):
                yield
            code = OK
        finally:
            if self._metrics is not None:
                self._metrics.transaction(code or error_type(sys.exception()), items, perf_counter() - begun)

    @contextmanager
    def job(self, kind: str, due: int) -> Iterator[None]:
        """Observe a step of a job over ``due`` outbox entries; one without entries is not observed."""
        if not due:
            yield
            return
        begun, code = perf_counter(), None
        try:
            with self._spans.span(f"job {kind}", {"mlg.job": kind, "mlg.due_entries": due}, parent=Context()):
                yield
            code = OK
        finally:
            if self._metrics is not None:
                code = code or error_type(sys.exception())
                self._metrics.step(kind, perf_counter() - begun, failed=code not in _NO_FAILURES)
