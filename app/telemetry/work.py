"""Observes the work of a process beside its requests: transactions of writers, and steps of background jobs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext

from app.telemetry.spans import NO_SPANS, Spans, beneath


class WorkMonitor:
    """Opens a span for each transaction of writers and each step of a job."""

    def __init__(self, spans: Spans = NO_SPANS) -> None:
        self._spans = spans

    @contextmanager
    def transaction(self, origins: Sequence[SpanContext], items: int) -> Iterator[None]:
        """Observe a transaction with the batches of several calls.

        ``origins`` are the spans from which these come, oldest first. The first is the parent, and the others are
        links. ``items`` is the number of items in all batches.
        """
        traced = [span for span in origins if span.is_valid]
        parent = beneath(traced[0]) if traced else Context()
        counts = {"mlg.batches": len(origins), "mlg.items": items}
        with self._spans.span("write transaction", counts, parent=parent, links=traced[1:]):
            yield

    @contextmanager
    def job(self, name: str, due: int) -> Iterator[None]:
        """Observe a step of a job over ``due`` outbox entries; one without entries has no span."""
        if not due:
            yield
            return
        with self._spans.span(f"job {name}", {"mlg.job": name, "mlg.due_entries": due}, parent=Context()):
            yield
