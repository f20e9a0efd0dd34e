"""The span of a GraphQL operation, by the semantic conventions: its type and name, and the codes of its errors.

In place of ``graphql.document`` it has the SHA-256 of the document, in the form of a ``documentId``. An error has the
coordinate of its field, from the schema, and neither its message nor its path, which has the aliases of the client.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    Location,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)
from opentelemetry.trace import Span

from app.http.graphql.document_manifest import digest_of
from app.telemetry.label_cap import MAX_NAME_LENGTH
from app.telemetry.operation_report import OK, OperationReport
from app.telemetry.spans import ERROR_TYPE, Spans, fail
from graphql_schema.operation.document_cache import ANYBODY, Caller
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import CodedError

MAX_EVENTS: Final = 5
"""Maximum number of errors that are events of a span."""

HASH: Final = "graphql.document.hash"
"""The attribute with the SHA-256 of the document."""

_NAME: Final = re.compile(rf"[_A-Za-z][_0-9A-Za-z]{{0,{MAX_NAME_LENGTH - 1}}}")
_UNTYPED: Final = "GraphQL operation"


@contextmanager
def operation_span(
    spans: Spans, document: str, report: OperationReport, schema: OperationSchema, caller: Caller = ANYBODY
) -> Iterator[None]:
    """Open the span of an operation; at its end it gets what ``report`` then has of the operation.

    ``schema`` has executed the document of a ``caller``.
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
            _record_errors(span, schema, document, report.errors, caller)


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


def _record_errors(
    span: Span,
    schema: OperationSchema,
    document: str,
    errors: Sequence[tuple[GraphQLError, CodedError]],
    caller: Caller,
) -> None:
    chosen = errors[:MAX_EVENTS]
    places = coordinates(schema, document, [origin for origin, _ in chosen], caller)
    for (_, shown), coordinate in zip(chosen, places, strict=True):
        place = {} if coordinate is None else {"graphql.field.coordinate": coordinate}
        span.add_event("graphql.error", {ERROR_TYPE: str(shown.code), **place})
    if errors:
        span.set_attribute("graphql.errors", len(errors))


def coordinates(
    schema: OperationSchema, text: str, errors: Sequence[GraphQLError], caller: Caller = ANYBODY
) -> list[str | None]:
    """Return the coordinate of the field of each error of one document of a caller, such as ``Query.assets``.

    It is None for an error without a known field, and if the document is not kept any more: it is not parsed again.
    """
    places = [_field_of(error) for error in errors]
    document = schema.kept_document(text, caller) if any(places) else None
    if document is None:
        return [None] * len(errors)
    return [None if place is None else _coordinate(schema.core, document, place.start) for place in places]


def _coordinate(schema: GraphQLSchema, document: DocumentNode, start: int) -> str | None:
    """Return the coordinate of the field that begins at ``start``; None if the schema does not have it.

    Of each level only the selection around it is entered.
    """
    node: Node | None = _around(document.definitions, start)
    parent: GraphQLNamedType | None = None
    while node is not None:
        if isinstance(node, OperationDefinitionNode):
            parent = schema.get_root_type(node.operation)
        elif isinstance(node, FragmentDefinitionNode | InlineFragmentNode) and node.type_condition is not None:
            parent = schema.get_type(node.type_condition.name.value)
        elif isinstance(node, FieldNode):
            field = schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
            if parent is None or field is None:
                return None
            if node.loc is not None and node.loc.start == start:
                return f"{parent.name}.{node.name.value}"
            parent = get_named_type(field.type)
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        node = None if below is None else _around(below.selections, start)
    return None


def _around(nodes: Iterable[Node], start: int) -> Node | None:
    """Return the node that has a position in it; None if none has."""
    return next((each for each in nodes if each.loc is not None and each.loc.start <= start < each.loc.end), None)


def _field_of(error: GraphQLError) -> Location | None:
    """Return the place of the field of an error in its document, None if the error has no field."""
    return next((node.loc for node in error.nodes or () if isinstance(node, FieldNode)), None)
