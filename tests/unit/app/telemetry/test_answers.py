"""The quality of an answer, by a table."""

from typing import Any

import pytest
from graphql import GraphQLError

from app.telemetry.answers import Quality, quality_of
from app.telemetry.operation_report import OperationReport
from policies.errors import Code, CodedError


def failing(*codes: Code) -> dict[str, Any]:
    """Return what a report has of an operation with errors."""
    return {"code": str(codes[0]), "errors": [(GraphQLError(""), CodedError("", code)) for code in codes]}


@pytest.mark.parametrize(
    ("report", "quality"),
    [
        ({}, Quality.GOOD),
        ({"is_partial": True}, Quality.PARTIAL),
        ({"is_partial": True, "is_stale": True}, Quality.STALE),
        ({"cuts": {"TIME"}, "is_stale": True}, Quality.TRUNCATED),
        ({"code": "DISCONNECTED", "cuts": {"TIME"}}, Quality.REFUSED),
        ({"code": "LIMIT_EXCEEDED"}, Quality.REFUSED),
        ({"code": "STORE_UNAVAILABLE"}, Quality.FAILED),
        ({"code": "ACCESS_LOG_UNAVAILABLE"}, Quality.FAILED),
        (failing(Code.INVALID, Code.DENIED), Quality.REFUSED),
        (failing(Code.INVALID, Code.INTERNAL), Quality.FAILED),
    ],
)
def test_the_worst_counts(report: dict[str, Any], quality: Quality) -> None:
    """A fault of the server counts before a mistake of the client, and any error before a limit or a lag."""
    assert quality_of(OperationReport(**report)) is quality
