"""Spans that a test records in memory, without a collector."""

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from app.telemetry.spans import Spans


@dataclass
class RecordedSpans:
    """``spans`` records into :attr:`ended`, as far as ``sampler`` chooses."""

    sampler: Sampler = ALWAYS_ON
    spans: Spans = field(init=False)
    _exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        provider = TracerProvider(sampler=self.sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.spans = Spans(provider.get_tracer("tests"))

    @property
    def ended(self) -> list[ReadableSpan]:
        """The spans that have ended, in this order."""
        return [*self._exporter.get_finished_spans()]

    @property
    def only(self) -> ReadableSpan:
        """The only span that has ended."""
        (span,) = self.ended
        return span


def parent_id(span: ReadableSpan) -> int | None:
    """Return the id of the parent of a span, None for a root."""
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    """Return the id of a span."""
    assert span.context is not None
    found: int = span.context.span_id
    return found
