"""Declarations of relation fields: a relation query as data, read by a generic resolver."""

from typing import Annotated

import strawberry

from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, depends_on
from graphql_schema.ports.conditions import In, Negated
from graphql_schema.ports.relation_query import ALL, ONE, ItemFilter, PageRequest, RelationQuery, RowFilter
from graphql_schema.ports.row import Row

ActiveOnly = Annotated[
    bool | None, strawberry.argument(description="Whether to return only deployments with the status ACTIVE.")
]

IncludeStubs = Annotated[
    bool | None, strawberry.argument(description="Whether to list versions that were only referenced, too.")
]

_REGISTERED = RowFilter(Negated(In("hydration", ("STUB",))))
"""Accepts rows that are no stubs."""

_ACTIVE = RowFilter(In("status", ("ACTIVE",)))
"""Accepts deployments whose status is ACTIVE and visible."""


def to_one(rel: RelationQuery, description: str, *inputs: str) -> SchemaField:
    """Return a field with the first row of a relation query, or null; ``inputs`` as in :func:`depends_on`."""

    async def resolve(root: Parent, info: Info) -> Resolved:
        found = await info.context.reader.related(root, rel, ONE)
        return found.items[0].row if found.items else None

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs, *inputs))


def to_list(rel: RelationQuery, description: str) -> SchemaField:
    """Return a list field with all rows of a relation query, for relations with few rows."""

    async def resolve(root: Parent, info: Info) -> Resolved:
        found = await info.context.reader.related(root, rel, ALL)
        return [item.row for item in found.items]

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


def to_many(rel: RelationQuery, description: str, *, first: int = 20) -> SchemaField:
    """Return a connection field over a relation query; ``first`` is the default page size."""
    size = first

    async def resolve(root: Parent, info: Info, first: First = size, after: After = None) -> Resolved:
        return await relation_connection(root, info, rel, size if first is None else first, after)

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


def to_versions(rel: RelationQuery, description: str) -> SchemaField:
    """Return a connection field of versions, by default without those that were only referenced."""

    async def resolve(
        root: Parent, info: Info, include_stubs: IncludeStubs = False, first: First = 20, after: After = None
    ) -> Resolved:
        return await relation_connection(root, info, rel, first, after, None if include_stubs else _REGISTERED)

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


def to_latest(rel: RelationQuery, description: str, *inputs: str) -> SchemaField:
    """Return a field with the first registered row of a relation query, or null."""
    page = PageRequest(first=1, keep=_REGISTERED)

    async def resolve(root: Parent, info: Info) -> Resolved:
        found = await info.context.reader.related(root, rel, page)
        return found.items[0].row if found.items else None

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs, *inputs))


def to_deployments(rel: RelationQuery, description: str) -> SchemaField:
    """Return a connection field of deployments, by default of the active ones only."""

    async def resolve(
        root: Parent, info: Info, active_only: ActiveOnly = True, first: First = 20, after: After = None
    ) -> Resolved:
        return await relation_connection(root, info, rel, first, after, _ACTIVE if active_only else None)

    return strawberry.field(resolver=resolve, description=description, metadata=depends_on(*rel.inputs))


async def relation_connection(
    root: Row, info: Info, rel: RelationQuery, first: int | None, after: str | None, keep: ItemFilter | None = None
) -> ConnectionSource:
    """Return a page of a relation query, filtered by ``keep``, as the source of a connection.

    Raises LimitError if ``first`` is out of range, InvalidError if ``after`` is no cursor of the list, and the errors
    of the reader.
    """
    page, binding = page_request_of(info, first, after, root.urn, keep=keep)
    return ConnectionSource(await info.context.reader.related(root, rel, page), page, binding)
