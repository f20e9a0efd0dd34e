"""Spans of a process: its work for a request, a transaction of writers or a job, and how long that took.

They use the API of OpenTelemetry; :mod:`app.telemetry.span_export` sends them to a collector. A span has names of the
code and of the schema, counts, codes of errors, the name of an operation and the SHA-256 of its document. It has no
text of a document, no argument, no id of the graph, no value and no caller.
"""

import sys
from asyncio import CancelledError
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.requests import ClientDisconnect
from strawberry.http.exceptions import WebSocketDisconnected

from app.errors import HTTP_STATUS
from policies.errors import Code, CodedError

ERROR_TYPE: Final = "error.type"
"""The attribute with the code of an error, as in the semantic conventions."""

DISCONNECTED: Final = "DISCONNECTED"
"""The code of an operation whose client left before the response."""

CANCELLED: Final = "CANCELLED"
"""The code of work that was ended from outside."""

Attributes = Mapping[str, str | int]

_NO_CONTEXT: Final = Context()
_FIRST_FAULT: Final = 500
"""The first HTTP status of an error that is the server's."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Spans:
    """Opens spans with a tracer. Without one there are none, and :attr:`is_on` is false."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer

    @property
    def is_on(self) -> bool:
        """Whether spans are recorded, as far as the sampler chooses them."""
        return self._tracer is not None

    @contextmanager
    def span(  # noqa: PLR0913 - the parts of a span in OpenTelemetry
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
        links: Sequence[SpanContext] = (),
        current: bool = True,
    ) -> Iterator[Span]:
        """Yield a span that lasts as long as the context; an error that leaves the context has its code in the span.

        Its parent is that in ``parent``, by default the current span. Unless ``current`` is false, the new span is
        current in the context. Without a tracer, yield a span that records nothing.
        """
        if self._tracer is None:
            yield INVALID_SPAN
            return
        span = self._tracer.start_span(
            name, context=parent, kind=kind, attributes=attributes, links=[Link(each) for each in links]
        )
        completed = False
        # What OpenTelemetry would record of an exception has its message, which may have values.
        entered = use_span(span, record_exception=False, set_status_on_exception=False) if current else nullcontext()
        try:
            with entered:
                yield span
            completed = True
        finally:
            if not completed:
                fail(span, error_type(sys.exception()))
            span.end()

    def record(self, name: str, attributes: Attributes, begun: int, ended: int, code: Code | None) -> None:
        """Record a span that is over as a child of the current span; no effect if the current span is not recorded.

        ``begun`` and ``ended`` are nanoseconds since 1970. ``code`` is that of its error, None for success.
        """
        if self._tracer is None or not get_current_span().is_recording():
            return
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=begun)
        if code is not None:
            fail(span, code)
        span.end(ended)


NO_SPANS: Final = Spans()
"""Spans of a process that traces nothing."""


def fail(span: Span, code: str) -> None:
    """Set the code of an error in a span; if the fault is the server's, its status is an error."""
    span.set_attribute(ERROR_TYPE, str(code))
    if code not in {DISCONNECTED, CANCELLED} and HTTP_STATUS[Code(code)] >= _FIRST_FAULT:
        span.set_status(StatusCode.ERROR)


def error_type(error: BaseException | None) -> str:
    """Return the code of an error or of its cause; for one without a code DISCONNECTED, CANCELLED or INTERNAL.

    An error with the attribute ``is_conflict`` is a CONFLICT, whatever code clients get if it persists.
    """
    if getattr(error, "is_conflict", False):
        return Code.CONFLICT
    if isinstance(error, ClientDisconnect | WebSocketDisconnected):
        return DISCONNECTED
    if isinstance(error, CancelledError):
        return CANCELLED
    coded = (each.code for each in (error, error and error.__cause__) if isinstance(each, CodedError))
    return next(coded, Code.INTERNAL)


def remote_parent(traceparents: Sequence[str]) -> Context:
    """Return the context of the span that a request names in W3C Trace Context; an empty one if it names none.

    ``traceparents`` are the values of the header: several are as invalid as a malformed one. ``tracestate`` is text of
    the client, and is not read.
    """
    if len(traceparents) != 1:
        return _NO_CONTEXT
    return _PROPAGATOR.extract({"traceparent": traceparents[0]}, context=_NO_CONTEXT)


def current_span() -> SpanContext:
    """Return the context of the current span; it is invalid if there is none."""
    return get_current_span().get_span_context()


def beneath(span: SpanContext) -> Context:
    """Return a context in which a span of another task is current."""
    return set_span_in_context(NonRecordingSpan(span), _NO_CONTEXT)


def trace_ids() -> dict[str, str]:
    """Return ``trace_id`` and ``span_id`` of the current span in hex, as log lines have them; empty without a span."""
    span = get_current_span().get_span_context()
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"} if span.is_valid else {}
