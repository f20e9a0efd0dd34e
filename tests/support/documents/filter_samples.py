"""Every filter input of the built schema with a sample value for each field, and the conditions that readers receive.

Filters, their fields and the root fields that take them are found in the schema, so a new filter is covered without a
line here.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.fields.context import Context
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult
from graphql_schema.ports.relation_query import LineageItemFilter, PageRequest
from graphql_schema.ports.row import RowPage
from graphql_schema.schema import GraphSchema
from policies.principal import Principal, PrincipalKind, Scope

VALUES: dict[str, Any] = {
    "ID": "mlg://team/test/default/search",
    "String": "orders",
    "Boolean": True,
    "Int": 30,
    "Float": 0.5,
    "DateTime": "2026-11-24T09:30:00Z",
}
"""A value of each scalar."""

BESIDE: dict[str, dict[str, Any]] = {"unread": {"unusedForDays": 30}}
"""The further fields without which a field of a filter is an error."""

READER = Principal("ada", PrincipalKind.PERSON, "acme", scopes=frozenset({Scope.READ.value}))


@dataclass(frozen=True)
class Sample:
    """One field of a filter: its path below the filter, such as ``name.prefix``, and the filter with it alone."""

    filter: str
    path: str
    given: dict[str, Any]

    def __str__(self) -> str:
        """Return the coordinate, for the ids of tests."""
        return f"{self.filter}.{self.path}"


class RecordingGraph(PlainGraph):
    """An empty graph that records the conditions and lineage filters of its lists instead of evaluating them."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Condition | LineageItemFilter] = []

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:  # noqa: ARG002 - as declared
        """See GraphReader."""
        self.received.append(listing.where)
        return RowPage((), has_next=False)

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader."""
        self.received.append(walk.keep)
        return await super().walk(walk)


def filters(schema: GraphQLSchema) -> dict[str, GraphQLInputObjectType]:
    """Return the filter inputs of the schema by name."""
    found = (each for each in schema.type_map.values() if isinstance(each, GraphQLInputObjectType))
    return {each.name: each for each in found if each.name.endswith("Filter")}


def samples(schema: GraphQLSchema, name: str) -> Iterator[Sample]:
    """Yield a sample for each field of a filter, and for each field of the filters nested in it."""
    for path, given in _fields(filters(schema)[name], ()):
        yield Sample(name, path, given)


def _fields(type_: GraphQLInputObjectType, outer: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in type_.fields.items():
        inner = get_named_type(each.type)
        if isinstance(inner, GraphQLInputObjectType) and inner is not type_ and inner.name not in outer:
            for path, given in _fields(inner, (*outer, type_.name)):
                yield f"{name}.{path}", {name: _listed(each.type, given)}
        else:
            needed = {key: _value(also.type) for key, also in type_.fields.items() if is_required_input_field(also)}
            yield name, {**needed, name: _value(each.type), **BESIDE.get(name, {})}


def _value(type_: GraphQLInputType) -> Any:
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        name, first = next(iter(named.fields.items()))
        return _listed(type_, {name: _value(first.type)})
    if isinstance(named, GraphQLEnumType):
        return _listed(type_, next(iter(named.values)))
    return _listed(type_, VALUES[named.name])


def _listed(type_: GraphQLInputType, value: Any) -> Any:
    return [value] if isinstance(get_nullable_type(type_), GraphQLList) else value


def taking(schema: GraphQLSchema, name: str) -> str | None:
    """Return a document with a root field that takes the filter as ``$filter``; None if no root field takes it."""
    assert schema.query_type is not None
    for root, each in schema.query_type.fields.items():
        argument = next((key for key, arg in each.args.items() if get_named_type(arg.type).name == name), None)
        if argument is not None:
            others = {key: arg for key, arg in each.args.items() if is_required_argument(arg)}
            given = "".join(f", {key}: {_literal(arg.type)}" for key, arg in others.items())
            return f"query ($filter: {name}) {{ {root}({argument}: $filter{given}) {{ __typename }} }}"
    return None


def _literal(type_: GraphQLInputType) -> str:
    value = VALUES["ID"] if get_named_type(type_).name == "ID" else _value(type_)
    text = value if isinstance(get_named_type(type_), GraphQLEnumType) else f'"{value}"'
    return f"[{text}]" if isinstance(get_nullable_type(type_), GraphQLList) else text


async def received(schema: GraphSchema, name: str, given: dict[str, Any]) -> Condition | LineageItemFilter:
    """Return the condition, or the filter in memory, that a reader receives for a filter."""
    graph = RecordingGraph()
    document = taking(schema.core, name)
    assert document is not None, f"no root field takes {name}"
    context = Context(READER, lambda *_: graph, graph, graph.report, b"k" * 32, epoch_milliseconds)
    found = await schema.execute(document, variable_values={"filter": given}, context_value=context)
    assert isinstance(found, ExecutionResult)
    assert found.errors is None, found.errors
    (only,) = graph.received
    return only


async def conditions(schema: GraphSchema) -> AsyncIterator[tuple[Sample, Condition]]:
    """Yield every sample whose filter becomes a condition, with the condition."""
    for name in filters(schema.core):
        if taking(schema.core, name) is None:
            continue
        for sample in samples(schema.core, name):
            found = await received(schema, name, sample.given)
            if not isinstance(found, LineageItemFilter):
                yield sample, found
