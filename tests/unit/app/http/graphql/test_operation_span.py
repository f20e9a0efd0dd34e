"""The span of an operation: its type, name, hash and errors, and none of the texts of its document."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, Node
from opentelemetry.trace import StatusCode
from support.recorded_spans import RecordedSpans

from app.http.graphql import operation_span as operation_span_module
from app.http.graphql.operation_span import coordinates, operation_span, subscription_span
from app.telemetry.operation_report import OperationReport
from app.telemetry.spans import NO_SPANS
from graphql_schema.operation import parsed_documents
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
    assert coordinates(SCHEMA, document, await errors_of(document)) == expected


@pytest.mark.parametrize("admitted", [True, False])
async def test_no_document_is_parsed_or_visited_again(monkeypatch: pytest.MonkeyPatch, *, admitted: bool) -> None:
    """That would hold the event loop for 40 ms; a document that is not kept gives no coordinates."""
    unknown = "" if admitted else "unknown"
    document = "query One { leaf { name " + unknown + "} } query Two {" + " leaf { __typename }" * 50 + "}"
    result = await SCHEMA.execute(document, operation_name="One")
    entered: list[Node] = []
    around = operation_span_module._around  # noqa: SLF001 - what it returns is entered

    def entering(nodes: Iterable[Node], start: int) -> Node | None:
        found = around(nodes, start)
        entered.extend([found] if found is not None else [])
        return found

    monkeypatch.setattr(operation_span_module, "_around", entering)
    monkeypatch.setattr(parsed_documents, "parsed", None)
    assert coordinates(SCHEMA, document, result.errors or []) == ["Named.name" if admitted else None]
    assert [each.kind for each in entered] == ["operation_definition", "field", "field"]
    assert coordinates(OperationSchema(query=Query, types=[Leaf]), document, result.errors or []) == [None]
    assert coordinates(SCHEMA, document, result.errors or [], ("another", "caller")) == [None]


async def test_a_span_has_what_the_report_has() -> None:
    """Type and name are those of the executed operation, errors are events, and the document is a hash."""
    recorded, document = RecordedSpans(), 'query Page { canary: leaf(text: "canary") { name } }'
    errors = [(error, InvalidError("canary")) for error in await errors_of(document)]
    report = OperationReport()
    with operation_span(recorded.spans, document, report, SCHEMA):
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
        operation_span(recorded.spans, "{ leaf { name } }", report, SCHEMA),
    ):
        raise CodedError("canary", Code.STORE_UNAVAILABLE)
    assert (recorded.only.name, report.code) == ("GraphQL operation", "STORE_UNAVAILABLE")
    assert (recorded.only.attributes or {})["error.type"] == "STORE_UNAVAILABLE"
    assert recorded.only.status.status_code is StatusCode.ERROR
    assert "canary" not in recorded.only.to_json()


def test_without_spans_the_operation_runs() -> None:
    """Nothing is recorded, and an error reaches the caller."""
    with pytest.raises(InvalidError), operation_span(NO_SPANS, "{ leaf }", OperationReport(), SCHEMA):
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
