"""Work beside requests: which spans are the parents of transactions and jobs, and what is counted."""

from asyncio import CancelledError
from contextlib import nullcontext

import pytest
from opentelemetry.trace import INVALID_SPAN_CONTEXT
from prometheus_client import CollectorRegistry
from support.recorded_spans import RecordedSpans, id_of, parent_id

from app.telemetry.spans import current_span
from app.telemetry.work import WorkMonitor
from app.telemetry.work_metrics import WorkMetrics
from policies.errors import Code, CodedError


def test_a_transaction_is_beneath_the_oldest_call_and_linked_to_the_others() -> None:
    """Calls without a span are counted and not linked."""
    recorded, origins = RecordedSpans(), [INVALID_SPAN_CONTEXT]
    for _ in range(3):
        with recorded.spans.span("mutation"):
            origins.append(current_span())
    with WorkMonitor(recorded.spans).transaction(origins, 12):
        pass
    first, second, third, transaction = recorded.ended
    assert parent_id(transaction) == id_of(first)
    assert [link.context.span_id for link in transaction.links] == [id_of(second), id_of(third)]
    assert dict(transaction.attributes or {}) == {"mlg.batches": 4, "mlg.items": 12}


def test_a_transaction_of_calls_without_spans_is_a_root() -> None:
    """It does not continue what is current in its task."""
    recorded = RecordedSpans()
    with recorded.spans.span("elsewhere"), WorkMonitor(recorded.spans).transaction([INVALID_SPAN_CONTEXT], 1):
        pass
    assert parent_id(recorded.ended[0]) is None


def test_a_step_of_a_job_is_a_root_if_it_has_work() -> None:
    """A step that finds no entry has no span, because there is one a minute."""
    recorded = RecordedSpans()
    work = WorkMonitor(recorded.spans)
    for due in (0, 2):
        with recorded.spans.span("elsewhere"), work.job("tag", due):
            pass
    assert [span.name for span in recorded.ended] == ["elsewhere", "job tag", "elsewhere"]
    assert parent_id(recorded.ended[1]) is None
    assert dict(recorded.ended[1].attributes or {}) == {"mlg.job": "tag", "mlg.due_entries": 2}


class LostTurnError(CodedError):
    """A conflict with another process, which clients would get as an unavailable store."""

    code = Code.STORE_UNAVAILABLE
    is_conflict = True


@pytest.mark.parametrize(
    ("error", "code", "failures"),
    [
        (None, "OK", 0),
        (LostTurnError(""), "CONFLICT", 0),
        (CancelledError(), "CANCELLED", 0),
        (CodedError("", Code.STORE_FAILED), "STORE_FAILED", 1),
        (ValueError(), "INTERNAL", 1),
    ],
)
def test_work_is_counted_with_the_code_of_its_error(error: BaseException | None, code: str, failures: int) -> None:
    """A conflict and a cancellation are no failures of a job; the error reaches the caller."""
    registry = CollectorRegistry()
    work = WorkMonitor(metrics=WorkMetrics(registry))
    for observed in (work.transaction([], 1), work.job("tag", 1), work.job("tag", 0)):
        with pytest.raises(type(error)) if error else nullcontext(), observed:
            if error:
                raise error
    assert registry.get_sample_value("mlg_write_transactions_total", {"code": code}) == 1
    assert registry.get_sample_value("mlg_job_steps_total", {"kind": "tag"}) == 1
    assert registry.get_sample_value("mlg_job_failures_total", {"kind": "tag"}) == failures
