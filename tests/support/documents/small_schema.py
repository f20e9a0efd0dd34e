"""A small schema with all forms of values, whose root fields return :data:`ROOTS`."""

import asyncio
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, is_introspection_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graphql_schema.fields.field import FOR_ALL, Parent, Parents, Resolved, ResolvedForAll
from graphql_schema.fields.record_reader import OneSource, RecordReader
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import InvalidError


class Source(dict[str, Any]):
    """A mapping with a kind, the source of an object of an abstract type."""

    @property
    def kind(self) -> str:
        """Return the name of the GraphQL type."""
        return str(self["kind"])


def _twin(root: Parent) -> Resolved:
    return root["twin"]


async def _delayed(root: Parent, turns: int = 1) -> Resolved:
    RUNNING.append(root["number"])
    STARTS.append(len(RUNNING))
    try:
        for _ in range(turns):
            await asyncio.sleep(0)
    finally:
        RUNNING.pop()
    return root["number"]


def _odd(root: Parent) -> Resolved:
    if root["number"] % 2 == 0:
        raise InvalidError(f"{root['number']} is even")
    return root["number"]


async def _doubled(roots: Parents) -> ResolvedForAll:
    CALLS.append(len(roots))
    return [2 * root["number"] for root in roots]


async def _numbers(root: Parent, count: int) -> Resolved:
    MADE.append(count)
    return [root["number"]] * count


def _digits(root: Parent, count: int) -> Resolved:
    MADE.append(count)
    return [root["number"]] * count


ROOTS: list[Any] = []
"""What the root fields return."""

RUNNING: list[int] = []
"""One element for each resolver of `delayed` that runs."""

STARTS: list[int] = []
"""For each resolver of `delayed`, the number of those that ran when it had begun."""

MADE: list[int] = []
"""The length of each list that a resolver has made."""

CALLS: list[int] = []
"""The number of sources of each call of a resolver for all of them."""


@strawberry.interface
class Thing:
    """An interface."""

    number: int | None
    thing: "Thing | None"


@strawberry.type
class Red(Thing):
    """An object with all forms of values."""

    text: str | None
    needed: str
    grid: list[list[int]]
    sparse: list[list[int | None] | None] | None
    things: list[Thing]
    reds: list["Red | None"] | None
    either: "Either | None"
    free: strawberry.scalars.JSON | None
    twin: "Red" = strawberry.field(resolver=_twin)
    delayed: int | None = strawberry.field(resolver=_delayed)
    odd: int | None = strawberry.field(resolver=_odd)
    numbers: list[int] = strawberry.field(resolver=_numbers)
    digits: list[int] | None = strawberry.field(resolver=_digits)
    doubled: int | None = strawberry.field(resolver=_doubled, metadata={FOR_ALL: True})


@strawberry.type
class Blue(Thing):
    """Another object of the interface."""

    shade: str | None


Either = Annotated[Red | Blue, strawberry.union("Either")]


def red(number: int, /, **values: Any) -> Source:
    """Return a source of Red, its own twin unless given otherwise."""
    texts = {"text": f"t{number}", "needed": "n"}
    lists = {"grid": [[number], [], [1, 2]], "sparse": [None, [None, number]], "things": [], "reds": []}
    made = Source({"kind": "Red", "number": number, **texts, **lists})
    made.update({"twin": made, **values})
    return made


def blue(number: int, /, **values: Any) -> Source:
    """Return a source of Blue."""
    return Source({"kind": "Blue", "number": number, "shade": "navy", **values})


async def _roots() -> Resolved:
    return ROOTS


@strawberry.type
class Query:
    """The root."""

    reds: list[Red] = strawberry.field(resolver=_roots)
    perhaps: list[Red | None] | None = strawberry.field(resolver=_roots)
    things: list[Thing] = strawberry.field(resolver=_roots)


def _resolver(name: str, field: GraphQLField) -> Any:
    declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    if declared.is_basic_field:
        return RecordReader(name, declared.python_name)
    return OneSource(cast("Any", field.resolve)) if declared.metadata.get(FOR_ALL) else field.resolve


def small_schema() -> OperationSchema:
    """Return a small schema, with resolvers as :mod:`graphql_schema.operation.field_guards` sets them."""
    schema = OperationSchema(Query, types=[Red, Blue])
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 - Strawberry has no public name for it
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = lambda source, *_: source.kind
        elif isinstance(type_, GraphQLObjectType) and not is_introspection_type(type_):
            type_.is_type_of = None
            for name, field in type_.fields.items():
                field.resolve = _resolver(name, field)
    return schema
