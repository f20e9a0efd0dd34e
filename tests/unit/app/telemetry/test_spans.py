"""Spans: parents, links, codes of errors, and that nothing of an error but its code is recorded."""

import asyncio

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, StatusCode
from starlette.requests import ClientDisconnect
from support.recorded_spans import RecordedSpans, id_of, parent_id

from app.telemetry.spans import NO_SPANS, beneath, current_span, remote_parent, trace_ids
from policies.errors import Code, CodedError, InvalidError

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
VALUE = "a value of the graph"


class WrappedError(Exception):
    """An error that was caused by one with a code."""


def failing(recorded: RecordedSpans, error: BaseException) -> ReadableSpan:
    """Return the span of work that ends with an error, which leaves the span."""
    with pytest.raises(type(error)), recorded.spans.span("work"):
        raise error
    return recorded.only


def test_work_in_a_span_is_beneath_it() -> None:
    """Spans in a span are its children, those after it are not, and log lines in it have its ids."""
    recorded = RecordedSpans()
    with recorded.spans.span("outer"), recorded.spans.span("inner", {"mlg.items": 3}):
        ids = trace_ids()
    with recorded.spans.span("next"):
        pass
    inner, outer, later = recorded.ended
    assert [span.name for span in recorded.ended] == ["inner", "outer", "next"]
    assert (parent_id(inner), parent_id(outer), parent_id(later)) == (id_of(outer), None, None)
    assert ids == {"trace_id": f"{outer.context.trace_id:032x}", "span_id": f"{id_of(inner):016x}"}
    assert dict(inner.attributes or {}) == {"mlg.items": 3}
    assert trace_ids() == {}


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidError(VALUE), "INVALID", StatusCode.UNSET),
        (CodedError(VALUE, Code.STORE_UNAVAILABLE), "STORE_UNAVAILABLE", StatusCode.ERROR),
        (ValueError(VALUE), "INTERNAL", StatusCode.ERROR),
        (ClientDisconnect(), "DISCONNECTED", StatusCode.UNSET),
        (asyncio.CancelledError(), "CANCELLED", StatusCode.UNSET),
    ],
)
def test_an_error_has_its_code_only(error: BaseException, code: str, status: StatusCode) -> None:
    """A fault of the server is the status of the span; a message is nowhere in it."""
    span = failing(RecordedSpans(), error)
    assert dict(span.attributes or {}) == {"error.type": code}
    assert span.status.status_code is status
    assert VALUE not in span.to_json()


def test_an_error_that_wraps_another_has_the_code_of_the_cause() -> None:
    """A transaction fails with an error of its own, whose cause has the code."""
    error = WrappedError()
    error.__cause__ = CodedError("", Code.STORE_FAILED)
    assert dict(failing(RecordedSpans(), error).attributes or {}) == {"error.type": "STORE_FAILED"}


def test_a_request_that_is_over_is_a_child_with_its_own_times() -> None:
    """It lasts from the given begin to the given end, and without a recorded parent it is dropped."""
    recorded = RecordedSpans()
    recorded.spans.record("store level", {"n": 1}, 1_000, 3_000, None)
    with recorded.spans.span("operation"):
        recorded.spans.record("store level", {"n": 1}, 1_000, 3_000, Code.STORE_UNAVAILABLE)
    request, operation = recorded.ended
    assert (request.start_time, request.end_time, parent_id(request)) == (1_000, 3_000, id_of(operation))
    assert request.status.status_code is StatusCode.ERROR


def test_a_span_may_not_be_current() -> None:
    """What happens in it is then not beneath it."""
    recorded = RecordedSpans()
    with recorded.spans.span("subscription", current=False):
        assert trace_ids() == {}
    assert recorded.only.name == "subscription"


def test_another_task_continues_beneath_a_span() -> None:
    """A context made from a span is the parent of a span elsewhere."""
    recorded = RecordedSpans()
    with recorded.spans.span("call"):
        origin = current_span()
    with recorded.spans.span("transaction", parent=beneath(origin)):
        pass
    call, transaction = recorded.ended
    assert parent_id(transaction) == id_of(call)


def test_a_trace_that_is_not_sampled_records_nothing_and_has_ids() -> None:
    """Log lines have the trace of the caller also if the sampler skips it."""
    recorded = RecordedSpans(ALWAYS_OFF)
    with recorded.spans.span("request", parent=remote_parent([f"00-{TRACE}-{SPAN}-00"])):
        recorded.spans.record("store level", {}, 1, 2, None)
        assert trace_ids()["trace_id"] == TRACE
    assert recorded.ended == []


@pytest.mark.parametrize(
    ("sent", "parent"),
    [
        ([f"00-{TRACE}-{SPAN}-01"], SPAN),
        ([], None),
        ([f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"], None),
        ([f"00-{'0' * 32}-{SPAN}-01"], None),
        (["x"], None),
        ([f"ff-{TRACE}-{SPAN}-01"], None),
    ],
)
def test_a_trace_parent_is_continued_if_it_is_valid(sent: list[str], parent: str | None) -> None:
    """One valid header is the parent; of several ones or a malformed one nothing is taken."""
    recorded = RecordedSpans()
    with recorded.spans.span("request", parent=remote_parent(sent)):
        pass
    found = parent_id(recorded.only)
    assert (found and f"{found:016x}") == parent


def test_without_a_tracer_there_are_no_spans() -> None:
    """The code of a span runs, and no span is current in it."""
    with NO_SPANS.span("work") as span:
        assert span is INVALID_SPAN
        NO_SPANS.record("store level", {}, 1, 2, None)
        assert trace_ids() == {}
    assert not NO_SPANS.is_on
