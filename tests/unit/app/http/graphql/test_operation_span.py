"""The span of an operation: its type, name, hash and errors, and none of the texts of its document."""

from hashlib import sha256
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from opentelemetry.trace import StatusCode
from support.recorded_spans import RecordedSpans

from app.http.graphql.operation_span import MAX_LOCATED, coordinates, operation_span, subscription_span
from app.telemetry.operation_report import OperationReport
from app.telemetry.spans import NO_SPANS
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import Code, CodedError, InvalidError


@strawberry.interface
class Named:
    """An interface with a field that fails."""

    @strawberry.field
    def name(self) -> str:
        """Fail."""
        raise InvalidError("canary in a message")


@strawberry.type
class Leaf(Named):
    """An object of the interface."""

    number: int = 1


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def leaf(self, text: str = "") -> Named | None:
        """Return an object."""
        return Leaf() if text != "none" else None


SCHEMA = OperationSchema(query=Query, types=[Leaf])


async def errors_of(document: str, **variables: Any) -> list[GraphQLError]:
    """Return the errors of an operation."""
    return (await SCHEMA.execute(document, variable_values=variables)).errors or []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ canary: leaf { canary: name } }", ["Named.name"]),
        ("{ leaf { ... on Leaf { canary: name } } }", ["Leaf.name"]),
        ("query { leaf { ...canary } } fragment canary on Leaf { number name }", ["Leaf.name"]),
        ("{ a: leaf { name } b: leaf { x: name } }", ["Named.name", "Named.name"]),
        ("{ canary }", [None]),
        ("{ leaf(text: 1) { number } }", [None, None]),
        ("{ leaf(", [None]),
    ],
)
async def test_an_error_has_the_coordinate_of_its_field(document: str, expected: list[str | None]) -> None:
    """It comes from the schema: an alias, a fragment or a field that does not exist has none of its text in it."""
    assert coordinates(SCHEMA.core, await errors_of(document)) == expected


async def test_a_long_document_is_not_parsed_again() -> None:
    """Its errors have no coordinates."""
    errors = await errors_of("{ leaf { name } }" + " " * MAX_LOCATED)
    assert coordinates(SCHEMA.core, errors) == [None]


async def test_a_span_has_what_the_report_has() -> None:
    """Type and name are those of the executed operation, errors are events, and the document is a hash."""
    recorded, document = RecordedSpans(), 'query Page { canary: leaf(text: "canary") { name } }'
    errors = [(error, InvalidError("canary")) for error in await errors_of(document)]
    report = OperationReport()
    with operation_span(recorded.spans, document, report, SCHEMA.core):
        report.kind, report.name, report.code, report.errors = "query", "Page", "INVALID", errors
    span = recorded.only
    assert span.name == "query"
    assert dict(span.attributes or {}) == {
        "graphql.document.hash": "sha256:" + sha256(document.encode()).hexdigest(),
        "graphql.operation.type": "query",
        "graphql.operation.name": "Page",
        "error.type": "INVALID",
        "graphql.errors": 1,
    }
    (event,) = span.events
    assert (event.name, dict(event.attributes or {})) == (
        "graphql.error",
        {"error.type": "INVALID", "graphql.field.coordinate": "Named.name"},
    )
    assert "canary" not in span.to_json()
    assert span.status.status_code is StatusCode.UNSET


def test_an_operation_that_is_refused_has_the_code() -> None:
    """An error that leaves the operation is in the span and in the report."""
    recorded, report = RecordedSpans(), OperationReport("canary of a client")
    with (
        pytest.raises(CodedError),
        operation_span(recorded.spans, "{ leaf { name } }", report, SCHEMA.core),
    ):
        raise CodedError("canary", Code.STORE_UNAVAILABLE)
    assert (recorded.only.name, report.code) == ("GraphQL operation", "STORE_UNAVAILABLE")
    assert (recorded.only.attributes or {})["error.type"] == "STORE_UNAVAILABLE"
    assert recorded.only.status.status_code is StatusCode.ERROR
    assert "canary" not in recorded.only.to_json()


def test_without_spans_the_operation_runs() -> None:
    """Nothing is recorded, and an error reaches the caller."""
    with pytest.raises(InvalidError), operation_span(NO_SPANS, "{ leaf }", OperationReport(), SCHEMA.core):
        raise InvalidError("")


def test_a_subscription_has_a_span_without_children() -> None:
    """It has the name if that is one, and the hash of a document if there is a document."""
    recorded = RecordedSpans()
    with subscription_span(recorded.spans, "subscription Feed { x }", "Feed"), recorded.spans.span("read"):
        pass
    with subscription_span(recorded.spans, None, "no name"):
        pass
    read, feed, bare = recorded.ended
    assert read.parent is None
    assert (feed.attributes or {})["graphql.operation.name"] == "Feed"
    assert dict(bare.attributes or {}) == {"graphql.operation.type": "subscription"}
