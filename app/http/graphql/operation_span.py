"""The span of a GraphQL operation, by the semantic conventions: its type and name, and the codes of its errors.

In place of ``graphql.document`` it has the SHA-256 of the document, in the form of a ``documentId``. An error has the
coordinate of its field, from the schema, and neither its message nor its path, which has the aliases of the client.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    Location,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)
from opentelemetry.trace import Span

from app.http.graphql.document_manifest import digest_of
from app.telemetry.label_cap import MAX_NAME_LENGTH
from app.telemetry.operation_report import OK, OperationReport
from app.telemetry.spans import ERROR_TYPE, Spans, fail
from graphql_schema.operation.parsed_documents import parsed
from graphql_schema.operation.visitors import freed_visitors
from policies.errors import CodedError

MAX_EVENTS: Final = 5
"""Maximum number of errors that are events of a span."""

MAX_LOCATED: Final = 10_000
"""Maximum number of characters of a document in which the fields of errors are found; it is parsed for that."""

HASH: Final = "graphql.document.hash"
"""The attribute with the SHA-256 of the document."""

_NAME: Final = re.compile(rf"[_A-Za-z][_0-9A-Za-z]{{0,{MAX_NAME_LENGTH - 1}}}")
_UNTYPED: Final = "GraphQL operation"


@contextmanager
def operation_span(spans: Spans, document: str, report: OperationReport, schema: GraphQLSchema) -> Iterator[None]:
    """Open the span of an operation; at its end it gets what ``report`` then has of the operation.

    ``schema`` is that of the document.
    """
    if not spans.is_on:
        yield
        return
    with spans.span(_UNTYPED) as span:
        if not span.is_recording():
            yield
            return
        span.set_attribute(HASH, f"sha256:{digest_of(document)}")
        try:
            yield
        except CodedError as error:
            report.code = str(error.code)
            raise
        finally:
            _describe(span, report)
            _record_errors(span, schema, report.errors)


@contextmanager
def subscription_span(spans: Spans, document: str | None, name: str | None) -> Iterator[Span]:
    """Open the span of a subscription, which ends with it; ``name`` is the ``operationName`` of the request.

    It is not current: a trace with the reads of all events would grow for as long as the client stays.
    """
    with spans.span("subscription", {"graphql.operation.type": "subscription"}, current=False) as span:
        if document and span.is_recording():
            span.set_attribute(HASH, f"sha256:{digest_of(document)}")
        if name and _NAME.fullmatch(name):
            span.set_attribute("graphql.operation.name", name)
        yield span


def _describe(span: Span, report: OperationReport) -> None:
    if report.kind is not None:
        span.update_name(report.kind)
        span.set_attribute("graphql.operation.type", report.kind)
    if report.name and _NAME.fullmatch(report.name):
        span.set_attribute("graphql.operation.name", report.name)
    if report.code != OK:
        fail(span, report.code)


def _record_errors(span: Span, schema: GraphQLSchema, errors: Sequence[tuple[GraphQLError, CodedError]]) -> None:
    chosen = errors[:MAX_EVENTS]
    for (_, shown), coordinate in zip(chosen, coordinates(schema, [origin for origin, _ in chosen]), strict=True):
        place = {} if coordinate is None else {"graphql.field.coordinate": coordinate}
        span.add_event("graphql.error", {ERROR_TYPE: str(shown.code), **place})
    if errors:
        span.set_attribute("graphql.errors", len(errors))


class _Fields(Visitor):
    """Collects the coordinates of the fields at some positions of a document."""

    def __init__(self, types: TypeInfo, starts: set[int]) -> None:
        super().__init__()
        self.found: dict[int, str] = {}
        self._types = types
        self._starts = starts

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Take the coordinate of a field at one of the positions, if the schema has the field."""
        parent, field = self._types.get_parent_type(), self._types.get_field_def()
        if node.loc is not None and node.loc.start in self._starts and parent is not None and field is not None:
            self.found[node.loc.start] = f"{parent.name}.{node.name.value}"


def coordinates(schema: GraphQLSchema, errors: Sequence[GraphQLError]) -> list[str | None]:
    """Return the coordinate of the field of each error of one document, such as ``Query.assets``.

    It is None for an error without a known field, and in a document of more than MAX_LOCATED characters.
    """
    places = [_field_of(error) for error in errors]
    source = next((place.source for place in places if place is not None), None)
    if source is None or len(source.body) > MAX_LOCATED:
        return [None] * len(errors)
    types = TypeInfo(schema)
    fields = _Fields(types, {place.start for place in places if place is not None})
    with freed_visitors():
        visit(parsed(source.body, MAX_LOCATED), TypeInfoVisitor(types, fields))
    return [None if place is None else fields.found.get(place.start) for place in places]


def _field_of(error: GraphQLError) -> Location | None:
    """Return the place of the field of an error in its document, None if the error has no field."""
    return next((node.loc for node in error.nodes or () if isinstance(node, FieldNode)), None)
