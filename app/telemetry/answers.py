"""The quality of what operations returned: whether each was complete and fresh, not only whether it had a status."""

from enum import StrEnum
from http import HTTPStatus

from app.errors import HTTP_STATUS
from app.telemetry.operation_report import OK, OperationReport
from app.telemetry.spans import DISCONNECTED
from policies.errors import Code


class Quality(StrEnum):
    """What an operation returned. Of several that apply, the first one counts."""

    FAILED = "failed"
    """An error of the server or of its store, also beside data."""
    REFUSED = "refused"
    """An error that the client caused, such as an invalid argument, or the client left."""
    TRUNCATED = "truncated"
    """A limit of the server ended a lineage query, such as its time."""
    STALE = "stale"
    """Tags, sensitivity, inferred edges, or the index that was used, lagged behind."""
    PARTIAL = "partial"
    """A part of the lineage is hidden, and the policy discloses that: complete for this caller."""
    GOOD = "good"
    """Complete and fresh."""


def quality_of(report: OperationReport) -> Quality:
    """Return the quality of what an operation returned."""
    codes = {report.code, *(str(shown.code) for _, shown in report.errors)} - {OK}
    if any(map(_is_fault, codes)):
        return Quality.FAILED
    if codes:
        return Quality.REFUSED
    if report.cuts:
        return Quality.TRUNCATED
    if report.is_stale:
        return Quality.STALE
    return Quality.PARTIAL if report.is_partial else Quality.GOOD


def _is_fault(code: str) -> bool:
    return code != DISCONNECTED and HTTP_STATUS[Code(code)] >= HTTPStatus.INTERNAL_SERVER_ERROR
