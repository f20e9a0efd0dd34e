"""How a type file declares its fields: own properties, and relations as data that one resolver reads."""

from typing import Annotated, Any

import strawberry

from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on
from graphql_schema.ports.relation_query import ALL, ONE, FieldIn, ItemFilter, RelationQuery
from graphql_schema.ports.row import Row

ActiveOnly = Annotated[bool | None, strawberry.argument(description="Whether to leave out what is not serving.")]


SERVING = FieldIn("status", ("ACTIVE",))
"""Keeps the deployments that serve."""


def to_one(rel: RelationQuery, description: str, *inputs: str) -> Any:
    """The one row that a relation leads to; ``inputs`` as for :func:`depends_on`."""

    async def resolve(root: Parent, info: Info) -> Any:
        found = await info.context.reader.related(root, rel, ONE)
        return found.items[0].row if found.items else None

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs, *inputs))


def to_list(rel: RelationQuery, description: str) -> Any:
    """All rows that a relation leads to, where there are few by nature."""

    async def resolve(root: Parent, info: Info) -> Any:
        found = await info.context.reader.related(root, rel, ALL)
        return [item.row for item in found.items]

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


def to_many(rel: RelationQuery, description: str, *, first: int = 20) -> Any:
    """A connection over a relation; ``first`` is the page size unless the caller says otherwise."""
    size = first

    async def resolve(root: Parent, info: Info, first: First = size, after: After = None) -> Any:
        return await relation_connection(root, info, rel, size if first is None else first, after)

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


async def relation_connection(
    root: Row, info: Info, rel: RelationQuery, first: int | None, after: str | None, keep: ItemFilter | None = None
) -> ConnectionSource:
    """A page of a relation, as the source of a connection."""
    page, binding = page_request_of(info, first, after, root.urn, keep=keep)
    return ConnectionSource(await info.context.reader.related(root, rel, page), page, binding)
