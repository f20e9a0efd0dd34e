"""A resolver that is called directly gets what Strawberry would give it, and returns what it would return."""

import inspect
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo, parse
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values
from graphql.language import FieldNode
from strawberry.extensions import FieldExtension

from graphql_schema.execution.resolver_call import resolver_call
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import FOR_ALL, Parent, Parents, Resolved
from graphql_schema.operation.execution import BudgetedExecution


@strawberry.enum
class Colour(Enum):
    """The members of an enum."""

    RED = "r"
    BLUE = "b"


@strawberry.input
class Range:
    """An input object with a default and a nested one."""

    low: int = 3
    high: int | None = strawberry.UNSET
    colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.BLUE])
    inner: "Range | None" = None


class Loud(FieldExtension):
    """An extension of a field, which only Strawberry calls."""

    def resolve(self, next_: Any, source: Any, info: Info, **kwargs: Any) -> Any:
        """Return the value of the field twice."""
        return 2 * next_(source, info, **kwargs)


def _plain(root: Parent, count: int = 7, text_value: str | None = None) -> Resolved:
    return [root, count, text_value]


async def _slow(
    root: Parent, info: Info, colour: Colour = Colour.RED, ids: list[strawberry.ID] | None = None
) -> Resolved:
    return [root, info.field_name, colour, ids]


def _ranged(info: Info, span: Range, either: int | None = strawberry.UNSET) -> Resolved:
    return [info.python_name, span, either]


async def _all(roots: Parents, step: int = 1) -> Resolved:
    return [root + step for root in roots]


@strawberry.type
class Query:
    """The root."""

    stored: int
    plain: strawberry.scalars.JSON = strawberry.field(resolver=_plain)
    slow: strawberry.scalars.JSON = strawberry.field(resolver=_slow)
    ranged: strawberry.scalars.JSON = strawberry.field(resolver=_ranged)
    all: strawberry.scalars.JSON = strawberry.field(resolver=_all, metadata={FOR_ALL: True})
    loud: int = strawberry.field(resolver=lambda: 4, extensions=[Loud()])

    @strawberry.field
    def method(self, count: int = 1) -> int:
        """Return a value that depends on the object itself."""
        return self.stored + count


SCHEMA = strawberry.Schema(Query)._schema  # noqa: SLF001 - Strawberry has no public name for it


def info_of(text: str, variables: Mapping[str, Any]) -> tuple[GraphQLField, GraphQLResolveInfo[Any], dict[str, Any]]:
    """Return the only field of a query, with its info and its arguments by the names in the document."""
    context = BudgetedExecution.build(SCHEMA, parse(text), raw_variable_values=dict(variables))
    assert isinstance(context, BudgetedExecution)
    root = SCHEMA.query_type
    assert isinstance(root, GraphQLObjectType)
    fields = collect_fields(SCHEMA, context.fragments, context.variable_values, root, context.operation)
    ((_, details),) = fields.grouped_field_set.items()
    nodes: list[FieldNode] = [each.node for each in details]
    field = root.fields[nodes[0].name.value]
    info = context.build_resolve_info(field, nodes, root, None)  # type: ignore[arg-type]
    return field, info, get_argument_values(field, nodes[0], context.variable_values)


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("{ plain }", {}),
    ("{ plain(count: 2, textValue: null) }", {}),
    ("query ($n: Int, $t: String) { plain(count: $n, textValue: $t) }", {}),
    ("query ($n: Int, $t: String) { plain(count: $n, textValue: $t) }", {"n": 5, "t": "x"}),
    ("{ slow }", {}),
    ('{ slow(colour: BLUE, ids: ["a", "b"]) }', {}),
    ("query ($c: Colour = BLUE, $i: [ID!]) { slow(colour: $c, ids: $i) }", {"i": ["z"]}),
    ("query ($c: Colour! = BLUE) { slow(colour: $c) }", {"c": "RED"}),
    ("{ ranged(span: {}) }", {}),
    ("{ ranged(span: {low: 1, high: null, colours: [RED], inner: {high: 9}}, either: null) }", {}),
    ("query ($r: Range!, $e: Int) { ranged(span: $r, either: $e) }", {"r": {"inner": {}}, "e": 1}),
]


@pytest.mark.parametrize(("text", "variables"), CALLS)
async def test_arguments_are_those_of_strawberry(text: str, variables: dict[str, Any]) -> None:
    """Defaults, absent and null arguments, enums, lists and input objects arrive as Strawberry converts them."""
    field, raw, given = info_of(text, variables)
    assert field.resolve is not None
    expected = field.resolve(5, raw, **given)
    call = resolver_call(field)
    assert call is not None
    info = call.info_of(raw)
    found = call(5, info, call.arguments_of(info, given))
    assert inspect.isawaitable(found) == inspect.isawaitable(expected) == call.is_async
    if inspect.isawaitable(expected):
        expected, found = await expected, await found
    assert found == expected
    assert not call.for_all


async def test_a_resolver_for_all_gets_the_list() -> None:
    """It takes all sources in one call."""
    field, raw, given = info_of("{ all(step: 10) }", {})
    call = resolver_call(field)
    assert call is not None
    assert call.for_all
    info = call.info_of(raw)
    assert await call([1, 2, 3], info, call.arguments_of(info, given)) == [11, 12, 13]


@pytest.mark.parametrize("name", ["stored", "method", "loud"])
def test_what_only_strawberry_calls_has_no_call(name: str) -> None:
    """A field without a resolver, a method of an object, and a field with an extension have none."""
    assert SCHEMA.query_type is not None
    assert resolver_call(SCHEMA.query_type.fields[name]) is None


def test_a_field_of_graphql_core_has_no_call() -> None:
    """Introspection is no field of Strawberry."""
    assert SCHEMA.query_type is not None
    found = SCHEMA.get_field(SCHEMA.query_type, "__schema")
    assert found is not None
    assert resolver_call(found) is None
